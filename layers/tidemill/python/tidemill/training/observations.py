"""Observations whose label is known: what a model can learn from, in order of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidemill.errors import CallerError
from tidemill.expressions import Array, Column, Columns, evaluate, format_timestamp, take_rows
from tidemill.project import Model, TimeSplit
from tidemill.training.matrix import TEST, TRAIN, VALIDATION, Mask

_FEWEST_ROWS = 20  # of each part: below it neither a fit nor a figure means anything
_PARTS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}


@dataclass(frozen=True, eq=False)
class Observed:
    """Observations with their labels, sorted by time and key.

    Attributes
    ----------
    request
        The request columns, shape (n_rows,) each.
    key, time
        Which observation, and when its prediction is made.
    labels
        Shape (n_rows,), bool.
    dropped
        How many rows were left out, by reason.
    rows
        Which row of the source each is of, shape (n_rows,).
    """

    request: Columns
    key: Column
    time: Column
    labels: Mask
    dropped: Mapping[str, int]
    rows: NDArray[np.intp]


def observe(model: Model, rows: Columns, cutoff: np.datetime64) -> Observed:
    """Take the observations whose label was known by the cutoff.

    Parameters
    ----------
    model
        The declaration: observations and label.
    rows
        Of the observations' source, in any order.
    cutoff
        The run's moment.

    Returns
    -------
    Observed
        In an order that does not depend on that of the rows.
    """
    declared = model.observations
    key, time = rows[declared.key], evaluate(declared.time, rows)
    label, known = evaluate(model.label, rows), declared.source.known_times(rows)
    late = ~known.valid | (known.values > cutoff)
    unlabelled = ~late & ~label.valid
    unnamed = ~late & label.valid & ~(key.valid & time.valid)
    kept = np.flatnonzero(~(late | unlabelled | unnamed))
    by_key = kept[np.argsort(_sortable(key.values[kept]), kind="stable")]
    order = by_key[np.argsort(time.values[by_key], kind="stable")]
    told = [label, *(rows[name] for name in sorted(declared.request))]
    order = _settle_ties(order, key.values[order], time.values[order], told)
    return Observed(
        request=take_rows({name: rows[name] for name in declared.request}, order),
        key=key.take(order),
        time=time.take(order),
        labels=label.values[order].astype(np.bool_),
        dropped={
            "known after the cutoff": int(late.sum()),
            "without a label": int(unlabelled.sum()),
            "without a key or time": int(unnamed.sum()),
        },
        rows=order,
    )


def split_by_time(model: str, observed: Observed, split: TimeSplit) -> NDArray[np.int8]:
    """Divide observations: the newest are for testing, those before for validation, the rest trains.

    Parameters
    ----------
    model
        Name of the model, for the message.
    observed
        The observations.
    split
        How long the test and the validation part are, counted back from the last observation.

    Returns
    -------
    ndarray
        Shape (n_rows,): 0 train, 1 validation, 2 test.

    Raises
    ------
    CallerError
        If there are no observations, or a part has too few rows or only one class.
    """
    times = observed.time.values
    if len(times) == 0:
        raise CallerError(
            f"model `{model}` has no observation with a known label ({_listed(observed.dropped)}); "
            "upload rows whose label is known by the run's moment"
        )
    test_start = times[-1] - np.timedelta64(split.test_seconds, "s")
    validation_start = test_start - np.timedelta64(split.validation_seconds, "s")
    parts = np.where(times > test_start, TEST, np.where(times > validation_start, VALIDATION, TRAIN))
    for name, part in _PARTS.items():
        labels = observed.labels[parts == part]
        if len(labels) < _FEWEST_ROWS or labels.all() or not labels.any():
            raise CallerError(
                f"the {name} part of model `{model}` has {len(labels)} rows, {int(labels.sum())} of them "
                f"positive ({_listed(observed.dropped)}); it needs at least {_FEWEST_ROWS} rows of both "
                "classes: upload more rows or change TimeSplit"
            )
    return parts.astype(np.int8)


def describe_split(observed: Observed, split: NDArray[np.int8]) -> dict[str, dict[str, Any]]:
    """Return each part's first and last time, rows and positive rate."""
    described = {}
    for name, part in _PARTS.items():
        rows = np.flatnonzero(split == part)
        described[name] = {
            "from": format_timestamp(observed.time.values[rows[0]]),
            "to": format_timestamp(observed.time.values[rows[-1]]),
            "rows": len(rows),
            "positive_rate": float(observed.labels[rows].mean()),
        }
    return described


def _settle_ties(
    order: NDArray[np.intp], keys: Array, times: Array, told: Sequence[Column]
) -> NDArray[np.intp]:
    """Order the rows of one key and time, corrections of each other, by all that is told of them.

    Where files are written together the rows of a table come in another order.
    """
    same = (times[1:] == times[:-1]) & (keys[1:] == keys[:-1])
    tied = np.flatnonzero(np.append(False, same) | np.append(same, False))
    if len(tied) == 0:
        return order
    group = np.cumsum(np.append(True, ~same))[tied]
    columns = [column.take(order[tied]) for column in told]
    ranks = [np.unique(column.filled(), return_inverse=True)[1] for column in columns]
    by = [part for column, rank in zip(columns, ranks, strict=True) for part in (rank, column.valid)]
    settled = order.copy()
    settled[tied] = order[tied][np.lexsort([*by, group])]
    return settled


def _sortable(keys: NDArray[Any]) -> NDArray[Any]:
    """Return keys as an array numpy sorts fast: Python strings become fixed-width ones."""
    return keys.astype(np.str_) if keys.dtype == object else keys


def _listed(dropped: Mapping[str, int]) -> str:
    return "left out: " + ", ".join(f"{count} {reason}" for reason, count in dropped.items())
