"""What a column of stored rows looks like, and how far two versions of it are apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidemill.statistics.distances import psi
from tidemill.statistics.histograms import count_into, quantile_edges
from tidemill.statistics.profile import BINS

_SHOWN_VALUES = 3
_CATEGORIES = 20  # of the reference's most frequent strings; the others are one category


@dataclass(frozen=True)
class ColumnSummary:
    """The figures of one column.

    Attributes
    ----------
    rows, nulls, distinct
        Counts; NaN is null, and null is no distinct value.
    low, high
        The least and greatest value, None if there is none or the type has no order people ask for.
    mean, std
        Of numbers; the standard deviation is the population's.
    frequent
        The most frequent strings and how often they occur.
    """

    rows: int
    nulls: int
    distinct: int
    low: Any = None
    high: Any = None
    mean: float | None = None
    std: float | None = None
    frequent: Mapping[str, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data, without what the column's type does not have."""
        said = {**vars(self), "low": _plain(self.low), "high": _plain(self.high)}
        return {name: value for name, value in said.items() if value is not None}


def summarize(values: pa.ChunkedArray) -> ColumnSummary:
    """Summarize a column.

    Parameters
    ----------
    values
        Shape (n_rows,), of a type sources are stored in, or a list, of which only rows and nulls are counted.

    Returns
    -------
    ColumnSummary
        Its figures.

    Examples
    --------
    >>> summarize(pa.chunked_array([[1.0, 3.0, None]])).to_json()
    {'rows': 3, 'nulls': 1, 'distinct': 2, 'low': 1.0, 'high': 3.0, 'mean': 2.0, 'std': 1.0}
    >>> summarize(pa.chunked_array([["JFK", "EWR", "JFK"]])).frequent
    {'JFK': 2, 'EWR': 1}
    """
    present = pc.drop_null(_without_nan(values))
    nulls = len(values) - len(present)
    if _is_list(values.type) or len(present) == 0:
        return ColumnSummary(len(values), nulls, distinct=0)
    counts = ColumnSummary(len(values), nulls, pc.count_distinct(present).as_py())
    if _is_text(values.type):
        frequent = _frequent(present, _SHOWN_VALUES)
        return ColumnSummary(counts.rows, nulls, counts.distinct, frequent=frequent)
    if pa.types.is_boolean(values.type):
        share = pc.mean(present.cast(pa.int8())).as_py()
        return ColumnSummary(counts.rows, nulls, counts.distinct, mean=share)
    least = pc.min_max(present).as_py()
    figures: dict[str, Any] = {"low": least["min"], "high": least["max"]}
    if not pa.types.is_timestamp(values.type):
        finite = _finite(present)
        figures |= {"mean": float(finite.mean()), "std": float(finite.std())} if len(finite) else {}
    return ColumnSummary(counts.rows, nulls, counts.distinct, **figures)


def shift(reference: pa.ChunkedArray, current: pa.ChunkedArray) -> float | None:
    """Return the population stability index between two versions of a column.

    Parameters
    ----------
    reference, current
        The column's values; numbers and times fall into ten bins of the reference's quantiles, strings
        into its twenty most frequent values and the rest. Nulls are left out.

    Returns
    -------
    float | None
        At least 0, above 0.25 by custom a large shift; None if one of them has no value, or for lists.

    Examples
    --------
    >>> shift(pa.chunked_array([["a", "b"]]), pa.chunked_array([["a", "b"]]))
    0.0
    """
    before, after = (pc.drop_null(_without_nan(values)) for values in (reference, current))
    if _is_list(before.type) or not len(before) or not len(after):
        return None
    if _is_text(before.type):
        names = list(_frequent(before, _CATEGORIES))
        return psi(_in_categories(before, names), _in_categories(after, names))
    old, new = _finite(before), _finite(after)
    edges = quantile_edges(old, BINS)
    return psi(count_into(old, edges, -np.inf, np.inf).counts, count_into(new, edges, -np.inf, np.inf).counts)


def _is_text(kind: pa.DataType) -> bool:
    """Return whether values are strings; what is read from Iceberg are large ones."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _without_nan(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_floating(values.type):
        return values
    return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)


def _frequent(values: pa.ChunkedArray, most: int) -> dict[str, int]:
    """Return the most frequent values, and among equally frequent ones the first in order."""
    counted = {each["values"]: each["counts"] for each in pc.value_counts(values).to_pylist()}
    ranked = sorted(counted, key=lambda value: (-counted[value], value))
    return {value: counted[value] for value in ranked[:most]}


def _in_categories(values: pa.ChunkedArray, names: list[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    places = pc.fill_null(pc.index_in(values, value_set=pa.array(names, values.type)), len(names))
    return np.bincount(places.to_numpy(), minlength=len(names) + 1)


def _finite(values: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the finite ones of numbers, booleans or instants, none of them null, as floats."""
    kind = values.type
    plain = values.cast(pa.int64() if pa.types.is_timestamp(kind) else pa.float64())
    floats = plain.to_numpy().astype(np.float64)
    finite: np.ndarray[Any, np.dtype[np.float64]] = floats[np.isfinite(floats)]
    return finite


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value
