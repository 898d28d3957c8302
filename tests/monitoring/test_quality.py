"""Quality: measured against the promise where outcomes are known, estimated where they are not."""

import numpy as np
import pytest

from tidemill.monitoring.quality import MIN_ROWS, expected_metric, judge_performance
from tidemill.statistics.intervals import Interval
from tidemill.statistics.metrics import metric
from tidemill.statistics.profile import ReferenceProfile, profile_column


def reference(point: float, half: float = 0.02, name: str = "roc_auc") -> ReferenceProfile:
    return ReferenceProfile(
        columns=(),
        prediction=profile_column("prediction", np.linspace(0, 1, 100)),
        label_rate=0.5,
        metric=name,
        quality=Interval(point, point - half, point + half, 0.95),
        test_rows=1000,
    )


def served(rows: int, seed: int = 0, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw calibrated probabilities and outcomes; more noise, less calibrated."""
    generator = np.random.default_rng(seed)
    probabilities = generator.beta(1, 2, rows)
    labels = generator.random(rows) < np.where(generator.random(rows) < noise, probabilities, 0.33)
    return labels, probabilities


def test_a_model_as_good_as_promised_is_ok() -> None:
    labels, probabilities = served(2000)
    promised = metric("roc_auc")(labels, probabilities)
    performance = judge_performance(reference(promised), labels, probabilities, probabilities)
    assert performance.verdict == "ok"
    assert performance.measured is not None
    assert performance.measured.low < promised < performance.measured.high


def test_a_model_that_lost_its_grip_is_worse() -> None:
    labels, probabilities = served(2000, noise=0.2)
    performance = judge_performance(reference(0.76), labels, probabilities, probabilities)
    assert performance.verdict == "worse"


def test_a_loss_too_small_to_matter_is_ok_however_certain() -> None:
    labels, probabilities = served(100_000)
    promised = metric("roc_auc")(labels, probabilities) + 0.015
    assert judge_performance(reference(promised, 0.001), labels, probabilities, probabilities).verdict == "ok"


def test_a_large_loss_on_a_test_set_too_small_to_promise_is_ok() -> None:
    labels, probabilities = served(150)
    promised = metric("roc_auc")(labels, probabilities) + 0.1
    assert judge_performance(reference(promised, 0.2), labels, probabilities, probabilities).verdict == "ok"


def test_a_higher_brier_score_is_a_loss() -> None:
    labels, probabilities = served(3000)
    point = metric("brier")(labels, probabilities)
    better, worse = reference(point + 0.05, 0.005, "brier"), reference(point - 0.05, 0.005, "brier")
    assert judge_performance(better, labels, probabilities, probabilities).verdict == "ok"
    assert judge_performance(worse, labels, probabilities, probabilities).verdict == "worse"


@pytest.mark.parametrize("rows", [0, 1, MIN_ROWS - 1])
def test_few_outcomes_are_unknown_but_estimated(rows: int) -> None:
    labels, probabilities = served(rows)
    _, window = served(1000)
    performance = judge_performance(reference(0.76), labels, probabilities, window)
    assert (performance.verdict, performance.rows, performance.measured) == ("unknown", rows, None)
    assert performance.estimated is not None


def test_outcomes_of_one_class_are_unknown() -> None:
    performance = judge_performance(reference(0.76), np.ones(500, bool), np.full(500, 0.5), np.empty(0))
    assert (performance.verdict, performance.estimated) == ("unknown", None)


def test_models_as_good_as_promised_are_seldom_called_worse() -> None:
    truth = metric("roc_auc")(*served(200_000, seed=999))
    verdicts = [
        judge_performance(reference(truth), *(s := served(500, seed)), s[1]).verdict for seed in range(200)
    ]
    assert verdicts.count("worse") <= 8


@pytest.mark.parametrize("name", ["roc_auc", "brier", "log_loss"])
def test_the_estimate_is_the_metric_where_probabilities_are_right(name: str) -> None:
    labels, probabilities = served(100_000)
    assert expected_metric(name, probabilities) == pytest.approx(
        metric(name)(labels, probabilities), abs=0.01
    )
