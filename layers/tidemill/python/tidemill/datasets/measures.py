"""What an upload's accepted rows are like as a whole, and whether that is as its source declares.

A column's distribution is kept as counts of codes, which add up over commits: the leading bits of a
number, eight of its mantissa (values within 0.4 % of each other share a code), or a string's hash.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidemill.datasets.findings import Verdict
from tidemill.datasets.hashes import hash_rows
from tidemill.datasets.moments import timestamp
from tidemill.expressions import Type
from tidemill.project import Source
from tidemill.project.checks import Drift, Freshness, NullRate, RowCount, UploadCheck
from tidemill.statistics.distances import psi
from tidemill.statistics.drift_tests import psi_test

Counts = npt.NDArray[np.int64]

FALSE_ALARM_RATE = 0.001
_WORD_CODES = 1024
_DROPPED_BITS = 44  # of a float64: 8 of the 52 bits of the mantissa stay
_MOST_BINS = 10
_MOST_WORDS = 20


class Measures:
    """Counts an upload's accepted rows, batch by batch, in memory that does not grow with them.

    Parameters
    ----------
    source
        Whose checks of uploads say what is to be counted.

    Attributes
    ----------
    rows
        How many were counted.
    nulls
        By column.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.rows = 0
        self.nulls: Counter[str] = Counter()
        self._newest: datetime | None = None
        drifting = {each.column for each in source.upload_checks if isinstance(each, Drift)}
        self._codes: dict[str, Counter[int]] = {name: Counter() for name in sorted(drifting)}

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch."""
        self.rows += batch.num_rows
        for name in self._source.schema:
            self.nulls[name] += batch.column(name).null_count
        newest = pc.max(batch.column(self._source.timestamp)).as_py()
        if newest is not None and (self._newest is None or newest > self._newest):
            self._newest = newest
        for name, counted in self._codes.items():
            codes, times = np.unique(_codes(batch.column(name).drop_null()), return_counts=True)
            counted.update(dict(zip(codes.tolist(), times.tolist(), strict=True)))

    def profile(self) -> dict[str, Any]:
        """Return what a later upload is compared with."""
        return {
            "rows": self.rows,
            "newest": None if self._newest is None else timestamp(self._newest),
            "nulls": dict(self.nulls),
            "codes": {
                name: {str(code): times for code, times in sorted(counted.items())}
                for name, counted in self._codes.items()
            },
        }

    def verdicts(self, arrived: datetime, earlier: Sequence[Mapping[str, Any]]) -> list[Verdict]:
        """Judge what was counted.

        Parameters
        ----------
        arrived
            When the upload did.
        earlier
            The profiles of earlier commits, the newest first.

        Returns
        -------
        list[Verdict]
            One for each of the source's checks of uploads.
        """
        judged = []
        for check in self._source.upload_checks:
            passed, found = _JUDGES[type(check)](check, self, _Context(arrived, earlier))
            judged.append(Verdict(check.text, check.severity, passed, found, columns=check.about))
        return judged

    def null_share(self, column: str) -> float:
        """Return which share of a column is null; 0 where there are no rows."""
        return self.nulls[column] / max(1, self.rows)

    def age_seconds(self, arrived: datetime) -> float | None:
        """Return how old the newest row is, or None if there is none."""
        return None if self._newest is None else (arrived - self._newest).total_seconds()

    def counts_with(self, column: str, earlier: Sequence[Mapping[str, Any]]) -> tuple[Counts, Counts]:
        """Return earlier and present counts of a column in the same few bins."""
        before: Counter[int] = Counter()
        for profile in earlier:
            codes = profile["codes"].get(column, {})
            before.update({int(code): times for code, times in codes.items()})
        words = self._source.schema[column] is Type.STRING
        return (_binned_words if words else _binned_numbers)(before, self._codes[column])


@dataclass(frozen=True)
class _Context:
    arrived: datetime
    earlier: Sequence[Mapping[str, Any]]


def _codes(column: pa.Array) -> npt.NDArray[np.int64]:
    if pa.types.is_string(column.type):
        return (hash_rows([column]) % np.uint64(_WORD_CODES)).astype(np.int64)
    bits = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) + 0.0  # -0.0 is 0.0
    ordered = bits.view(np.int64)
    # Negative numbers count backwards: flipped, so that codes are in the order of values.
    ordered = np.where(ordered < 0, ordered ^ np.int64(2**63 - 1), ordered)
    codes: npt.NDArray[np.int64] = ordered >> _DROPPED_BITS
    return codes


def _binned_numbers(before: Counter[int], now: Counter[int]) -> tuple[Counts, Counts]:
    """Bin by edges that put about as many of the earlier values into each."""
    codes = np.array(sorted(before), dtype=np.int64)
    counts = np.array([before[code] for code in codes.tolist()], dtype=np.int64)
    marks = np.arange(1, _MOST_BINS) * counts.sum() / _MOST_BINS
    places = np.searchsorted(np.cumsum(counts), marks, side="left")
    edges = np.unique(codes[places]) if len(codes) else codes
    return _into_bins(before, edges), _into_bins(now, edges)


def _into_bins(counted: Counter[int], edges: npt.NDArray[np.int64]) -> Counts:
    codes = np.array(list(counted), dtype=np.int64)
    weights = np.array(list(counted.values()), dtype=np.int64)
    bins = np.searchsorted(edges, codes, side="left")
    return np.bincount(bins, weights=weights, minlength=len(edges) + 1).astype(np.int64)


def _binned_words(before: Counter[int], now: Counter[int]) -> tuple[Counts, Counts]:
    """Bin by the most frequent of the earlier words, and all others together."""
    frequent = [code for code, _ in before.most_common(_MOST_WORDS)]

    def binned(counted: Counter[int]) -> Counts:
        known = [counted[code] for code in frequent]
        return np.array([*known, counted.total() - sum(known)], dtype=np.int64)

    return binned(before), binned(now)


def _judge_rows(check: RowCount, measures: Measures, _: _Context) -> tuple[bool, str]:
    rows = measures.rows
    return check.at_least <= rows and (check.at_most is None or rows <= check.at_most), f"{rows:,} rows"


def _judge_nulls(check: NullRate, measures: Measures, _: _Context) -> tuple[bool, str]:
    share = measures.null_share(check.column)
    return share <= check.at_most, f"{share:.2%} null"


def _judge_age(check: Freshness, measures: Measures, context: _Context) -> tuple[bool, str]:
    age = measures.age_seconds(context.arrived)
    if age is None:
        return False, "no row has a time"
    return age <= check.seconds, f"{age / 86_400:.1f} days old when it arrived"


def _judge_drift(check: Drift, measures: Measures, context: _Context) -> tuple[bool, str]:
    before, now = measures.counts_with(check.column, context.earlier[: check.commits])
    if not before.sum() or not now.sum():
        return True, "nothing earlier to compare with" if now.sum() else "no value"
    distance, p_value = psi(before, now), psi_test(before, now)
    drifted = distance > check.at_most and p_value < FALSE_ALARM_RATE
    return not drifted, f"PSI {distance:.3f}, p {p_value:.1g}"


_JUDGES: dict[type[UploadCheck], Callable[..., tuple[bool, str]]] = {
    RowCount: _judge_rows,
    NullRate: _judge_nulls,
    Freshness: _judge_age,
    Drift: _judge_drift,
}
