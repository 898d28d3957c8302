"""The offline half of the feature engine: many features at many moments, each as known at its moment.

A row that happened at ``h`` and was known at ``k`` is seen at ``t`` by a window of length ``w`` and hop
``p`` exactly while ``visible <= t < gone`` with ``visible = max(h + 1 us, k)`` and
``gone = floor(h, p) + p + w`` (for ``floor(t - w, p) <= h`` says the same as ``t < gone``). So a sum over
what is seen at ``t`` is a sum over the rows visible by ``t`` minus a sum over the rows gone by ``t``: two
prefix sums and two binary searches, in any order of arrival. Rows known only after they are gone are
left out. Sums are exact integers, so subtracting loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tidemill.expressions import Array, Column
from tidemill.features.aggregates import KINDS, Parts, finish, measure, measure_id
from tidemill.features.definitions import Events, FeatureDefinition, Floats, Ints, Mask
from tidemill.features.entities import settle_ties
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
        self._events = events
        self._by_time = TimeIndex(codes, events.happened)
        self._codes: Ints = self._by_time.arrange(codes)
        self._happened: Ints = self._by_time.arrange(events.happened)
        self._visible: Ints = self._by_time.arrange(events.visible)
        self._by_visible = TimeIndex(self._codes, self._visible)
        # Questions in order make every search walk the rows once, from front to back.
        self._questions = TimeIndex(questions.codes, questions.times)
        self._asked_codes: Ints = self._questions.arrange(questions.codes)
        self._asked_times: Ints = self._questions.arrange(questions.times)
        self._seen = self._by_visible.count_before(self._asked_codes, self._asked_times + 1)
        self._measures: dict[str, tuple[Floats, Mask]] = {}
        self._limbs: dict[tuple[str, str], Limbs] = {}
        self._sums: dict[tuple[str, str, int, int], Limbs] = {}
        self._gone: dict[tuple[int, int], Ints] = {}

    def latest_rows(self, values: Sequence[Column], ttl_us: int | None) -> tuple[Ints, Mask]:
        """Find the newest row each question sees.

        Parameters
        ----------
        values
            What is taken of the rows: among rows of one entity and time the greater values are newer.
        ttl_us
            The greatest age of a row that counts; None for any.

        Returns
        -------
        tuple
            A row for each question, and whether there is one.
        """
        n_rows = len(self._codes)
        if n_rows == 0:
            return np.zeros(len(self._seen), dtype=np.int64), np.zeros(len(self._seen), dtype=np.bool_)
        positions = np.arange(n_rows)
        sorted_events = Events({}, self._happened, self._by_time.arrange(self._events.known), self._visible)
        order = settle_ties(positions, self._codes, sorted_events, [self._arranged(each) for each in values])
        ranks = np.empty(n_rows, dtype=np.int64)
        ranks[order] = positions
        newest = np.maximum.accumulate(self._by_visible.arrange(ranks))
        first = self._by_visible.count_before(self._asked_codes, np.full(len(self._seen), -(2**62)))
        rows = order[newest[np.maximum(self._seen - 1, 0)]]
        found = self._seen > first
        if ttl_us is not None:
            found = found & (self._asked_times - self._happened[rows] <= ttl_us)
        originals = rows if self._by_time.order is None else self._by_time.order[rows]
        return self._as_asked(originals), self._as_asked(found)

    def windowed(self, feature: FeatureDefinition) -> tuple[Floats | Ints, Mask]:
        """Compute a windowed feature for every question."""
        needs = KINDS[feature.kind].needs
        parts = Parts(
            count=self._sum(feature, "count")[0],
            total=self._sum(feature, "total") if "total" in needs else {},
            squares=self._sum(feature, "squares") if "squares" in needs else {},
            smallest=self._smallest(feature, 1.0) if "smallest" in needs else None,
            largest=-self._smallest(feature, -1.0) if "largest" in needs else None,
        )
        values, valid = finish(feature.kind, parts)
        return self._as_asked(values), self._as_asked(valid)

    def _as_asked(self, answers: Array) -> Array:
        """Put answers into the order the questions came in."""
        if self._questions.order is None:
            return answers
        result = np.empty_like(answers)
        result[self._questions.order] = answers
        return result

    def _arranged(self, column: Column) -> Column:
        return column if self._by_time.order is None else column.take(self._by_time.order)

    def _measure(self, feature: FeatureDefinition) -> tuple[Floats, Mask]:
        name = measure_id(feature)
        if name not in self._measures:
            values, there = measure(feature, self._events.columns, len(self._codes))
            self._measures[name] = self._by_time.arrange(values), self._by_time.arrange(there)
        return self._measures[name]

    def _split(self, feature: FeatureDefinition, part: str) -> Limbs:
        name = measure_id(feature), part
        if name not in self._limbs:
            values, there = self._measure(feature)
            made = {"count": lambda _: {0: there.astype(np.int64)}, "total": split, "squares": split_squares}
            self._limbs[name] = made[part](values)
        return self._limbs[name]

    def _gone_us(self, feature: FeatureDefinition) -> Ints:
        """Return from when on each row is no longer in the feature's window."""
        return (self._happened // feature.hop_us + 1) * feature.hop_us + feature.window_us

    def _sum(self, feature: FeatureDefinition, part: str) -> Limbs:
        """Sum a part over the rows seen by each question, less the rows gone for it."""
        name = measure_id(feature), part, feature.window_us, feature.hop_us
        if name in self._sums:
            return self._sums[name]
        window = feature.window_us, feature.hop_us
        if window not in self._gone:
            tail = (self._asked_times - feature.window_us) // feature.hop_us * feature.hop_us
            self._gone[window] = self._by_time.count_before(self._asked_codes, tail)
        counted = self._visible < self._gone_us(feature)
        limbs = self._split(feature, part)
        if not counted.all():  # what is known only when it is gone is never seen
            limbs = {place: np.where(counted, limb, 0) for place, limb in limbs.items()}
        self._sums[name] = {
            place: self._difference(limb, self._gone[window]) for place, limb in limbs.items()
        }
        return self._sums[name]

    def _difference(self, values: Ints, gone: Ints) -> Ints:
        by_time = _running(values)
        in_order = self._by_visible.order is None
        by_visible = by_time if in_order else _running(self._by_visible.arrange(values))
        answer: Ints = by_visible[self._seen] - by_time[gone]
        return answer

    def _smallest(self, feature: FeatureDefinition, sign: float) -> Floats:
        """Take the smallest of ``sign * value`` over the rows each question sees; infinite if there are none.

        The questions of an entity that see a row lie side by side in time. So each row is written over
        its stretch of the sorted questions, as two overlapping blocks of a power of two long, and the
        blocks are then handed down from the longest to the shortest: a sparse table built from below.
        """
        values, there = self._measure(feature)
        first = self._questions.count_before(self._codes, self._visible)
        last = self._questions.count_before(self._codes, self._gone_us(feature))
        used = np.flatnonzero(there & (last > first))
        first, last, numbers = first[used], last[used], sign * values[used]
        levels = np.frexp((last - first).astype(np.float64))[1] - 1
        table = np.full(len(self._seen), np.inf)
        for level in range(int(levels.max(initial=-1)), -1, -1):
            rows = np.flatnonzero(levels == level)
            np.minimum.at(table, first[rows], numbers[rows])
            np.minimum.at(table, last[rows] - (1 << level), numbers[rows])
            if level:
                half = 1 << (level - 1)
                handed = table[:-half].copy()
                np.minimum(table[half:], handed, out=table[half:])
        return table


def _running(values: Ints) -> Ints:
    """Return running sums that begin with 0, shape (n + 1,)."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums
