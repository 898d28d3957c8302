"""What the checks of an upload found: one verdict a check, all of them in one report."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tidemill.datasets.moments import json_value
from tidemill.errors import UploadRefused
from tidemill.project.checks import Severity

SHOWN_EXAMPLES = 5
_MOST_NAMED = 5
_NAME_CHARACTERS = 96
ALL_PUT_ASIDE = "all rows put aside"
"""The check that no source declares and each has: that few enough rows fail the others."""


class ChecksFailed(UploadRefused):
    """The file could be read, and its source's checks are against it."""


@dataclass(frozen=True)
class RowOfFile:
    """A row of a file: its number from 1, its values, and the reasons why it was put aside."""

    row: int
    values: dict[str, Any]
    reasons: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain data."""
        values = {name: json_value(value) for name, value in self.values.items()}
        reasons = {"reasons": list(self.reasons)} if self.reasons else {}
        return {"row": self.row, **reasons, "values": values}


@dataclass(frozen=True)
class Verdict:
    """What one check found.

    Attributes
    ----------
    check
        What is checked.
    severity
        What becomes of what fails it.
    passed
        Whether it holds, or few enough rows fail it.
    found
        What was found, as a sentence without its full stop.
    rows_failed
        How many rows fail it; None for a check of the upload as a whole.
    examples
        The first rows that fail it.
    columns
        The columns it looks at; none for the file or its rows as a whole.
    """

    check: str
    severity: Severity
    passed: bool
    found: str
    rows_failed: int | None = None
    examples: tuple[RowOfFile, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def put_aside(self) -> bool:
        """Whether rows were put aside for it."""
        return self.severity == "quarantine" and bool(self.rows_failed)

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return {
            "check": self.check,
            "columns": list(self.columns),
            "severity": self.severity,
            "passed": self.passed,
            "found": self.found,
            "rows_failed": self.rows_failed,
            "examples": [example.to_json() for example in self.examples],
        }


@dataclass(frozen=True)
class ColumnCounts:
    """One column of an upload.

    Attributes
    ----------
    name, type
        As declared.
    nulls
        In the rows that are kept.
    put_aside
        Rows put aside by a check that looks at the column.
    unread
        Rows with a value of another type.
    """

    name: str
    type: str
    nulls: int = 0
    put_aside: int = 0
    unread: int = 0


@dataclass
class Findings:
    """Everything the checks of one upload found.

    Attributes
    ----------
    rows_read, rows_quarantined
        Rows of the file, and those of them that were put aside.
    verdicts
        One for each check, and for the source's tolerance.
    faults
        One for each kind of fault that keeps rows from being read; the checks judge the others.
    rows_unread
        How many rows have one.
    columns
        Every declared column in numbers.
    """

    rows_read: int = 0
    rows_quarantined: int = 0
    verdicts: Sequence[Verdict] = field(default_factory=tuple)
    faults: Sequence[Verdict] = field(default_factory=tuple)
    rows_unread: int = 0
    columns: Sequence[ColumnCounts] = field(default_factory=tuple)

    @property
    def refusing(self) -> list[Verdict]:
        """The verdicts for which the upload is refused; a quarantine that holds too many is one."""
        return [each for each in self.verdicts if not each.passed and each.severity != "warn"]

    @property
    def warnings(self) -> int:
        """How many checks warn."""
        return sum(not each.passed for each in self.verdicts if each.severity == "warn")

    @property
    def failed(self) -> list[str]:
        """What failed, the gravest first, in few words: they go into every commit's summary.

        Faults, checks that refuse the upload, those that warn, and those that put rows aside; of each kind
        first what most rows fail.
        """
        aside = [each for each in self.verdicts if each.put_aside and each.check != ALL_PUT_ASIDE]
        warning = [each for each in self.verdicts if not each.passed and each.severity == "warn"]
        kinds = [self.faults, self.refusing, warning, aside]
        found = [each for kind in kinds for each in sorted(kind, key=lambda one: -(one.rows_failed or 0))]
        names = list(dict.fromkeys(each.check for each in found))
        named = [_shortened(name) for name in names[:_MOST_NAMED]]
        return [*named, *([f"and {len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else [])]

    @property
    def objections(self) -> str:
        """All verdicts against the upload as the beginning of a sentence; empty if there are none."""
        reasons = [f"{each.check}: {each.found}" for each in self.refusing]
        count = "1 check" if len(reasons) == 1 else f"{len(reasons)} checks"
        return f"{count} refused it: {'; '.join(reasons)}" if reasons else ""

    def hold(self) -> None:
        """Raise ChecksFailed, naming all of them, if any verdict is against the upload."""
        if self.refusing:
            raise ChecksFailed(f"{self.objections}; correct it and upload the file again")

    def to_json(self) -> dict[str, Any]:
        """Return the findings as a report has them."""
        return {
            "rows_read": self.rows_read,
            "rows_unread": self.rows_unread,
            "rows_quarantined": self.rows_quarantined,
            "warnings": self.warnings,
            "faults": [fault.to_json() for fault in self.faults],
            "checks": [verdict.to_json() for verdict in self.verdicts],
            "columns": [vars(column) for column in self.columns],
        }


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME_CHARACTERS else f"{name[: _NAME_CHARACTERS - 1]}…"
