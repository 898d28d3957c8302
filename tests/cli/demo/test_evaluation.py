"""The demo's judgement of predictions agrees with scikit-learn and with a plain bootstrap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import brier_score_loss, roc_auc_score

from cli.demo.evaluation import Scored, auc, brier, gain, resampled_auc


@given(
    label=hnp.arrays(bool, 40),
    score=hnp.arrays(np.float64, 40, elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9])),
    count=hnp.arrays(np.int64, 40, elements=st.integers(0, 3)),
)
def test_a_weighted_auc_is_that_of_rows_repeated(
    label: np.ndarray, score: np.ndarray, count: np.ndarray
) -> None:
    """A row that counts twice is a row that is there twice, ties counted half."""
    repeated = np.repeat(label, count)
    found = resampled_auc(label, score, count[None, :].astype(float))[0]
    if repeated.all() or not repeated.any():
        assert np.isnan(found)
    else:
        assert found == pytest.approx(roc_auc_score(repeated, np.repeat(score, count)))


def test_auc_and_brier_are_scikit_learns() -> None:
    """On ordinary rows the figures are those everybody computes."""
    rng = np.random.default_rng(1)
    label, score = rng.random(500) < 0.3, rng.random(500)
    assert auc(label, score) == pytest.approx(roc_auc_score(label, score))
    assert brier(label, score) == pytest.approx(brier_score_loss(label, score))


def test_a_model_compared_with_itself_gains_exactly_nothing() -> None:
    """Resamples are paired: equal predictions give a difference of zero in every one of them."""
    rng = np.random.default_rng(2)
    label, score = rng.random(200) < 0.4, rng.random(200)
    assert gain([Scored(label, score, score)], seed=3) == (0.0, (0.0, 0.0))


def test_the_interval_holds_a_clear_gain_and_excludes_zero() -> None:
    """A model that knows the label beats one that guesses, and the interval says so."""
    rng = np.random.default_rng(4)
    months = []
    for _ in range(3):
        label = rng.random(600) < 0.4
        months.append(Scored(label, label * 0.3 + rng.random(600), rng.random(600)))
    mean, (low, high) = gain(months, seed=5)
    assert 0 < low < mean < high < 0.5
