"""The ONNX graph decides as scikit-learn does, also exactly on a threshold, and repeats its bytes."""

import copy
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tidemill.training.onnx_conversion import _thresholds, floor_to_float32, to_onnx_bytes
from tidemill.training.onnx_session import positive_probabilities

ESTIMATORS: dict[str, Callable[[], Any]] = {
    "histogram boosting": lambda: HistGradientBoostingClassifier(max_iter=40, random_state=0),
    "boosting in a pipeline": lambda: make_pipeline(
        SimpleImputer(), GradientBoostingClassifier(n_estimators=20, random_state=0)
    ),
    "random forest": lambda: make_pipeline(SimpleImputer(), RandomForestClassifier(20, random_state=0)),
    "extra trees": lambda: make_pipeline(SimpleImputer(), ExtraTreesClassifier(20, random_state=0)),
    "logistic regression": lambda: make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
}


def _rows() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    features = generator.normal(size=(3000, 5)).astype(np.float32)
    features[:, 1] = generator.integers(0, 24, 3000)
    features[:, 2] = np.round(features[:, 2], 1)
    features[generator.random((3000, 5)) < 0.05] = np.nan
    labels = (
        np.nan_to_num(features[:, 0]) + np.nan_to_num(features[:, 1]) / 10 + generator.normal(size=3000) > 1
    )
    return features, labels


@pytest.mark.parametrize("name", ESTIMATORS)
def test_probabilities_agree_and_bytes_repeat(name: str) -> None:
    features, labels = _rows()
    estimator = ESTIMATORS[name]().fit(features, labels)
    graph = to_onnx_bytes(estimator, 5)
    assert graph == to_onnx_bytes(copy.deepcopy(estimator), 5)
    ours = positive_probabilities(graph, features)
    np.testing.assert_allclose(ours, estimator.predict_proba(features)[:, 1], atol=1e-6)


def test_rows_exactly_on_a_threshold_take_the_same_branch() -> None:
    features, labels = _rows()
    estimator = ESTIMATORS["histogram boosting"]().fit(features, labels)
    thresholds = np.unique(np.concatenate(list(_thresholds(estimator))))
    nearest = thresholds.astype(np.float32)
    beside = np.concatenate([np.nextafter(nearest, np.float32(side)) for side in (-np.inf, np.inf)])
    values = np.concatenate([nearest, floor_to_float32(thresholds), beside])
    on_them = np.random.default_rng(2).choice(values, size=(20_000, 5)).astype(np.float32)
    ours = positive_probabilities(to_onnx_bytes(estimator, 5), on_them)
    np.testing.assert_allclose(ours, estimator.predict_proba(on_them)[:, 1], atol=1e-6)


def test_conversion_leaves_the_estimator_as_it_was() -> None:
    features, labels = _rows()
    estimator = ESTIMATORS["random forest"]().fit(features, labels)
    before = np.concatenate(list(_thresholds(estimator)))
    to_onnx_bytes(estimator, 5)
    assert (np.concatenate(list(_thresholds(estimator))) == before).all()


@example(-3.402823364973241e38, 0.0)  # below the least float32, but near enough to round to it
@given(st.floats(allow_nan=False), st.floats(width=32, allow_nan=False))
def test_rounding_down_changes_no_comparison_with_a_float32(threshold: float, value: float) -> None:
    floor = float(floor_to_float32(np.array([threshold]))[0])
    assert floor <= threshold
    assert (np.float64(value) <= threshold) == (value <= floor)
