"""The kinds of windowed figures: what each is made of, and how it is finished.

Both paths, offline and online, gather the same exact parts (a count, integer limbs, extremes) and end in
the same ``finish``, so they agree to the last bit. ``KINDS`` is the list tests go through.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tidemill.errors import ExpressionError
from tidemill.expressions import Array, Column, Columns, Type, evaluate
from tidemill.features.blocks import blocks
from tidemill.features.definitions import FeatureDefinition, Floats, Ints, Mask
from tidemill.features.exact import LIMIT, Limbs, scaled_deviations, to_float


@dataclass(frozen=True)
class Parts:
    """What was gathered over each window: arrays of shape (n_windows,).

    ``count`` counts the values a figure is made of: rows, values, chosen values or different values.
    ``smallest``, ``largest`` and ``chosen`` are unspecified where it is 0. ``rounded`` is ``total`` as
    floats, where whoever gathered it has them already.
    """

    count: Ints
    total: Limbs = field(default_factory=dict)
    rounded: Floats | None = None
    squares: Limbs = field(default_factory=dict)
    smallest: Floats | None = None
    largest: Floats | None = None
    chosen: Array | None = None


@dataclass(frozen=True)
class Kind:
    """A figure: the parts it needs beside the count, and the least count at which it is not null."""

    needs: frozenset[str]
    least_count: int
    compute: Callable[[Parts], Array]


def _sum(parts: Parts) -> Floats:
    return to_float(parts.total, len(parts.count)) if parts.rounded is None else parts.rounded


def _mean(parts: Parts) -> Floats:
    return _sum(parts) / np.maximum(parts.count, 1)


def _variance(parts: Parts) -> Floats:
    count = np.maximum(parts.count, 2).astype(np.float64)
    return scaled_deviations(parts.total, parts.squares, parts.count) / (count * (count - 1.0))


def _given(values: Array | None) -> Array:
    return np.zeros(0) if values is None else values


_TOTAL = frozenset({"total"})
_SQUARES = frozenset({"total", "squares"})

KINDS: dict[str, Kind] = {
    "count": Kind(frozenset(), 0, lambda parts: parts.count),
    "sum": Kind(_TOTAL, 1, _sum),
    "mean": Kind(_TOTAL, 1, _mean),
    "rate": Kind(_TOTAL, 1, _mean),
    "var": Kind(_SQUARES, 2, _variance),
    "std": Kind(_SQUARES, 2, lambda parts: np.sqrt(_variance(parts))),
    "min": Kind(frozenset({"smallest"}), 1, lambda parts: _given(parts.smallest)),
    "max": Kind(frozenset({"largest"}), 1, lambda parts: _given(parts.largest)),
    "first": Kind(frozenset({"first"}), 1, lambda parts: _given(parts.chosen)),
    "last": Kind(frozenset({"last"}), 1, lambda parts: _given(parts.chosen)),
    "distinct": Kind(frozenset({"distinct"}), 0, lambda parts: _given(parts.count)),
}
VALUE_KINDS = frozenset({"first", "last", "distinct"})
"""Figures of values of any type: they are picked or told apart, not calculated with."""


def finish(kind: str, parts: Parts) -> tuple[Array, Mask]:
    """Return a figure's values and where they are there, shape (n_windows,)."""
    definition = KINDS[kind]
    valid = parts.count >= definition.least_count
    return definition.compute(parts), valid


def taken_values(feature: FeatureDefinition, rows: Columns) -> Column:
    """Return what a latest value, or a figure of values of any type, takes from each row.

    Parameters
    ----------
    feature
        The feature.
    rows
        The columns its value reads.

    Returns
    -------
    Column
        A float that is not finite is null, and -0.0 is 0.0.

    Raises
    ------
    ExpressionError
        If the feature takes nothing.
    """
    if feature.value is None:
        raise ExpressionError(f"feature `{feature.name}` takes the {feature.kind} of nothing; name a column")
    column = evaluate(feature.value, rows)
    if column.type is not Type.FLOAT:
        return column
    return Column(column.type, column.values + 0.0, column.valid & np.isfinite(column.values))


def measure(feature: FeatureDefinition, rows: Columns, n_rows: int) -> tuple[Floats, Mask]:
    """Return what a figure is taken of, row by row.

    Parameters
    ----------
    feature
        A windowed feature.
    rows
        The columns its value reads.
    n_rows
        How many rows.

    Returns
    -------
    tuple
        Values, shape (n_rows,), with 0 where there is none, and where there is one. They may be the
        column's own: not to be written to. Bools are 0 and 1. A number that is not finite, or as large as
        2**63, counts as null, but in ``count``.
    """
    if feature.value is None:
        return np.zeros(n_rows), np.ones(n_rows, dtype=np.bool_)
    column = evaluate(feature.value, rows)
    if feature.kind == "count":
        return np.zeros(n_rows), column.valid
    values = column.values.astype(np.float64, copy=False)
    if column.valid.all() and all(_are_plain(values[rows]) for rows in blocks(n_rows)):
        return values, column.valid
    there = column.valid & (values < LIMIT) & (values > -LIMIT)
    taken = np.where(there, values, 0.0)
    taken += 0.0  # makes -0.0 plain 0.0: they compare equal
    return taken, there


def _are_plain(values: Floats) -> bool:
    """Tell whether all of some numbers count as they are."""
    if not (values.min() > -LIMIT and values.max() < LIMIT):  # nor is it if one is NaN
        return False
    zeros = values == 0.0
    return not (zeros.any() and np.signbit(values[zeros]).any())


def measure_id(feature: FeatureDefinition) -> str:
    """Return a name equal for features taken of the same values."""
    return f"{feature.value_id}{'#' if feature.kind == 'count' else ''}"
