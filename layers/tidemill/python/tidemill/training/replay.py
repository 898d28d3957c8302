"""Replaying training rows through the online path, as serving would have answered them.

For each chosen observation the online store is filled with exactly what was known by its time, in
the order it became known, and its features are read the way a prediction reads them. Equal bits to
the training matrix mean that training saw what serving will see.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tidemill.expressions import Columns, take_rows
from tidemill.features.materialization import materialize
from tidemill.features.online import OnlineStore, read_features
from tidemill.features.plan import FeaturePlan, assemble, matrix
from tidemill.project import FeatureView
from tidemill.training.matrix import Matrix
from tidemill.training.observations import Observed

Rows = NDArray[np.intp]


def replay(
    plan: FeaturePlan,
    views: Sequence[FeatureView],
    sources: Mapping[str, Columns],
    observed: Observed,
    *,
    chosen: Rows,
    store: OnlineStore,
) -> Matrix:
    """Return the matrix rows that serving would have computed.

    Parameters
    ----------
    plan
        With fitted encodings.
    views
        The model's views.
    sources
        The pinned rows of each source.
    observed
        The observations.
    chosen
        Which of them to replay, ascending, so in order of time; shape (n_chosen,).
    store
        An empty online store.

    Returns
    -------
    ndarray
        Shape (n_chosen, n_features), float32.
    """
    pending = [_Pending(view, sources[view.source.name], observed, chosen) for view in views]
    times = observed.time.values[chosen]
    # Observations between which nothing new became known are answered by the same state of the store.
    reached = np.stack([each.reached(times) for each in pending]) if pending else np.zeros((1, len(chosen)))
    starts = np.flatnonzero(np.concatenate([[True], (reached[:, 1:] != reached[:, :-1]).any(axis=0)]))
    parts = []
    for sequence, (start, end) in enumerate(zip(starts, [*starts[1:], len(chosen)], strict=True), start=1):
        for each in pending:
            each.advance(times[start], sequence, store)
        request = take_rows(observed.request, chosen[start:end])
        features, _ = read_features(plan, request, store)
        parts.append(matrix(plan, assemble(plan, request, features)))
    return np.concatenate(parts)


class _Pending:
    """One view's rows about the entities asked for, in the order they become known."""

    def __init__(self, view: FeatureView, rows: Columns, observed: Observed, chosen: Rows) -> None:
        self._view = view
        known = view.source.known_times(rows)
        about = np.flatnonzero(known.valid & _is_about(view.entity.keys, rows, observed, chosen))
        order = about[np.argsort(known.values[about], kind="stable")]
        self._rows = take_rows(rows, order)
        self._known = known.values[order]
        self._done = 0

    def reached(self, times: NDArray[np.datetime64]) -> NDArray[np.intp]:
        """Return how many of the rows are known by each time."""
        return np.searchsorted(self._known, times, side="right")

    def advance(self, time: np.datetime64, sequence: int, store: OnlineStore) -> None:
        """Give the store what became known until a time, as one commit."""
        until = int(self.reached(np.array([time]))[0])
        if until > self._done:
            new = take_rows(self._rows, np.arange(self._done, until))
            materialize(self._view, new, sequence=sequence, store=store)
            self._done = until


def _is_about(keys: Sequence[str], rows: Columns, observed: Observed, chosen: Rows) -> NDArray[np.bool_]:
    """Return which rows are about an entity that one of the chosen observations asks for."""
    asked = set(_tuples([observed.request[key].values[chosen] for key in keys]))
    valid = np.logical_and.reduce([rows[key].valid for key in keys])
    entities = _tuples([rows[key].values for key in keys])
    about = np.fromiter((entity in asked for entity in entities), np.bool_, count=len(valid))
    return np.logical_and(valid, about)


def _tuples(columns: Sequence[NDArray[np.generic]]) -> Iterator[tuple[object, ...]]:
    return zip(*(column.tolist() for column in columns), strict=True)
