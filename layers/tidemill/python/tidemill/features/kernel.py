"""The offline half of the feature engine: many features at many moments, each as known at its moment.

A row that happened at ``h`` and was known at ``k`` is seen at ``t`` by a window of length ``w`` and hop
``p`` exactly while ``visible <= t < gone`` with ``visible = max(h + 1 us, k)`` and
``gone = floor(h, p) + p + w`` (for ``floor(t - w, p) <= h`` says the same as ``t < gone``). So a sum over
what is seen at ``t`` is a sum over the rows visible by ``t`` minus a sum over the rows gone by ``t``: two
prefix sums and two binary searches, in any order of arrival. Rows known only after they are gone are
left out. Sums are exact integers, so subtracting loses nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tidemill.expressions import Array, Column
from tidemill.features.aggregates import KINDS, measure, measure_id
from tidemill.features.definitions import Events, FeatureDefinition, Floats, Ints, Mask
from tidemill.features.entities import find_ties, settle_ties
from tidemill.features.exact import LOWEST, Limbs, Pieces, finest, split_streams
from tidemill.features.once import Once
from tidemill.features.ranges import RangeMinima, spread_minima
from tidemill.features.running import RunningSums, running_counts, running_sums
from tidemill.features.time_index import TimeIndex

_WIDEST_LIMB = 48
_STREAMS = 2  # in which rows are split: it takes longest of what is worked out side by side

Window = tuple[int, int]
"""Length and hop of a window, microseconds."""


@dataclass(frozen=True)
class Questions:
    """What is asked: entity ``codes`` (-1 if never seen) at ``times`` (microseconds), shape (n,) each."""

    codes: Ints
    times: Ints


@dataclass(frozen=True)
class Measured:
    """What a figure is taken of, row by row as they came; ``everywhere`` if no row is without."""

    values: Floats
    there: Mask
    everywhere: bool


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
        self._least_us, self._latest_us = _delays(events)
        self._by_visible = self.by_time
        self.late: Ints | None = None
        if self._least_us < self._latest_us:
            self._by_visible = TimeIndex(codes, events.visible)
            if not self._seen_as_happened():
                self.late = self.by_time.ranks(self._by_visible)
        self._measures: dict[str, Measured] = {}
        self._sums: dict[tuple[str, str, Window | None], RunningSums] = {}
        self._gone: dict[Window, Ints] = {}
        self._never: dict[Window, Mask | None] = {}
        self._minima: dict[str, RangeMinima] = {}
        self._of_late: dict[tuple[str, Window], Floats] = {}

    def __len__(self) -> int:
        return len(self._asked_times)

    @property
    def delay_us(self) -> int | None:
        """How long after they happened rows are seen, if that is the same for all."""
        return self._least_us if self._least_us == self._latest_us else None

    @Once
    def seen(self) -> Ints:
        """How many rows each question sees, and all of the entities before its own."""
        least_us = self._least_us if self._by_visible is self.by_time else 0
        return self._by_visible.count_before(self._asked, lambda times: times + 1 - least_us)

    @property
    def codes(self) -> Ints:
        """The entities of the rows, sorted."""
        return self.by_time.codes

    @property
    def happened(self) -> Ints:
        """When the rows happened, sorted by entity and timestamp."""
        return self.by_time.times

    @Once
    def visible(self) -> Ints:
        """From when on the rows are seen, sorted by entity and timestamp."""
        return self.by_time.arrange(self.events.visible)

    @Once
    def _limb_bits(self) -> int:
        # Running sums may overflow and wrap around; what they differ by over one entity's rows may not.
        return min(_WIDEST_LIMB, 62 - self.by_time.most_of_one().bit_length())

    def _seen_as_happened(self) -> bool:
        same = self.codes[1:] == self.codes[:-1]
        return not bool((same & (self.visible[1:] < self.visible[:-1])).any())

    @Once
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
            return np.zeros(len(self), dtype=np.int64), np.zeros(len(self), dtype=np.bool_)
        newest = np.maximum(self.seen - 1, 0)
        entities, rows = self.by_time.at(newest)
        if self.late is not None or self._ties is not None:
            order, ranks = self.by_age(values_of)
            rows = order[np.maximum.accumulate(self._arrange_late(ranks))[newest]]
        rows, found = self.as_asked(rows), self.as_asked((self.seen > 0) & (entities == self._asked.codes))
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

    def bounds(self, features: Iterable[FeatureDefinition]) -> Iterator[Callable[[], object]]:
        """Give the steps that find which rows the windows of some features hold; see ``preparations``."""
        by_window = {window_of(feature): feature for feature in features}
        yield lambda: self.seen
        yield from (partial(self.gone_by, feature) for feature in by_window.values())
        yield lambda: self._asked.ranks_as_given

    def preparations(self, features: Iterable[FeatureDefinition]) -> Iterator[Callable[[], object]]:
        """Give the steps that work out, once, what figures share; they can be gone through side by side."""
        by_measure: defaultdict[str, list[FeatureDefinition]] = defaultdict(list)
        for feature in features:
            by_measure[measure_id(feature)].append(feature)
        yield from (partial(self._prepare, of_one) for of_one in by_measure.values())

    def _prepare(self, features: Sequence[FeatureDefinition]) -> None:
        """Work out what figures of one measure are taken from."""
        for feature in features:
            for part in sorted(KINDS[feature.kind].needs & {"total", "squares"}):
                self.sums(feature, part)
            if not self.counts_all(feature):
                self.sums(feature, "count")
        signs = [(feature, sign) for feature in features for sign in _signs(feature)]
        if signs:
            measured = self._measure(features[0])
            values = self.by_time.arrange(measured.values)
            there = measured.there if measured.everywhere else self.by_time.arrange(measured.there)
            for feature, sign in signs:
                self.prepare_least(feature, _signed_id(feature, sign), partial(_signed, values, there, sign))

    def gone_by(self, feature: FeatureDefinition) -> Ints:
        """Count the rows that lie before each question's window, and all of the entities before its own."""
        window = window_of(feature)
        if window not in self._gone:
            self._gone[window] = self.by_time.count_before(
                self._asked, lambda times: (times - feature.window_us) // feature.hop_us * feature.hop_us
            )
        return self._gone[window]

    def counts_all(self, feature: FeatureDefinition) -> bool:
        """Tell whether every row holds a value and is seen before it is gone."""
        return self._measure(feature).everywhere and self._never_seen(feature) is None

    def sums(self, feature: FeatureDefinition, part: str) -> RunningSums:
        """Return running sums of a part over the rows that are seen before they are gone."""
        never = self._never_seen(feature)
        name = measure_id(feature), part, None if never is None else window_of(feature)
        if name not in self._sums:
            seen, gone = {}, self._limbs(feature, part, never)
            for exponent, limb in gone.items():
                seen[exponent] = limb if self.late is None else running_sums(limb[1:][self.late])
                np.cumsum(limb, out=limb)
            self._sums[name] = RunningSums(seen, gone)
        return self._sums[name]

    def smallest(self, feature: FeatureDefinition, sign: float, asked: slice) -> Floats:
        """Return the least value, times a sign, that each of some sorted questions sees."""
        return self.least(feature, _signed_id(feature, sign), asked)

    def as_asked(self, answers: Array) -> Array:
        """Put answers to the sorted questions into the order the questions came in."""
        ranks = self._asked.ranks_as_given  # reading here and there is faster than writing
        if ranks is None or (answers.dtype == np.bool_ and answers.all()):
            return answers
        return answers[ranks]

    def _measure(self, feature: FeatureDefinition) -> Measured:
        name = measure_id(feature)
        if name not in self._measures:
            values, there = measure(feature, self.events.columns, len(self.events.happened))
            self._measures[name] = Measured(values, there, everywhere=bool(there.all()))
        return self._measures[name]

    def _limbs(self, feature: FeatureDefinition, part: str, never: Mask | None) -> Limbs:
        """Split a part of the sorted rows, of which some are never seen; before them comes a 0."""
        measured, n = self._measure(feature), len(self.events.happened) + 1
        if part == "count":
            counted = np.zeros(n, dtype=np.int64)
            counted[1:] = self.by_time.arrange(measured.there)
            if never is not None:
                counted[1:][never] = 0
            return {0: counted}
        unit = finest(measured.values)
        streams = [self._pieces(measured.values, never, first) for first in range(_STREAMS)]
        if part == "total":
            return split_streams(streams, n, unit, self._limb_bits, squares=False)
        return split_streams(streams, n, max(2 * unit, LOWEST), self._limb_bits - 1, squares=True)

    def _pieces(self, values: Floats, never: Mask | None, first: int) -> Pieces:
        for rows, piece in self.by_time.pieces(values, _STREAMS, first):
            after_a_zero = slice(rows.start + 1, rows.stop + 1)
            yield after_a_zero, piece if never is None else np.where(never[rows], 0.0, piece)

    def _never_seen(self, feature: FeatureDefinition) -> Mask | None:
        """Mark rows that become known only when they are gone; None if there are none."""
        if self._latest_us <= feature.window_us:
            return None
        window = window_of(feature)
        if window not in self._never:
            never = self.visible >= gone_from(self.happened, feature)
            self._never[window] = never if never.any() else None
        return self._never[window]

    def difference(self, feature: FeatureDefinition, visible: Mask, gone: Mask) -> Ints:
        """Count marked rows visible to each question, less other marked rows gone from its window.

        Parameters
        ----------
        feature
            Whose window it is.
        visible, gone
            Marks of the rows, sorted by entity and timestamp.
        """
        begun = running_counts(self._arrange_late(visible))[self.seen].astype(np.int64)
        return begun - running_counts(gone)[self.gone_by(feature)]

    def _arrange_late(self, values: Array) -> Array:
        """Put values of the sorted rows into the order in which the rows came to be seen."""
        return values if self.late is None else values[self.late]

    def prepare_least(self, feature: FeatureDefinition, name: str, values: Callable[[], Floats]) -> None:
        """Make ready to take the least value over the rows each question sees.

        Parameters
        ----------
        feature
            Whose window it is.
        name
            Of the values, to prepare them once for several windows.
        values
            Gives that of each row, sorted by entity and timestamp; infinite where there is none.
        """
        if self.late is None:
            if name not in self._minima:
                self._minima[name] = RangeMinima(values())
        elif (name, window_of(feature)) not in self._of_late:
            self._of_late[name, window_of(feature)] = self._least_of_late(feature, values())

    def least(self, feature: FeatureDefinition, name: str, asked: slice) -> Floats:
        """Take the least of the values that some of the sorted questions see; infinite if there is none."""
        if self.late is not None:
            return self._of_late[name, window_of(feature)][asked]
        # Rows known in the order they happened: what a question sees is one stretch of them.
        return self._minima[name].of(self.gone_by(feature)[asked], self.seen[asked])

    def _least_of_late(self, feature: FeatureDefinition, values: Floats) -> Floats:
        """Take the least where rows came to be known in another order than they happened.

        The questions of an entity that see a row lie side by side in time.
        """
        first = np.empty(len(values), dtype=np.int64)
        first[self.late] = self._asked.count_before(self._by_visible, lambda times: times)
        last = self._asked.count_before(self.by_time, lambda times: gone_from(times, feature))
        used = np.flatnonzero((values < np.inf) & (last > first))
        return spread_minima(len(self), first[used], last[used], values[used])


def gone_from(happened: Ints, feature: FeatureDefinition) -> Ints:
    """Return from when on rows are no longer in a feature's window."""
    return (happened // feature.hop_us + 1) * feature.hop_us + feature.window_us


def window_of(feature: FeatureDefinition) -> Window:
    """Return the length and the hop of a feature's window."""
    return feature.window_us, feature.hop_us


def _signs(feature: FeatureDefinition) -> Iterator[float]:
    """Give what to multiply values with so that the least of them is what a feature looks for."""
    needs = KINDS[feature.kind].needs
    yield from (sign for part, sign in (("smallest", 1.0), ("largest", -1.0)) if part in needs)


def _signed_id(feature: FeatureDefinition, sign: float) -> str:
    return f"{measure_id(feature)} {sign}"


def _signed(values: Floats, there: Mask, sign: float) -> Floats:
    signed = sign * values
    signed[~there] = np.inf
    return signed


def _delays(events: Events) -> tuple[int, int]:
    """Return how long after they happened rows are seen, at least and at most."""
    if events.known is events.happened or len(events.happened) == 0:
        return 1, 1
    delays = events.visible - events.happened
    return int(delays.min()), int(delays.max())
