"""Metrics equal scikit-learn's, weighted or not, tied or not."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from sklearn import metrics as peer

from tidemill.errors import DeclarationError
from tidemill.statistics.metrics import METRICS, metric

# thirds and tenths give ties, which is where implementations differ
SCORES = st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 2 / 3, 0.9, 1.0])


@st.composite
def rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = draw(st.integers(2, 30))
    labels = draw(arrays(np.bool_, n))
    labels[:2] = [True, False]
    return (
        labels,
        draw(arrays(np.float64, n, elements=SCORES)),
        draw(arrays(np.float64, n, elements=st.integers(1, 4).map(float))),
    )


@given(rows())
def test_roc_auc_is_that_of_scikit_learn(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    labels, scores, weights = case
    assert METRICS["roc_auc"](labels, scores) == pytest.approx(peer.roc_auc_score(labels, scores), abs=1e-12)
    ours = METRICS["roc_auc"].weighted(labels, scores, weights[None, :])[0]
    assert ours == pytest.approx(peer.roc_auc_score(labels, scores, sample_weight=weights), abs=1e-12)


@given(rows())
def test_brier_and_log_loss_are_those_of_scikit_learn(
    case: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    labels, scores, weights = case
    ours = METRICS["brier"].weighted(labels, scores, weights[None, :])[0]
    assert ours == pytest.approx(peer.brier_score_loss(labels, scores, sample_weight=weights), abs=1e-12)
    inside = np.clip(scores, 1e-9, 1 - 1e-9)
    ours = METRICS["log_loss"].weighted(labels, inside, weights[None, :])[0]
    assert ours == pytest.approx(peer.log_loss(labels, inside, sample_weight=weights), abs=1e-9)


def test_auc_of_a_single_class_is_not_a_number_rather_than_an_error() -> None:
    assert np.isnan(METRICS["roc_auc"](np.array([True, True]), np.array([0.1, 0.9])))


def test_a_metric_of_no_rows_is_not_a_number() -> None:
    assert np.isnan(METRICS["brier"](np.array([], dtype=bool), np.array([])))


def test_a_misspelt_metric_names_the_nearest() -> None:
    with pytest.raises(DeclarationError, match="did you mean `roc_auc`"):
        metric("roc_auk")
