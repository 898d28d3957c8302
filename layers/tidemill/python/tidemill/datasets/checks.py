"""Checking the rows of an upload against what their source declares."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidemill.datasets.arrow import to_columns
from tidemill.expressions import Column, Columns, Type, evaluate, take_rows
from tidemill.project import Source, Unique

Mask = npt.NDArray[np.bool_]


class FailedRow(NamedTuple):
    """A row that failed: its number in the file from 1, why, and its values."""

    row: int
    reasons: tuple[str, ...]
    values: dict[str, Any]


class Checker:
    """Checks an upload batch by batch; remembers the keys it has seen, eight bytes a row.

    Parameters
    ----------
    source
        Whose required columns, row checks and unique checks are applied. A check that is null on a
        row passes, as in SQL. ``unique`` is about the rows of one upload that passed everything
        else: the first of equal rows stays.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._rows = 0
        self._seen = [_Seen() for _ in source.unique_checks]

    def check(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, list[FailedRow]]:
        """Return the rows that passed, in order, and those that did not.

        Parameters
        ----------
        batch
            Rows of the source, as ``read_batches`` gives them.

        Returns
        -------
        tuple[pa.RecordBatch, list[FailedRow]]
            Together as many rows as the batch.
        """
        columns = to_columns(batch, self._source.schema)
        failures = [(f"`{name}` is null", ~columns[name].valid) for name in self._source.required]
        for check in self._source.row_checks:
            verdict = evaluate(check, columns)
            failures.append((f"{check!r} is false", verdict.valid & ~verdict.filled()))
        good = ~np.any([failed for _, failed in failures], axis=0)
        for unique, seen in zip(self._source.unique_checks, self._seen, strict=True):
            repeated = np.zeros(batch.num_rows, dtype=np.bool_)
            repeated[good] = seen.repeated(_hashes([columns[name] for name in unique.columns], good))
            failures.append((_repeats(unique), repeated))
            good &= ~repeated
        failed_rows = self._failed_rows(columns, failures, np.flatnonzero(~good))
        self._rows += batch.num_rows
        return batch.filter(pa.array(good)) if failed_rows else batch, failed_rows

    def _failed_rows(
        self, columns: Columns, failures: Sequence[tuple[str, Mask]], positions: npt.NDArray[np.intp]
    ) -> list[FailedRow]:
        values = zip(*(each.to_list() for each in take_rows(columns, positions).values()), strict=True)
        return [
            FailedRow(
                self._rows + int(position) + 1,
                tuple(reason for reason, failed in failures if failed[position]),
                dict(zip(columns, row, strict=True)),
            )
            for position, row in zip(positions, values, strict=True)
        ]


def _repeats(unique: Unique) -> str:
    return f"{', '.join(f'`{name}`' for name in unique.columns)} as in an earlier row"


def _hashes(columns: Sequence[Column], keep: Mask) -> npt.NDArray[np.int64]:
    """Hash each kept row to 64 bits; of 20 million rows, two collide with odds of 1 in 100,000."""
    lists = [_hashable(column.take(np.flatnonzero(keep))) for column in columns]
    return np.fromiter(map(hash, zip(*lists, strict=True)), dtype=np.int64, count=int(keep.sum()))


def _hashable(column: Column) -> list[Any]:
    """Return values that differ in their hashes too: of the numbers -1 and -2 Python's are equal."""
    values = column.to_list()
    if column.type not in (Type.INT, Type.FLOAT):
        return values
    return [None if value is None else repr(value + 0) for value in values]  # + 0: -0.0 is 0.0


class _Seen:
    """A set of hashes as sorted runs, merged when the newest has outgrown the one before."""

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.int64]] = []

    def repeated(self, hashes: npt.NDArray[np.int64]) -> Mask:
        """Say which have been seen before, here or earlier in the array, and remember all."""
        distinct, first = np.unique(hashes, return_index=True)
        repeated = np.ones(len(hashes), dtype=np.bool_)
        repeated[first] = False
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            repeated |= run[places] == hashes
        if len(distinct):
            self._runs.append(distinct)
        while len(self._runs) > 1 and len(self._runs[-1]) >= len(self._runs[-2]):
            newest = self._runs.pop()
            self._runs[-1] = np.union1d(self._runs[-1], newest)
        return repeated
