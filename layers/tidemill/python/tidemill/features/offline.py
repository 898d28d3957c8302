"""Training's side of the features: observations joined with what was known when they were made."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain

import numpy as np

from tidemill.errors import ExpressionError, did_you_mean
from tidemill.expressions import Column, Columns, Type, null_column, take_rows
from tidemill.features.aggregates import VALUE_KINDS, taken_values
from tidemill.features.answers import Answers
from tidemill.features.blocks import blocks
from tidemill.features.definitions import (
    Declared,
    Events,
    FeatureDefinition,
    Ints,
    ViewDefinition,
    define,
    microseconds,
    read_events,
)
from tidemill.features.entities import encode_entities
from tidemill.features.kernel import Questions, Timeline
from tidemill.features.values import ValueFigures

_AT_ONCE = 2  # numpy and Arrow leave the interpreter to others while they work
_STEPS_AT_ONCE = 3  # more than processors, so that three long steps do not take as long as four
_NEVER_US = -(2**61)  # before any row: what an observation without a time is asked at


def join_features(
    observations: Columns, views: Iterable[Declared], rows: Mapping[str, Columns], time: str
) -> dict[str, Column]:
    """Compute every feature of some views for observations, each as known at its own time.

    Parameters
    ----------
    observations
        The entities' key columns and the time column, shape (n_rows,) each.
    views
        Feature views, or their definitions.
    rows
        The rows of each source by its name, in any order. They are asked for as views come to need them,
        two views at a time, each in a thread of its own: a mapping that reads files holds two sources.
    time
        The name of the observations' time column.

    Returns
    -------
    dict of Column
        One column per feature name, shape (n_rows,), in the order of the views. At ``t`` a feature sees
        the rows with ``timestamp < t`` that are known by ``t``. An observation with a null key or time is
        given what an entity never seen is: null, and 0 for counts.

    Raises
    ------
    ExpressionError
        If a column or a source's rows are not there.
    """
    moments = _moments(observations, time)
    definitions = [define(view) for view in views]
    for view in definitions:
        if view.source not in rows:
            known = did_you_mean(view.source, rows)
            raise ExpressionError(f"view `{view.name}`: there are no rows of source `{view.source}`{known}")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        joined = pool.map(partial(_join_view, observations, rows, moments), definitions)
        return {name: feature for features in joined for name, feature in features.items()}


def _moments(observations: Columns, time: str) -> Column:
    if time not in observations:
        raise ExpressionError(f"the observations have no column `{time}`{did_you_mean(time, observations)}")
    if observations[time].type is not Type.TIMESTAMP:
        raise ExpressionError(f"the time column `{time}` is {observations[time].type.value}, not timestamp")
    return observations[time]


def _join_view(
    observations: Columns, rows: Mapping[str, Columns], moments: Column, view: ViewDefinition
) -> dict[str, Column]:
    events = read_events(view, rows[view.source])
    codes, asked = encode_entities(view, events, observations)
    asked[~moments.valid] = -1
    times = microseconds(moments.values)
    if not moments.valid.all():
        times = np.where(moments.valid, times, _NEVER_US)
    timeline = Timeline(events, codes, Questions(asked, times))
    found = _latest_columns(view, events, timeline) if view.latest else {}
    found |= _windowed_columns(view, timeline)
    return {feature.name: found[feature.name] for feature in view.features}


def _windowed_columns(view: ViewDefinition, timeline: Timeline) -> dict[str, Column]:
    summed = [feature for feature in view.windowed if feature.kind not in VALUE_KINDS]
    picked = [feature for feature in view.windowed if feature.kind in VALUE_KINDS]
    of_values, n = ValueFigures(timeline), len(timeline)
    found = {each.name: (np.empty(n, each.type.dtype), np.empty(n, np.bool_)) for each in summed}

    def answer(asked: slice) -> None:
        answers = Answers(timeline, asked)
        for feature in summed:
            values, valid = found[feature.name]
            values[asked], valid[asked] = answers.figure(feature)

    def column(feature: FeatureDefinition) -> Column:
        if feature.kind in VALUE_KINDS:
            return of_values.figure(feature)
        values, valid = found.pop(feature.name)
        return Column(feature.type, timeline.as_asked(values), timeline.as_asked(valid))

    with ThreadPoolExecutor(_STEPS_AT_ONCE) as pool:
        shared = timeline.preparations(summed), of_values.preparations(picked), timeline.bounds(view.windowed)
        _finish(pool.submit(step) for step in chain.from_iterable(shared))
        _finish(pool.submit(answer, asked) for asked in blocks(n))
        columns = pool.map(column, view.windowed)
        return {feature.name: each for feature, each in zip(view.windowed, columns, strict=True)}


def _finish(steps: Iterable[Future[object]]) -> None:
    """Start all steps, and wait for each; raise what one of them raised."""
    for step in list(steps):
        step.result()


def _latest_columns(view: ViewDefinition, events: Events, timeline: Timeline) -> dict[str, Column]:
    def values_of(rows: Ints) -> list[Column]:
        return [_taken(events, feature, rows) for feature in view.latest]

    rows, there = timeline.latest_rows(values_of, view.ttl_us)
    if len(events.happened) == 0:
        return {feature.name: null_column(feature.type, len(there)) for feature in view.latest}
    return {
        feature.name: Column(each.type, each.values, each.valid & there)
        for feature, each in zip(view.latest, values_of(rows), strict=True)
    }


def _taken(events: Events, feature: FeatureDefinition, rows: Ints) -> Column:
    """Return what a feature takes of some rows; what is read for it is let go of before the next one."""
    read = () if feature.value is None else feature.value.columns()
    return taken_values(feature, take_rows({name: events.columns[name] for name in read}, rows))
