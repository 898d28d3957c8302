"""What keeps rows of a file from being read: all of it, each kind with its number and first examples.

A file with faults is refused whole. It is nevertheless read to its end, so that whoever sent it is
told of everything at once; the rows that can be read go on to the checks.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidemill.datasets.findings import SHOWN_EXAMPLES, RowOfFile, Verdict
from tidemill.datasets.moments import json_value
from tidemill.errors import UploadRefused, did_you_mean
from tidemill.expressions.columns import Schema, Type

_MOST_KINDS = 200  # kinds of faults beyond the declared columns: JSON may have a new key in every line
_SHOWN_KINDS = 5  # in a message; the report has all
_SHOWN_CHARACTERS = 80
EXPECTED = {
    Type.STRING: "text in UTF-8",
    Type.INT: "an int, such as 3 or -4",
    Type.FLOAT: "a float, such as 0.5 or 1e-3",
    Type.BOOL: "a bool: true, false, 1 or 0",
    Type.TIMESTAMP: "a timestamp, such as 2013-01-01T05:15:00Z",
}
"""What a value of each type is, in words."""


@dataclass
class _Fault:
    """One kind of fault: what should be, and the first there was instead; of the file unless it has rows."""

    expected: str
    first: str
    columns: tuple[str, ...] = ()
    rows: int = 0
    examples: list[RowOfFile] = field(default_factory=list)

    @property
    def order(self) -> int:
        return self.examples[0].row if self.examples else 0

    def add(self, rows: int, examples: Iterable[RowOfFile]) -> None:
        self.rows += rows
        self.examples += [*examples][: SHOWN_EXAMPLES - len(self.examples)]

    def said(self) -> str:
        return f"{self.first} ({self.rows:,} such rows)" if self.rows > 1 else self.first

    def verdict(self, rows: int) -> Verdict:
        found = f"{self.rows:,} of {rows:,} rows are not: {self.first}" if self.rows else self.first
        return Verdict(
            self.expected,
            "refuse",
            passed=False,
            found=found,
            rows_failed=self.rows or None,
            examples=tuple(self.examples),
            columns=self.columns,
        )


class Faults:
    """Collects the faults of one file.

    Parameters
    ----------
    name
        The file's name, for messages.
    schema
        What its source declares.

    Attributes
    ----------
    rows
        Rows of the file met so far, those with faults among them.
    unread
        Those with faults.
    by_column
        Rows with a value of another type, by column.
    """

    def __init__(self, name: str, schema: Schema) -> None:
        self._name = name
        self._schema = schema
        self._kinds: dict[str, _Fault] = {}
        self.by_column: Counter[str] = Counter()
        self.rows = 0
        self.unread = 0

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self._kinds)

    def columns(self, names: Sequence[str]) -> bool:
        """Compare the file's columns with the declared ones, and say whether they are the same.

        Parameters
        ----------
        names
            As they stand in the file.
        """
        before = len(self._kinds)
        undeclared = [name for name in names if name not in self._schema]
        for name in self._schema:
            if name not in names:
                self.missing(name, did_you_mean(name, undeclared or names))
        for name in dict.fromkeys(undeclared):
            self._kind(
                f"no column `{name}`",
                f"the file {self._name} has a column `{name}` that its source does not declare"
                f"{did_you_mean(name, self._free(names))}",
                (name,),
            )
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            self._kind(f"one column `{name}`", f"the file {self._name} has two columns `{name}`; remove one")
        return len(self._kinds) == before

    def missing(self, column: str, hint: str) -> None:
        """Say that a declared column is not in the file."""
        first = f"the file {self._name} has no column `{column}`{hint}"
        self._kind(f"a column `{column}`", first, (column,))

    def key(self, key: str, example: RowOfFile) -> None:
        """Say that a row of JSON has a key that is no column."""
        hint = did_you_mean(key, self._schema)
        kind = self._kind(
            f"no column `{key}`",
            f"row {example.row} has a column `{key}` that its source does not declare{hint}",
            (key,),
        )
        kind.add(1, [_shortened(example)])

    def values(self, column: str, rows: int, examples: Sequence[RowOfFile]) -> None:
        """Say that a column has values of another type.

        Parameters
        ----------
        column
            Which.
        rows
            How many rows have such values.
        examples
            The first of them, at least one, with what stands there.
        """
        type_, value = self._schema[column], examples[0].values[column]
        text = ", not UTF-8 text" if isinstance(value, bytes) else f" is no {type_.value}"
        kind = self._kind(
            f"`{column}` is {EXPECTED[type_]}",
            f"row {examples[0].row}, column `{column}`: {repr(value)[:_SHOWN_CHARACTERS]}{text}",
            (column,),
        )
        kind.add(rows, map(_shortened, examples))
        self.by_column[column] += rows

    def line(self, example: RowOfFile, problem: str) -> None:
        """Say that a line is no row at all."""
        kind = self._kind("each line is one JSON object", f"row {example.row} is no JSON {problem}")
        kind.add(1, [_shortened(example)])

    @property
    def message(self) -> str:
        """All that is wrong, the first of it first, as a sentence without its end."""
        kinds = sorted(self._kinds.values(), key=lambda each: each.order)
        more = len(kinds) - _SHOWN_KINDS
        others = [f"and {more} more kinds of faults, which the report names"] if more > 0 else []
        return "; ".join([*(each.said() for each in kinds[:_SHOWN_KINDS]), *others])

    def hold(self, *, besides: str = "") -> None:
        """Raise UploadRefused, naming what is wrong, if anything is.

        Parameters
        ----------
        besides
            What else is wrong with the file, as part of a sentence.
        """
        if self:
            reasons = "; ".join(filter(None, [self.message, besides]))
            raise UploadRefused(f"{reasons}; correct it and upload the file again")

    def verdicts(self) -> list[Verdict]:
        """Return one verdict for each kind of fault."""
        return [each.verdict(self.rows) for each in self._kinds.values()]

    def _kind(self, expected: str, first: str, columns: tuple[str, ...] = ()) -> _Fault:
        fault = _Fault(expected, first, columns)
        if expected not in self._kinds and len(self._kinds) >= _MOST_KINDS + len(self._schema):
            return fault
        return self._kinds.setdefault(expected, fault)

    def _free(self, names: Sequence[str]) -> list[str]:
        """Return the declared columns the file lacks: what an undeclared one may stand for."""
        return [name for name in self._schema if name not in names] or list(self._schema)


def _shortened(example: RowOfFile) -> RowOfFile:
    return RowOfFile(example.row, {name: _short(value) for name, value in example.values.items()})


def _short(value: Any) -> Any:
    if isinstance(value, bytes):
        value = value.decode(errors="backslashreplace")
    plain = json_value(value)
    if plain is None or isinstance(plain, bool | int | float):
        return plain
    return str(plain)[:_SHOWN_CHARACTERS].encode(errors="backslashreplace").decode()
