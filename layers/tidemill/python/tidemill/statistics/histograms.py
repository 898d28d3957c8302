"""Counting a column of numbers into fixed bins, so that days add up to any window."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many values fell into each bin, were missing, or lay outside the reference's range.

    ``counts`` has shape (n_bins,). Values below the first edge or above the last are counted in the
    first and last bin, and once more in ``outside`` if they lie beyond what the reference ever saw.

    Examples
    --------
    >>> a = Histogram(np.array([1, 2]), missing=1, outside=0)
    >>> (a + a).counts, (a + a).rows
    (array([2, 4]), 8)
    """

    counts: Counts
    missing: int
    outside: int

    @property
    def rows(self) -> int:
        """Values counted, the missing among them."""
        return int(self.counts.sum()) + self.missing

    def __add__(self, other: "Histogram") -> "Histogram":
        return Histogram(
            self.counts + other.counts, self.missing + other.missing, self.outside + other.outside
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"counts": self.counts.tolist(), "missing": self.missing, "outside": self.outside}

    @staticmethod
    def from_json(data: dict[str, Any]) -> "Histogram":
        """Return the histogram that ``to_json`` wrote."""
        return Histogram(np.array(data["counts"], dtype=np.int64), data["missing"], data["outside"])


def quantile_edges(values: Floats, bins: int) -> Floats:
    """Return inner bin edges that put about as many values into each bin.

    Parameters
    ----------
    values
        Shape (n_rows,); NaN is left out.
    bins
        The most bins wanted; a column of few distinct values gets fewer, none of them empty.

    Returns
    -------
    ndarray
        Increasing, shape (n_bins - 1,). Bin ``i`` is ``[edge[i - 1], edge[i])``, open at both ends.

    Examples
    --------
    >>> quantile_edges(np.arange(100.0), 4)
    array([25., 50., 75.])
    >>> quantile_edges(np.array([0.0, 0.0, 0.0, 0.0, 5.0]), 4)  # mostly one value
    array([5.])
    """
    present = values[~np.isnan(values)]
    if len(present) == 0:
        return np.empty(0)
    # "higher" picks values that occur, and an edge at a value that occurs leaves no bin empty
    edges = np.unique(np.quantile(present, np.arange(1, bins) / bins, method="higher"))
    edges = edges[edges > present.min()]
    if len(edges) == 0:  # nearly all values are the least one: the rest make a bin of their own
        edges = present[present > present.min()].min(keepdims=True, initial=np.inf)
    inner: Floats = edges[np.isfinite(edges)].astype(np.float64)
    return inner


def count_into(values: Floats, edges: Floats, low: float, high: float) -> Histogram:
    """Count values into bins.

    Parameters
    ----------
    values
        Shape (n_rows,); NaN counts as missing.
    edges
        Inner edges as of `quantile_edges`, shape (n_bins - 1,).
    low, high
        The least and greatest value the reference saw.

    Returns
    -------
    Histogram
        Over ``len(edges) + 1`` bins.

    Examples
    --------
    >>> count_into(np.array([0.0, 1.0, 9.0, np.nan]), np.array([1.0]), 0.0, 5.0).to_json()
    {'counts': [1, 2], 'missing': 1, 'outside': 1}
    """
    present = values[~np.isnan(values)]
    bins = np.searchsorted(edges, present, side="right")
    return Histogram(
        np.bincount(bins, minlength=len(edges) + 1),
        missing=len(values) - len(present),
        outside=int(((present < low) | (present > high)).sum()),
    )
