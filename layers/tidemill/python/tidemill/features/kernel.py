"""The offline half of the feature engine: many features at many moments, each as known at its moment.

A row that happened at ``h`` and was known at ``k`` is seen at ``t`` by a window of length ``w`` and hop
``p`` exactly while ``visible <= t < gone`` with ``visible = max(h + 1 us, k)`` and
``gone = floor(h, p) + p + w`` (for ``floor(t - w, p) <= h`` says the same as ``t < gone``). So a sum over
what is seen at ``t`` is a sum over the rows visible by ``t`` minus a sum over the rows gone by ``t``: two
prefix sums and two binary searches, in any order of arrival. Rows known only after they are gone are
left out. Sums are exact integers, so subtracting loses nothing.
"""

from dataclasses import dataclass

import numpy as np

from tidemill.expressions import Array
from tidemill.features.aggregates import KINDS, Parts, finish, measure, measure_id
from tidemill.features.definitions import Events, FeatureDefinition, Floats, Ints, Mask
from tidemill.features.exact import Limbs, split, split_squares


class TimeIndex:
    """Moments of entities, sorted by entity and time, to be counted by binary search.

    Parameters
    ----------
    codes
        Shape (n,), the entity of each moment, 0 or more.
    times
        Shape (n,), microseconds.

    Attributes
    ----------
    order
        The positions that sort the moments; None if they are sorted as they are.
    """

    def __init__(self, codes: Ints, times: Ints) -> None:
        self._low = int(times.min()) if len(times) else 0
        span = (int(times.max()) - self._low if len(times) else 0) + 2
        self._beyond = int(codes.max(initial=0)) + 1
        fits = (self._beyond + 1) * span < 2**62
        self._ranks: Ints | None = None if fits else np.unique(times)
        self._span = span if self._ranks is None else len(self._ranks) + 1
        keys = self._keys(codes, times)
        self.order = None if bool((keys[1:] >= keys[:-1]).all()) else np.argsort(keys)
        self._sorted = keys if self.order is None else keys[self.order]

    def _keys(self, codes: Ints, times: Ints) -> Ints:
        entities = np.minimum(codes, self._beyond) * self._span
        if self._ranks is None:
            return entities + np.clip(times - self._low, 0, self._span - 1)
        return entities + np.searchsorted(self._ranks, times)

    def count_before(self, codes: Ints, times: Ints) -> Ints:
        """Count the moments that sort before each (entity, time); none do before entity -1."""
        return np.searchsorted(self._sorted, self._keys(codes, times)).astype(np.int64, copy=False)

    def arrange(self, values: Array) -> Array:
        """Put values that belong to the moments into the index's order."""
        return values if self.order is None else values[self.order]


@dataclass(frozen=True)
class Questions:
    """What is asked: entity ``codes`` (-1 if never seen) at ``times`` (microseconds), shape (n,) each."""

    codes: Ints
    times: Ints


class Timeline:
    """The rows of one view, ready to answer some questions.

    Parameters
    ----------
    events
        The rows.
    codes
        The entity of each row, 0 or more.
    questions
        What is asked.
    """

    def __init__(self, events: Events, codes: Ints, questions: Questions) -> None:
        self._events, self._asked = events, questions
        self._by_time = TimeIndex(codes, events.happened)
        self._codes: Ints = self._by_time.arrange(codes)
        self._happened: Ints = self._by_time.arrange(events.happened)
        self._visible: Ints = self._by_time.arrange(events.visible)
        self._by_visible = TimeIndex(self._codes, self._visible)
        self._seen = self._by_visible.count_before(questions.codes, questions.times + 1)
        self._measures: dict[str, tuple[Floats, Mask]] = {}
        self._limbs: dict[tuple[str, str], Limbs] = {}

    def latest_rows(self, ranks: Ints, ttl_us: int | None) -> tuple[Ints, Mask]:
        """Find the newest row each question sees.

        Parameters
        ----------
        ranks
            Shape (n_rows,): each row's place among all, by entity and then from oldest to newest.
        ttl_us
            The greatest age of a row that counts; None for any.

        Returns
        -------
        tuple
            A row for each question, and whether there is one.
        """
        n_rows = len(ranks)
        if n_rows == 0:
            return np.zeros(len(self._seen), dtype=np.int64), np.zeros(len(self._seen), dtype=np.bool_)
        row_of_rank = np.empty(n_rows, dtype=np.int64)
        row_of_rank[ranks] = np.arange(n_rows)
        newest = np.maximum.accumulate(self._by_visible.arrange(self._by_time.arrange(ranks)))
        first = self._by_visible.count_before(self._asked.codes, np.full(len(self._seen), -(2**62)))
        found = self._seen > first
        rows = row_of_rank[newest[np.maximum(self._seen - 1, 0)]]
        if ttl_us is not None:
            found = found & (self._asked.times - self._events.happened[rows] <= ttl_us)
        return rows, found

    def windowed(self, feature: FeatureDefinition) -> tuple[Floats | Ints, Mask]:
        """Compute a windowed feature for every question."""
        needs = KINDS[feature.kind].needs
        values, there = self._measure(feature)
        gone_us = (self._happened // feature.hop_us + 1) * feature.hop_us + feature.window_us
        counted = there & (self._visible < gone_us)
        left_out = bool((there & ~counted).any())
        tail = (self._asked.times - feature.window_us) // feature.hop_us * feature.hop_us
        gone = self._by_time.count_before(self._asked.codes, tail)
        sums: dict[str, Limbs] = {}
        for part in sorted(needs & {"total", "squares"}):
            limbs = self._split(feature, part)
            sums[part] = {
                place: self._difference(np.where(counted, limb, 0) if left_out else limb, gone)
                for place, limb in limbs.items()
            }
        parts = Parts(
            count=self._difference(counted.astype(np.int64), gone),
            total=sums.get("total", {}),
            squares=sums.get("squares", {}),
            smallest=self._smallest(values, counted, gone_us) if "smallest" in needs else None,
            largest=-self._smallest(-values, counted, gone_us) if "largest" in needs else None,
        )
        return finish(feature.kind, parts)

    def _measure(self, feature: FeatureDefinition) -> tuple[Floats, Mask]:
        name = measure_id(feature)
        if name not in self._measures:
            values, there = measure(feature, self._events.columns, len(self._events.happened))
            self._measures[name] = self._by_time.arrange(values), self._by_time.arrange(there)
        return self._measures[name]

    def _split(self, feature: FeatureDefinition, part: str) -> Limbs:
        name = measure_id(feature), part
        if name not in self._limbs:
            values, _ = self._measure(feature)
            self._limbs[name] = split(values) if part == "total" else split_squares(values)
        return self._limbs[name]

    def _difference(self, values: Ints, gone: Ints) -> Ints:
        """Sum over the rows seen by each question, less the rows gone for it."""
        by_time = _running(values)
        in_order = self._by_visible.order is None
        by_visible = by_time if in_order else _running(self._by_visible.arrange(values))
        answer: Ints = by_visible[self._seen] - by_time[gone]
        return answer

    def _smallest(self, values: Floats, counted: Mask, gone_us: Ints) -> Floats:
        """Take the smallest value over the rows each question sees; infinite where there are none.

        The questions of an entity that see a row lie side by side in time. So each row is written over
        its stretch of the sorted questions, as two overlapping blocks of a power of two long, and the
        blocks are then handed down from the longest to the shortest: a sparse table built from below.
        """
        known = np.flatnonzero(self._asked.codes >= 0)
        answer = np.full(len(self._seen), np.inf)
        index = TimeIndex(self._asked.codes[known], self._asked.times[known])
        first = index.count_before(self._codes, self._visible)
        last = index.count_before(self._codes, gone_us)
        used = np.flatnonzero(counted & (last > first))
        if len(used) == 0:
            return answer
        first, last, numbers = first[used], last[used], values[used]
        levels = np.frexp((last - first).astype(np.float64))[1] - 1
        table = np.full(len(known), np.inf)
        for level in range(int(levels.max()), -1, -1):
            rows = np.flatnonzero(levels == level)
            np.minimum.at(table, first[rows], numbers[rows])
            np.minimum.at(table, last[rows] - (1 << level), numbers[rows])
            if level:
                half = 1 << (level - 1)
                handed = table[:-half].copy()
                np.minimum(table[half:], handed, out=table[half:])
        answer[known if index.order is None else known[index.order]] = table
        return answer


def _running(values: Ints) -> Ints:
    """Return running sums that begin with 0, shape (n + 1,)."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums
