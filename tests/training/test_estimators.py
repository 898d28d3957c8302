"""An estimator trains the same way twice, and equal estimators are equal bytes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tidemill.errors import CallerError
from tidemill.training.candidates import candidates, resolve_parameter
from tidemill.training.estimators import SEED, estimator_to_bytes, make_estimator

ESTIMATORS: list[Callable[[], Any]] = [
    lambda: HistGradientBoostingClassifier(max_iter=10, early_stopping=True, max_features=0.5),
    lambda: RandomForestClassifier(10),
    lambda: make_pipeline(SimpleImputer(), LogisticRegression()),
]


def _rows(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(500, 4)).astype(np.float32)
    return features, features[:, 0] + generator.normal(size=500) > 0


@pytest.mark.parametrize("factory", ESTIMATORS)
def test_fitting_twice_gives_the_same_bytes_and_they_can_be_read_back(factory: Callable[[], Any]) -> None:
    features, labels = _rows()
    first, second = (make_estimator(factory, {}).fit(features, labels) for _ in range(2))
    data = estimator_to_bytes(first)
    assert data == estimator_to_bytes(second)
    read = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    assert (read.predict_proba(features) == first.predict_proba(features)).all()


def test_different_estimators_have_different_bytes() -> None:
    features, labels = _rows()
    fitted = [make_estimator(ESTIMATORS[0], {"max_iter": n}).fit(features, labels) for n in (5, 6)]
    assert estimator_to_bytes(fitted[0]) != estimator_to_bytes(fitted[1])


def test_open_random_states_are_fixed_and_chosen_ones_kept() -> None:
    assert make_estimator(RandomForestClassifier, {}).random_state == SEED
    assert make_estimator(lambda: RandomForestClassifier(random_state=7), {}).random_state == 7
    pipeline = make_estimator(lambda: make_pipeline(RandomForestClassifier()), {"random_state": 9})
    assert pipeline[-1].random_state == 9


def test_a_parameter_may_be_named_by_its_last_part() -> None:
    pipeline = make_estimator(lambda: make_pipeline(SimpleImputer(), LogisticRegression()), {"C": 0.5})
    assert pipeline[-1].C == 0.5


def test_a_parameter_that_several_steps_have_must_be_written_out() -> None:
    with pytest.raises(CallerError, match="could be any of a__C, b__C"):
        resolve_parameter("C", ["a__C", "b__C"])


def test_without_a_search_there_is_one_candidate_of_defaults() -> None:
    assert candidates({}, {}) == [{"params": {}}]
