"""The demo's judgement of predictions agrees with scikit-learn, and its interval with what it compares."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from cli.demo.evaluation import AUC, BRIER, Scored, gain


def test_auc_and_brier_are_scikit_learns() -> None:
    """On ordinary rows the figures are those everybody computes."""
    rng = np.random.default_rng(1)
    label, score = rng.random(500) < 0.3, rng.random(500)
    assert AUC(label, score) == pytest.approx(roc_auc_score(label, score))
    assert BRIER(label, score) == pytest.approx(brier_score_loss(label, score))


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
