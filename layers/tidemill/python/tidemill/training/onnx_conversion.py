"""Writing a fitted estimator as an ONNX graph that decides exactly as scikit-learn does.

A tree compares ``x <= threshold``. In scikit-learn the threshold is a double; in the graph it is a
float32, and so is every input. Rounded to nearest, a threshold may come out just above the double
it stood for, and an input that equals the rounded value takes another branch: integer-like features
sit there often, and probabilities came out up to 0.5 apart. Rounded towards minus infinity, no
float32 lies between the two, so every float32 input takes the same branch in both.
"""

import copy
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

INPUT = "features"
# Fixed, so that a newer converter does not change the graphs: both are known to ONNX Runtime 1.17 on.
OPSETS = {"": 18, "ai.onnx.ml": 3}


def to_onnx_bytes(estimator: Any, n_features: int) -> bytes:
    """Return a fitted classifier as an ONNX graph.

    Parameters
    ----------
    estimator
        A fitted scikit-learn classifier or pipeline of two classes; left as it is.
    n_features
        Columns of its input.

    Returns
    -------
    bytes
        A graph from ``features``, float32 of shape (n_rows, n_features), to ``label`` and
        ``probabilities``, float32 of shape (n_rows, 2). Equal estimators give equal bytes.
    """
    rounded = copy.deepcopy(estimator)
    for thresholds in _thresholds(rounded):
        thresholds[...] = floor_to_float32(thresholds)
    with warnings.catch_warnings():
        # skl2onnx writes numpy booleans into integer attributes, which protobuf 6 takes with a warning.
        warnings.simplefilter("ignore", DeprecationWarning)
        graph = to_onnx(
            rounded,
            initial_types=[(INPUT, FloatTensorType([None, n_features]))],
            options={"zipmap": False},
            target_opset=OPSETS,
        )
    encoded: bytes = graph.SerializeToString(deterministic=True)
    return encoded


def floor_to_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the greatest float32 at or below each value.

    Parameters
    ----------
    values
        Of any shape.

    Returns
    -------
    ndarray
        Of the same shape.

    Examples
    --------
    >>> float(np.float32(0.1)) > 0.1, float(floor_to_float32(np.array([0.1]))[0]) <= 0.1
    (True, True)
    """
    with np.errstate(over="ignore"):  # what lies beyond float32 becomes infinity, to either side
        nearest = values.astype(np.float32)
        above = nearest.astype(np.float64) > values
        return np.where(above, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def _thresholds(part: Any) -> Iterator[NDArray[np.float64]]:
    """Yield the thresholds of every tree inside an estimator, as writable views."""
    if isinstance(part, HistGradientBoostingClassifier):
        for predictors in part._predictors:  # noqa: SLF001  # there is no public way to the trees
            yield from (predictor.nodes["num_threshold"] for predictor in predictors)
    elif isinstance(part, DecisionTreeClassifier | DecisionTreeRegressor):
        if hasattr(part, "tree_"):  # a forest also holds the unfitted tree its own were cloned from
            yield part.tree_.threshold
    else:
        for inner in _parts(part):
            yield from _thresholds(inner)


def _parts(whole: Any) -> list[Any]:
    """Return what an estimator, or a list of estimators, holds."""
    if isinstance(whole, BaseEstimator):
        return list(vars(whole).values())
    if isinstance(whole, np.ndarray):
        return list(whole.flat) if whole.dtype == object else []
    return list(whole) if isinstance(whole, list | tuple) else []
