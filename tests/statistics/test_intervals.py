"""Bootstrap intervals cover what they should, and repeat themselves exactly."""

import numpy as np
import pytest

from tidemill.statistics.intervals import Interval, gain_interval, metric_interval
from tidemill.statistics.metrics import METRICS


def _scored(seed: int, rows: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=rows)
    labels = truth + generator.normal(size=rows) > 0
    good, bad = (1 / (1 + np.exp(-(truth + generator.normal(size=rows) * noise))) for noise in (0.3, 2.0))
    return labels, good, bad


def test_a_clearly_better_model_has_an_interval_above_zero() -> None:
    labels, good, bad = _scored(1)
    for metric in METRICS.values():
        interval = gain_interval(metric, labels, good, bad)
        assert 0 < interval.low < interval.point < interval.high


def test_a_model_compared_with_itself_gains_exactly_nothing() -> None:
    labels, good, _ = _scored(2)
    assert gain_interval(METRICS["roc_auc"], labels, good, good) == Interval(0.0, 0.0, 0.0, 0.95)


def test_pairing_makes_the_interval_narrower_than_two_apart() -> None:
    labels, good, _ = _scored(3)
    near = np.clip(good + 0.01, 0, 1)
    paired = gain_interval(METRICS["brier"], labels, near, good)
    alone = metric_interval(METRICS["brier"], labels, good)
    assert paired.high - paired.low < (alone.high - alone.low) / 2


def test_the_same_call_gives_the_same_interval_whatever_the_block_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels, good, bad = _scored(4)
    whole = gain_interval(METRICS["roc_auc"], labels, good, bad, resamples=50)
    monkeypatch.setattr("tidemill.statistics.intervals._CELLS_AT_ONCE", 1)
    assert gain_interval(METRICS["roc_auc"], labels, good, bad, resamples=50) == whole


def test_the_interval_of_a_metric_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    covered = 0
    for seed in range(200):
        labels = generator.random(200) < 0.3
        interval = metric_interval(METRICS["brier"], labels, np.full(200, 0.4), resamples=300, seed=seed)
        covered += interval.low <= 0.3 * 0.36 + 0.7 * 0.16 <= interval.high
    assert 0.90 <= covered / 200 <= 0.99


def test_a_metric_that_is_not_defined_is_not_a_number_rather_than_an_error() -> None:
    assert np.isnan(metric_interval(METRICS["roc_auc"], np.array([True]), np.array([0.5])).low)


def test_an_interval_survives_json() -> None:
    interval = Interval(0.1, 0.0, 0.2, 0.9)
    assert Interval.from_json(interval.to_json()) == interval
