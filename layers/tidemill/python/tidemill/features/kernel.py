"""The offline half of the feature engine: many features at many moments, each as known at its moment.

A row that happened at ``h`` and was known at ``k`` is seen at ``t`` by a window of length ``w`` and hop
``p`` exactly while ``visible <= t < gone`` with ``visible = max(h + 1 us, k)`` and
``gone = floor(h, p) + p + w`` (for ``floor(t - w, p) <= h`` says the same as ``t < gone``). So a sum over
what is seen at ``t`` is a sum over the rows visible by ``t`` minus a sum over the rows gone by ``t``: two
prefix sums and two binary searches, in any order of arrival. Rows known only after they are gone are
left out. Sums are exact integers, so subtracting loses nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tidemill.expressions import Array, Column
from tidemill.features.aggregates import KINDS, Parts, finish, measure, measure_id
from tidemill.features.definitions import Events, FeatureDefinition, Floats, Ints, Mask
from tidemill.features.entities import find_ties, settle_ties
from tidemill.features.exact import LOWEST, Limbs, finest, split, split_squares, to_float
from tidemill.features.ranges import RangeMinima
from tidemill.features.time_index import TimeIndex

_WIDEST_LIMB = 48


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

    Attributes
    ----------
    by_time
        The index of the rows.
    late
        The sorted rows by entity and by when they came to be seen, as places in ``by_time``; None where
        that is the order they happened in.
    """

    def __init__(self, events: Events, codes: Ints, questions: Questions) -> None:
        self.events = events
        self.by_time = TimeIndex(codes, events.happened)
        # Questions in order make every search walk the rows once, from front to back.
        self._asked = TimeIndex(questions.codes, questions.times)
        self._asked_times = questions.times
        least_us, self._latest_us = _delays(events)
        self.late: Ints | None = None
        if least_us == self._latest_us:
            self._seen = self.by_time.count_before(self._asked, lambda times: times + 1 - least_us)
        else:
            self._by_visible = TimeIndex(codes, events.visible)
            self._seen = self._by_visible.count_before(self._asked, lambda times: times + 1)
            if not self._seen_as_happened():
                self.late = self.by_time.ranks(self._by_visible)
        self._measures: dict[str, tuple[Floats, Mask]] = {}
        self._limbs: dict[tuple[str, str], Limbs] = {}
        self._sums: dict[tuple[str, str, int, int], Limbs] = {}
        self._running_sums: dict[tuple[str, str], dict[int, tuple[Ints, Ints]]] = {}
        self._floats: dict[tuple[str, int, int], Floats] = {}
        self._gone: dict[tuple[int, int], Ints] = {}
        self._minima: dict[str, RangeMinima] = {}

    def __len__(self) -> int:
        return len(self._seen)

    @cached_property
    def codes(self) -> Ints:
        """The entities of the rows, sorted."""
        return self.by_time.codes

    @cached_property
    def happened(self) -> Ints:
        """When the rows happened, sorted by entity and timestamp."""
        return self.by_time.times

    @cached_property
    def visible(self) -> Ints:
        """From when on the rows are seen, sorted by entity and timestamp."""
        return self.by_time.arrange(self.events.visible)

    @cached_property
    def _limb_bits(self) -> int:
        # Running sums may overflow and wrap around; what they differ by over one entity's rows may not.
        most = int(np.bincount(self.codes, minlength=1).max())
        return min(_WIDEST_LIMB, 62 - most.bit_length())

    def _seen_as_happened(self) -> bool:
        same = self.codes[1:] == self.codes[:-1]
        return not bool((same & (self.visible[1:] < self.visible[:-1])).any())

    @cached_property
    def _ties(self) -> Ints | None:
        return find_ties(self.codes, self.happened) if self.by_time.has_ties() else None

    def latest_rows(
        self, values_of: Callable[[Ints], Sequence[Column]], ttl_us: int | None
    ) -> tuple[Ints, Mask]:
        """Find the newest row each question sees.

        Parameters
        ----------
        values_of
            Gives what is taken of some rows: among rows of one entity and time the greater values are newer.
        ttl_us
            The greatest age of a row that counts; None for any.

        Returns
        -------
        tuple
            A row for each question, and whether there is one.
        """
        if len(self.events.happened) == 0:
            return np.zeros(len(self._seen), dtype=np.int64), np.zeros(len(self._seen), dtype=np.bool_)
        newest = np.maximum(self._seen - 1, 0)
        entities, rows = self.by_time.at(newest)
        if self.late is not None or self._ties is not None:
            order, ranks = self.by_age(values_of)
            rows = order[np.maximum.accumulate(self._arrange_late(ranks))[newest]]
        rows, found = self.as_asked(rows), self.as_asked((self._seen > 0) & (entities == self._asked.codes))
        if ttl_us is not None:
            found &= self._asked_times - self.events.happened[rows] <= ttl_us
        return rows, found

    def by_age(self, values_of: Callable[[Ints], Sequence[Column]]) -> tuple[Ints, Ints]:
        """Sort the rows by entity, and within it from oldest to newest, as ``settle_ties`` has it.

        Parameters
        ----------
        values_of
            Gives what is taken of some rows, to tell those of one entity and time apart.

        Returns
        -------
        tuple of Ints
            The rows in that order, and the place in it of each row, sorted by entity and timestamp.
        """
        numbers = np.arange(len(self.events.happened))
        in_time = numbers if self.by_time.order is None else self.by_time.order
        if self._ties is None:
            return in_time, numbers
        order = settle_ties(in_time, self._ties, self.events.known, values_of)
        places = np.empty(len(order), dtype=np.int64)
        places[order] = numbers
        return order, places[in_time]

    def prepare(self, feature: FeatureDefinition) -> None:
        """Work out what windows of every length share, so that they can then be gone through side by side."""
        needs = KINDS[feature.kind].needs
        self._measure(feature)
        if self._never_seen(feature) is None:
            for part in sorted(needs & {"total", "squares"}):
                self._sums_by_time(feature, part)
        if self.late is None:
            for sign in (1.0,) * ("smallest" in needs) + (-1.0,) * ("largest" in needs):
                self._ranges(*self._signed(feature, sign))

    def windowed(self, feature: FeatureDefinition) -> tuple[Floats | Ints, Mask]:
        """Compute a windowed feature for every question."""
        needs = KINDS[feature.kind].needs
        parts = Parts(
            count=self._count(feature),
            total=self._sum(feature, "total") if "total" in needs else {},
            rounded=self._rounded(feature) if "total" in needs and "squares" not in needs else None,
            squares=self._sum(feature, "squares") if "squares" in needs else {},
            smallest=self._smallest(feature, 1.0) if "smallest" in needs else None,
            largest=-self._smallest(feature, -1.0) if "largest" in needs else None,
        )
        values, valid = finish(feature.kind, parts)
        return self.as_asked(values), self.as_asked(valid)

    def _arrange_late(self, values: Ints) -> Ints:
        """Put values of the sorted rows into the order in which the rows came to be seen."""
        return values if self.late is None else values[self.late]

    def as_asked(self, answers: Array) -> Array:
        """Put answers into the order the questions came in."""
        if self._asked.order is None:
            return answers
        result = np.empty_like(answers)
        result[self._asked.order] = answers
        return result

    def _measure(self, feature: FeatureDefinition) -> tuple[Floats, Mask]:
        name = measure_id(feature)
        if name not in self._measures:
            values, there = measure(feature, self.events.columns, len(self.events.happened))
            arranged = there if there.all() else self.by_time.arrange(there)
            self._measures[name] = self.by_time.arrange(values), arranged
        return self._measures[name]

    def _split(self, feature: FeatureDefinition, part: str) -> Limbs:
        name = measure_id(feature), part
        if name not in self._limbs:
            values, there = self._measure(feature)
            if part == "count":
                made = {0: there.astype(np.int64)}
            elif part == "total":
                made = split(values, finest(values), self._limb_bits)
            else:
                made = split_squares(values, max(2 * finest(values), LOWEST), self._limb_bits - 1)
            self._limbs[name] = made
        return self._limbs[name]

    def gone_us(self, feature: FeatureDefinition) -> Ints:
        """Return from when on each row is no longer in the feature's window."""
        return _gone_from(self.happened, feature)

    def _gone_by(self, feature: FeatureDefinition) -> Ints:
        """Count the rows that lie before each question's window."""
        window = feature.window_us, feature.hop_us
        if window not in self._gone:
            self._gone[window] = self.by_time.count_before(
                self._asked, lambda times: (times - feature.window_us) // feature.hop_us * feature.hop_us
            )
        return self._gone[window]

    def _never_seen(self, feature: FeatureDefinition) -> Mask | None:
        """Mark rows that become known only when they are gone; None if there are none."""
        if self._latest_us <= feature.window_us:
            return None
        late = self.visible >= self.gone_us(feature)
        return late if late.any() else None

    def _count(self, feature: FeatureDefinition) -> Ints:
        """Count the rows seen by each question that hold a value."""
        if self._measure(feature)[1].all() and self._never_seen(feature) is None:
            return self._seen - self._gone_by(feature)
        return self._sum(feature, "count")[0]

    def _sum(self, feature: FeatureDefinition, part: str) -> Limbs:
        """Sum a part over the rows seen by each question, less the rows gone for it."""
        name = measure_id(feature), part, feature.window_us, feature.hop_us
        if name not in self._sums:
            never = self._never_seen(feature)
            if never is None:
                gone = self._gone_by(feature)
                running = self._sums_by_time(feature, part)
                self._sums[name] = {exponent: seen - sums[gone] for exponent, (sums, seen) in running.items()}
            else:
                seen = {e: np.where(never, 0, limb) for e, limb in self._split(feature, part).items()}
                self._sums[name] = {e: self.difference(feature, limb, limb) for e, limb in seen.items()}
        return self._sums[name]

    def _rounded(self, feature: FeatureDefinition) -> Floats:
        """Return the sums of what each question sees, as floats."""
        name = measure_id(feature), feature.window_us, feature.hop_us
        if name not in self._floats:
            self._floats[name] = to_float(self._sum(feature, "total"), len(self))
        return self._floats[name]

    def _sums_by_time(self, feature: FeatureDefinition, part: str) -> dict[int, tuple[Ints, Ints]]:
        """Return each limb's running sums over the sorted rows, and its sum over all each question sees."""
        name = measure_id(feature), part
        if name not in self._running_sums:
            made = {}
            for exponent, limb in self._split(feature, part).items():
                by_time = _running(limb)
                by_visible = by_time if self.late is None else _running(self._arrange_late(limb))
                made[exponent] = by_time, by_visible[self._seen]
            self._running_sums[name] = made
        return self._running_sums[name]

    def difference(self, feature: FeatureDefinition, visible: Ints, gone: Ints) -> Ints:
        """Add up values of the rows visible to each question, less values of the rows gone from its window.

        Parameters
        ----------
        feature
            Whose window it is.
        visible, gone
            What each row adds and takes away, sorted by entity and timestamp.
        """
        by_visible = _running(self._arrange_late(visible))
        by_time = by_visible if gone is visible and self.late is None else _running(gone)
        answer: Ints = by_visible[self._seen] - by_time[self._gone_by(feature)]
        return answer

    def _smallest(self, feature: FeatureDefinition, sign: float) -> Floats:
        return self.least(feature, *self._signed(feature, sign))

    def _signed(self, feature: FeatureDefinition, sign: float) -> tuple[str, Floats, Mask]:
        values, there = self._measure(feature)
        return f"{measure_id(feature)} {sign}", sign * values, there

    def _ranges(self, name: str, values: Floats, there: Mask) -> RangeMinima:
        if name not in self._minima:
            self._minima[name] = RangeMinima(np.where(there, values, np.inf))
        return self._minima[name]

    def least(self, feature: FeatureDefinition, name: str, values: Floats, there: Mask) -> Floats:
        """Take the least value over the rows each question sees; infinite if there is none.

        Parameters
        ----------
        feature
            Whose window it is.
        name
            Of the values, to prepare them once for several windows.
        values, there
            Of each row, sorted by entity and timestamp, and where there is one.
        """
        if self.late is not None:
            return self._least_of_late(feature, values, there)
        # Rows known in the order they happened: what a question sees is one stretch of them.
        return self._ranges(name, values, there).of(self._gone_by(feature), self._seen)

    def _least_of_late(self, feature: FeatureDefinition, values: Floats, there: Mask) -> Floats:
        """Take the least where rows came to be known in another order than they happened.

        The questions of an entity that see a row lie side by side in time. So each row is written over
        its stretch of the sorted questions, as two overlapping blocks of a power of two long, and the
        blocks are then handed down from the longest to the shortest: a sparse table built from below.
        """
        first = np.empty(len(values), dtype=np.int64)
        first[self.late] = self._asked.count_before(self._by_visible, lambda times: times)
        last = self._asked.count_before(self.by_time, lambda times: _gone_from(times, feature))
        used = np.flatnonzero(there & (last > first))
        first, last, numbers = first[used], last[used], values[used]
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


def _gone_from(happened: Ints, feature: FeatureDefinition) -> Ints:
    """Return from when on rows are no longer in a feature's window."""
    return (happened // feature.hop_us + 1) * feature.hop_us + feature.window_us


def _running(values: Ints) -> Ints:
    """Return running sums that begin with 0, shape (n + 1,)."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


def _delays(events: Events) -> tuple[int, int]:
    """Return how long after they happened rows are seen, at least and at most."""
    if events.known is events.happened or len(events.happened) == 0:
        return 1, 1
    delays = events.visible - events.happened
    return int(delays.min()), int(delays.max())
