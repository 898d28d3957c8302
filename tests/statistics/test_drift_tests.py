"""Drift tests keep their false alarm rate; the chi-square tail and the adjustment equal scipy's."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy import stats

from tidemill.statistics.drift_tests import benjamini_hochberg, chi_square_sf, psi_test


@given(st.floats(0, 2000), st.integers(1, 300))
def test_the_chi_square_tail_is_that_of_scipy(statistic: float, degrees: int) -> None:
    assert chi_square_sf(statistic, degrees) == pytest.approx(
        stats.chi2.sf(statistic, degrees), rel=1e-8, abs=1e-13
    )


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1)))
def test_the_adjustment_is_that_of_scipy(p_values: np.ndarray) -> None:
    theirs = stats.false_discovery_control(p_values, method="bh")
    np.testing.assert_allclose(benjamini_hochberg(p_values), theirs, rtol=1e-12)


@pytest.mark.parametrize("window", [500, 5_000])
def test_without_drift_one_test_in_twenty_is_below_a_twentieth(window: int) -> None:
    generator = np.random.default_rng(window)
    shares = np.full(10, 0.1)
    p = [
        psi_test(generator.multinomial(50_000, shares), generator.multinomial(window, shares))
        for _ in range(1000)
    ]
    assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.075


def test_a_shift_is_found() -> None:
    shares = np.linspace(0.05, 0.15, 10)
    counts = np.random.default_rng(1).multinomial(1000, shares / shares.sum())
    assert psi_test(np.full(10, 5000), counts) < 1e-6


@pytest.mark.parametrize("current", [np.zeros(3, dtype=int), np.array([0, 7, 0])])
def test_nothing_to_compare_is_no_drift(current: np.ndarray) -> None:
    assert psi_test(np.array([0, 9, 0]), current) == 1.0
