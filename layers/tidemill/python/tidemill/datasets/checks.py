"""Checking the rows of an upload against what their source declares."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidemill.datasets.arrow import to_columns
from tidemill.datasets.findings import ALL_PUT_ASIDE, SHOWN_EXAMPLES, Findings, RowOfFile, Verdict
from tidemill.datasets.hashes import hash_rows
from tidemill.datasets.readable import Numbers
from tidemill.datasets.seen_rows import SeenRows
from tidemill.expressions import Columns, evaluate
from tidemill.features.definitions import Mask
from tidemill.project import Source
from tidemill.project.checks import Holds, References, RowCheck, Severity, Unique

Positions = npt.NDArray[np.intp]


@dataclass
class _Tally:
    """How a check of rows fares: what it is, and how many rows failed it, the first of them in full."""

    reason: str
    about: tuple[str, ...] = ()
    severity: Severity = "quarantine"
    tolerated: float = 1.0
    failed: int = 0
    examples: list[RowOfFile] = field(default_factory=list)

    def add(self, failed: Mask, batch: pa.RecordBatch, numbers: Numbers) -> None:
        self.failed += int(failed.sum())
        room = SHOWN_EXAMPLES - len(self.examples)
        if room and failed.any():
            self.examples += _rows_at(batch, np.flatnonzero(failed)[:room], numbers)

    def verdict(self, rows: int) -> Verdict:
        passed = self.failed <= self.tolerated * rows
        beyond = "" if passed else f", more than the tolerated {self.tolerated:.1%}"
        first = f", first row {self.examples[0].row}" if self.examples else ""
        found = f"{self.failed:,} of {rows:,} rows{beyond}{first}"
        examples = tuple(self.examples)
        return Verdict(self.reason, self.severity, passed, found, self.failed, examples, self.about)


class Checker:
    """Applies a source's checks of rows, batch by batch; remembers rows as eight bytes each.

    A row is put aside if it fails a check that quarantines, or if its key or timestamp is null. A
    check that is null on a row passes, as in SQL. Uniqueness is about the rows that passed
    everything else: the first of equal rows stays.

    Parameters
    ----------
    source
        Whose checks are applied.
    seen
        The rows of earlier commits, for each check of uniqueness across commits.
    known
        The keys there are, for each check of references.

    Attributes
    ----------
    put_aside
        By column, how many rows were put aside by a check that looks at it.
    """

    def __init__(
        self,
        source: Source,
        *,
        seen: Mapping[Unique, SeenRows] | None = None,
        known: Mapping[References, SeenRows] | None = None,
    ) -> None:
        checks = source.row_checks
        self._source = source
        self._rows = 0
        self._quarantined = 0
        self.put_aside: Counter[str] = Counter()
        self._required = [(name, _Tally(f"`{name}` is null", (name,))) for name in source.required]
        self._tallies = {
            each: _Tally(each.reason, each.about, each.severity, each.tolerated) for each in checks
        }
        self._seen = {each: SeenRows() for each in checks if isinstance(each, Unique)} | dict(seen or {})
        self._known = known or {}
        used = [each.expression.columns() for each in checks if isinstance(each, Holds)]
        self._schema = {name: source.schema[name] for name in sorted(frozenset().union(*used))}

    def check(self, batch: pa.RecordBatch, numbers: Numbers) -> tuple[pa.RecordBatch, list[RowOfFile]]:
        """Return the rows that are kept, in order, and those that are put aside, with the reasons.

        Parameters
        ----------
        batch
            Rows of the source, as ``read_rows`` gives them.
        numbers
            Their numbers in the file, shape (n_rows,).

        Returns
        -------
        tuple[pa.RecordBatch, list[RowOfFile]]
            Together as many rows as the batch.
        """
        good = np.ones(batch.num_rows, dtype=np.bool_)
        aside: list[tuple[_Tally, Mask]] = []
        for tally, severity, failed in self._failures(batch, good):
            tally.add(failed, batch, numbers)
            if severity == "quarantine" and failed.any():
                aside.append((tally, failed))
                good &= ~failed
        positions = np.flatnonzero(~good)
        rows = [
            RowOfFile(row.row, row.values, tuple(tally.reason for tally, failed in aside if failed[position]))
            for position, row in zip(positions, _rows_at(batch, positions, numbers), strict=True)
        ]
        self._rows += batch.num_rows
        self._quarantined += len(rows)
        for name in {name for tally, _ in aside for name in tally.about}:
            failed_for = [failed for tally, failed in aside if name in tally.about]
            self.put_aside[name] += int(np.logical_or.reduce(failed_for).sum())
        return (batch.filter(pa.array(good)) if rows else batch), rows

    def findings(self, others: Iterable[Verdict] = ()) -> Findings:
        """Return what each check found, and whether the source tolerates as many rows put aside.

        Parameters
        ----------
        others
            The verdicts of checks that are not of rows.

        Returns
        -------
        Findings
            Of the rows checked so far.
        """
        tallies = [*(tally for _, tally in self._required), *self._tallies.values()]
        verdicts = [*(tally.verdict(self._rows) for tally in tallies), self._total(tallies), *others]
        return Findings(self._rows, self._quarantined, verdicts)

    def _total(self, tallies: Iterable[_Tally]) -> Verdict:
        """Judge all rows put aside together, and name what most of them failed."""
        total = _Tally(ALL_PUT_ASIDE, tolerated=self._source.tolerance, failed=self._quarantined)
        verdict = total.verdict(self._rows)
        most = max(tallies, key=lambda tally: (tally.severity == "quarantine") * tally.failed)
        if not most.examples:
            return verdict
        often = f"most often {most.reason} ({most.failed:,} times, first in row {most.examples[0].row})"
        return replace(verdict, found=f"{verdict.found}; {often}")

    def _failures(self, batch: pa.RecordBatch, good: Mask) -> Iterable[tuple[_Tally, Severity, Mask]]:
        """Yield which rows fail each check; ``good`` is narrowed by whoever takes them, in between."""
        for name, tally in self._required:
            yield tally, "quarantine", batch.column(name).is_null().to_numpy(zero_copy_only=False)
        columns = to_columns(batch, self._schema)
        last = sorted(self._tallies.items(), key=lambda item: isinstance(item[0], Unique))
        for check, tally in last:
            yield tally, check.severity, self._failed(check, batch, columns, good)

    def _failed(self, check: RowCheck, batch: pa.RecordBatch, columns: Columns, good: Mask) -> Mask:
        failed = np.zeros(batch.num_rows, dtype=np.bool_)
        if isinstance(check, Holds):
            verdict = evaluate(check.expression, columns)
            failed = verdict.valid & ~verdict.filled()
        elif isinstance(check, Unique):
            failed[good] = self._seen[check].add(_hashes(batch, check.columns, good))
        elif isinstance(check, References):
            present = ~np.any([_nulls(batch, name) for name in check.columns], axis=0)
            failed[present] = ~self._known[check].contains(_hashes(batch, check.columns, present))
        return failed


def _hashes(batch: pa.RecordBatch, columns: Iterable[str], keep: Mask) -> npt.NDArray[np.uint64]:
    kept = pa.array(keep)
    return hash_rows([batch.column(name).filter(kept) for name in columns])


def _nulls(batch: pa.RecordBatch, name: str) -> Mask:
    nulls: Mask = batch.column(name).is_null().to_numpy(zero_copy_only=False)
    return nulls


def _rows_at(batch: pa.RecordBatch, positions: Positions, numbers: Numbers) -> list[RowOfFile]:
    values = batch.take(pa.array(positions)).to_pylist()
    return [RowOfFile(*numbered) for numbered in zip(numbers[positions].tolist(), values, strict=True)]
