"""What the training data looked like: the reference a model package carries and monitors compare with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidemill.statistics.histograms import Floats, Histogram, count_into, quantile_edges
from tidemill.statistics.intervals import Interval

# Ten bins: the common choice for PSI, and enough for the chi-square test to keep its false alarm rate.
BINS = 10


@dataclass(frozen=True, eq=False)
class ColumnProfile:
    """The bins of one column and how the reference fell into them.

    ``categories`` names the bins of a categorical column (its codes in order); it is empty for a
    numeric one. ``low`` and ``high`` are the least and greatest value seen, NaN if none was.
    """

    name: str
    edges: Floats
    low: float
    high: float
    categories: tuple[str, ...]
    histogram: Histogram

    def count(self, values: NDArray[np.floating[Any]]) -> Histogram:
        """Count new values, shape (n_rows,), into the reference's bins."""
        return count_into(np.asarray(values, dtype=np.float64), self.edges, self.low, self.high)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        seen = not np.isnan(self.low)
        return {
            "name": self.name,
            "edges": self.edges.tolist(),
            "low": self.low if seen else None,
            "high": self.high if seen else None,
            "categories": list(self.categories),
            "histogram": self.histogram.to_json(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "ColumnProfile":
        """Return the column that ``to_json`` wrote."""
        seen = data["low"] is not None
        return ColumnProfile(
            name=data["name"],
            edges=np.array(data["edges"], dtype=np.float64),
            low=data["low"] if seen else float("nan"),
            high=data["high"] if seen else float("nan"),
            categories=tuple(data["categories"]),
            histogram=Histogram.from_json(data["histogram"]),
        )


@dataclass(frozen=True, eq=False)
class ReferenceProfile:
    """The training matrix column by column, the probabilities on test rows, and the test quality.

    Predictions are profiled on test rows, not on those the model was fitted to: a model is more
    certain about rows it has seen, and a monitor would take that for drift.

    Examples
    --------
    >>> matrix = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, np.nan]], dtype=np.float32)
    >>> columns = profile_matrix(matrix, ["distance", "carrier"], {"carrier": ["AA", "UA"]})
    >>> [column.histogram.to_json()["missing"] for column in columns]
    [0, 1]
    >>> day = histogram_of(matrix[:1], columns)
    >>> week = add_histograms(day, day)
    >>> week["carrier"].counts
    array([2, 0])
    """

    columns: tuple[ColumnProfile, ...]
    prediction: ColumnProfile
    label_rate: float
    metric: str
    quality: Interval
    test_rows: int

    def to_json(self) -> dict[str, Any]:
        """Return plain data, the content of ``reference.json``."""
        return {
            "columns": [column.to_json() for column in self.columns],
            "prediction": self.prediction.to_json(),
            "label_rate": self.label_rate,
            "metric": self.metric,
            "quality": self.quality.to_json(),
            "test_rows": self.test_rows,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "ReferenceProfile":
        """Return the profile that ``to_json`` wrote."""
        return ReferenceProfile(
            columns=tuple(ColumnProfile.from_json(column) for column in data["columns"]),
            prediction=ColumnProfile.from_json(data["prediction"]),
            label_rate=data["label_rate"],
            metric=data["metric"],
            quality=Interval.from_json(data["quality"]),
            test_rows=data["test_rows"],
        )


def profile_column(
    name: str, values: NDArray[np.floating[Any]], categories: Sequence[str] = ()
) -> ColumnProfile:
    """Profile one column: quantile bins for numbers, a bin a code for categories.

    Parameters
    ----------
    name
        The column's.
    values
        Shape (n_rows,), NaN where missing; of a categorical column, codes into ``categories``.
    categories
        The vocabulary of a categorical column; none for a numeric one.

    Returns
    -------
    ColumnProfile
        With at most `BINS` bins if numeric.
    """
    wide = np.asarray(values, dtype=np.float64)
    edges = np.arange(1.0, len(categories)) if categories else quantile_edges(wide, BINS)
    present = wide[~np.isnan(wide)]
    low, high = (float(present.min()), float(present.max())) if len(present) else (np.nan, np.nan)
    return ColumnProfile(name, edges, low, high, tuple(categories), count_into(wide, edges, low, high))


def profile_matrix(
    matrix: NDArray[np.floating[Any]], names: Sequence[str], categories: Mapping[str, Sequence[str]]
) -> tuple[ColumnProfile, ...]:
    """Profile every column of a matrix.

    Parameters
    ----------
    matrix
        Shape (n_rows, n_features), NaN where missing.
    names
        Of the columns, in order.
    categories
        Vocabulary of each categorical column by name.

    Returns
    -------
    tuple of ColumnProfile
        In the matrix's column order.
    """
    return tuple(
        profile_column(name, matrix[:, at], categories.get(name, ())) for at, name in enumerate(names)
    )


def histogram_of(matrix: NDArray[np.floating[Any]], columns: Sequence[ColumnProfile]) -> dict[str, Histogram]:
    """Count a matrix into the reference's bins, column by column.

    Parameters
    ----------
    matrix
        Shape (n_rows, n_features), columns in the reference's order.
    columns
        Of the reference profile.

    Returns
    -------
    dict
        A histogram by column name; sum days with `add_histograms`.
    """
    return {column.name: column.count(matrix[:, at]) for at, column in enumerate(columns)}


def add_histograms(first: Mapping[str, Histogram], second: Mapping[str, Histogram]) -> dict[str, Histogram]:
    """Return the sum, column by column, of two counts into the same bins."""
    return {name: histogram + second[name] for name, histogram in first.items()}
