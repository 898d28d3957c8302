"""A profile's days add up to its windows, and it survives JSON."""

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from tidemill.canonical import canonical_json
from tidemill.statistics.histograms import count_into, quantile_edges
from tidemill.statistics.intervals import Interval
from tidemill.statistics.profile import (
    BINS,
    ReferenceProfile,
    add_histograms,
    histogram_of,
    profile_column,
    profile_matrix,
)

NUMBERS = st.one_of(st.floats(-1e6, 1e6, width=32), st.sampled_from([0.0, 1.0, 2.0]), st.just(float("nan")))
COLUMN = arrays(np.float32, st.integers(0, 80), elements=NUMBERS)


@given(COLUMN)
def test_every_value_is_counted_once_and_no_bin_of_the_reference_is_empty(values: np.ndarray) -> None:
    profile = profile_column("x", values)
    assert profile.histogram.rows == len(values)
    assert profile.histogram.missing == np.isnan(values).sum()
    assert profile.histogram.outside == 0
    assert len(profile.edges) < BINS
    if profile.histogram.missing < len(values):
        assert (profile.histogram.counts > 0).all()


@given(COLUMN, COLUMN, COLUMN)
def test_days_add_up_to_their_window(reference: np.ndarray, monday: np.ndarray, tuesday: np.ndarray) -> None:
    columns = profile_matrix(reference[:, None], ["x"], {})
    days = add_histograms(histogram_of(monday[:, None], columns), histogram_of(tuesday[:, None], columns))
    window = histogram_of(np.concatenate([monday, tuesday])[:, None], columns)
    assert days["x"].to_json() == window["x"].to_json()


def test_a_quantile_bin_holds_about_its_share() -> None:
    profile = profile_column("x", np.random.default_rng(1).normal(size=10_000).astype(np.float32))
    assert profile.histogram.counts == pytest.approx(np.full(BINS, 1000), abs=2)


def test_categories_have_a_bin_each_and_unseen_ones_are_missing() -> None:
    profile = profile_column("carrier", np.array([0, 1, 1, np.nan], dtype=np.float32), ["AA", "B6", "UA"])
    assert profile.histogram.to_json() == {"counts": [1, 2, 0], "missing": 1, "outside": 0}


def test_values_beyond_the_reference_are_counted_as_outside() -> None:
    assert profile_column("x", np.arange(10.0)).count(np.array([-1.0, 4.0, 99.0])).outside == 2


def test_bins_of_nothing_and_of_one_value_are_one_bin() -> None:
    assert len(quantile_edges(np.array([np.nan]), 10)) == 0
    assert len(quantile_edges(np.full(5, 3.0), 10)) == 0
    assert count_into(np.array([1.0]), np.empty(0), 0, 2).counts.tolist() == [1]


def test_a_profile_survives_json() -> None:
    matrix = np.array([[1, np.nan], [2, np.nan], [2.5, np.nan]], dtype=np.float32)
    profile = ReferenceProfile(
        columns=profile_matrix(matrix, ["x", "empty"], {}),
        prediction=profile_column("prediction", np.array([0.1, 0.2])),
        label_rate=0.25, metric="brier", quality=Interval(0.2, 0.1, 0.3, 0.95), test_rows=2,
    )  # fmt: skip
    data = profile.to_json()
    assert ReferenceProfile.from_json(json.loads(canonical_json(data))).to_json() == data
