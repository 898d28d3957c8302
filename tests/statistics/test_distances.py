"""Distances equal scipy's, are symmetric, and do not blow up on empty bins."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon

from tidemill.statistics.distances import jensen_shannon, psi

COUNTS = arrays(np.int64, 8, elements=st.integers(0, 10_000))


@given(COUNTS, COUNTS)
def test_jensen_shannon_is_that_of_scipy_on_the_smoothed_shares(p: np.ndarray, q: np.ndarray) -> None:
    used = (p > 0) | (q > 0)
    theirs = jensenshannon(p[used] + 0.5, q[used] + 0.5, base=2) if used.any() else 0.0
    assert jensen_shannon(p, q) == pytest.approx(float(np.nan_to_num(theirs)), abs=1e-7)


@given(COUNTS, COUNTS)
def test_distances_are_symmetric_finite_and_not_negative(p: np.ndarray, q: np.ndarray) -> None:
    for distance in (psi, jensen_shannon):
        assert 0 <= distance(p, q) < np.inf
        assert distance(p, q) == pytest.approx(distance(q, p))


def test_histograms_over_different_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="2 and 3 bins"):
        psi(np.array([1, 2]), np.array([1, 2, 3]))
