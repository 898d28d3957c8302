"""Figures of values of any type over windows, offline: the first, the last, how many different ones."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from tidemill.expressions import Column
from tidemill.features.aggregates import Parts, finish, taken_values
from tidemill.features.definitions import Events, FeatureDefinition, Floats, Ints, Mask
from tidemill.features.kernel import Timeline
from tidemill.features.stretches import Stretches


class ValueFigures:
    """Answers a timeline's questions for features that pick values, or tell them apart.

    Parameters
    ----------
    timeline
        The rows and the questions.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._events: Events = timeline.events
        self._taken: dict[str, Column] = {}
        self._ages: dict[str, tuple[Ints, Floats, Mask]] = {}
        self._stretches: dict[str, Stretches] = {}

    def preparations(self, features: Iterable[FeatureDefinition]) -> Iterator[Callable[[], object]]:
        """Give the steps that work out, once, what figures share; they can be gone through side by side."""
        by_value: defaultdict[str, list[FeatureDefinition]] = defaultdict(list)
        for feature in features:
            by_value[feature.value_id].append(feature)
        yield from (partial(self._prepare, of_one) for of_one in by_value.values())

    def figure(self, feature: FeatureDefinition) -> Column:
        """Compute a feature for every question."""
        parts = self._distinct(feature) if feature.kind == "distinct" else self._pick(feature)
        values, valid = finish(feature.kind, parts)
        return Column(feature.type, self._timeline.as_asked(values), self._timeline.as_asked(valid))

    def _prepare(self, features: Iterable[FeatureDefinition]) -> None:
        """Work out what figures of one value share."""
        for feature in features:
            if feature.kind == "distinct":
                self._grouped(feature)
            elif len(self._column(feature)) and self._timeline.late is None:
                self._prepare_ages(feature)

    def _column(self, feature: FeatureDefinition) -> Column:
        if feature.value_id not in self._taken:
            self._taken[feature.value_id] = taken_values(feature, self._events.columns)
        return self._taken[feature.value_id]

    def _pick(self, feature: FeatureDefinition) -> Parts:
        """Pick the oldest or the newest value: the row of least or greatest age in the window."""
        column = self._column(feature)
        if len(column) == 0:
            n = len(self._timeline)
            return Parts(count=np.zeros(n, dtype=np.int64), chosen=np.zeros(n, dtype=column.type.dtype))
        self._prepare_ages(feature)
        least = self._timeline.least(feature, _age_id(feature), slice(None))
        found = np.isfinite(least)
        rows = self._aged(feature)[0][np.where(found, _sign(feature) * least, 0.0).astype(np.int64)]
        return Parts(count=found.astype(np.int64), chosen=column.values[rows])

    def _prepare_ages(self, feature: FeatureDefinition) -> None:
        def signed() -> Floats:
            _, ages, there = self._aged(feature)
            return np.where(there, _sign(feature) * ages, np.inf)

        self._timeline.prepare_least(feature, _age_id(feature), signed)

    def _aged(self, feature: FeatureDefinition) -> tuple[Ints, Floats, Mask]:
        """Return the rows from oldest to newest, and of the sorted rows their ages and which hold a value."""
        column, name = self._column(feature), feature.value_id
        if name not in self._ages:
            order, ranks = self._timeline.by_age(lambda rows: [column.take(rows)])
            there = self._timeline.by_time.arrange(column.valid)
            self._ages[name] = order, ranks.astype(np.float64), there
        return self._ages[name]

    def _distinct(self, feature: FeatureDefinition) -> Parts:
        """Count the different values each question sees."""
        begun, ended = self._grouped(feature).ends(feature)
        count = self._timeline.difference(feature, begun, ended)
        return Parts(count=np.minimum(count, feature.at_most))

    def _grouped(self, feature: FeatureDefinition) -> Stretches:
        if feature.value_id not in self._stretches:
            self._stretches[feature.value_id] = Stretches(self._timeline, self._column(feature))
        return self._stretches[feature.value_id]


def _sign(feature: FeatureDefinition) -> float:
    """Return what to multiply ages with so that the least is the one to pick."""
    return 1.0 if feature.kind == "first" else -1.0


def _age_id(feature: FeatureDefinition) -> str:
    return f"{feature.value_id} age {_sign(feature)}"
