"""Training one candidate: fit, measure on the validation rows, and keep what came out."""

from collections.abc import Mapping
from typing import Any, get_args

from tidemill.canonical import canonical_json
from tidemill.errors import CallerError
from tidemill.ports import Blobs
from tidemill.project import Model
from tidemill.registry.package import store_files
from tidemill.statistics.metrics import METRICS
from tidemill.training.context import RunContext
from tidemill.training.estimators import estimator_to_bytes, make_estimator
from tidemill.training.lineage import library_versions
from tidemill.training.matrix import FitOn, Floats, Matrix, TrainingMatrix, arrays_to_bytes, load_training_set
from tidemill.training.onnx_conversion import to_onnx_bytes


def train_candidate(
    context: RunContext,
    model: Model,
    *,
    training_set: str,
    candidate: Mapping[str, Any],
    fit_on: FitOn,
    data: Blobs,
    models: Blobs,
) -> dict[str, Any]:
    """Fit the model's estimator with a candidate's parameters and keep it under its digest.

    Parameters
    ----------
    context
        Of the run.
    model
        The declaration: its estimator.
    training_set
        Digest of the training set.
    candidate
        ``{"params": {...}}``.
    fit_on
        The training rows alone, to compare candidates on the validation rows; or both, once chosen.
    data, models
        The buckets.

    Returns
    -------
    dict
        ``candidate``, ``fit_on``, ``fitted`` (digest of the files) and, when fitted on the training
        rows alone, ``metrics`` on the validation rows by name.

    Raises
    ------
    CallerError
        If a parameter is not the estimator's, or the estimator refuses its value.
    """
    if fit_on not in get_args(FitOn):
        raise CallerError(f"a candidate can not be fitted on `{fit_on}`; known: {', '.join(get_args(FitOn))}")
    matrix = load_training_set(data, training_set).matrix
    estimator = _fitted(model, candidate["params"], matrix, fit_on)
    result: dict[str, Any] = {"candidate": dict(candidate), "fit_on": fit_on}
    if fit_on == "train":
        probabilities = _positive(estimator, matrix.features[matrix.validation])
        labels = matrix.labels[matrix.validation]
        result["metrics"] = {name: measure(labels, probabilities) for name, measure in METRICS.items()}
    files = {
        "estimator.skops": estimator_to_bytes(estimator),
        "model.onnx": to_onnx_bytes(estimator, matrix.features.shape[1]),
        "test_probabilities.npz": arrays_to_bytes(
            scikit_learn=_positive(estimator, matrix.features[matrix.test])
        ),
        "libraries.json": canonical_json(library_versions()),
    }
    return result | {"fitted": store_files(models, f"{context.artifacts}/train_candidate", files)}


def _fitted(model: Model, params: Mapping[str, Any], matrix: TrainingMatrix, fit_on: FitOn) -> Any:
    rows = matrix.fitted_on(fit_on)
    estimator = make_estimator(model.estimator, params)
    try:
        return estimator.fit(matrix.features[rows], matrix.labels[rows])
    except (ValueError, TypeError) as error:
        # What scikit-learn raises for a value a parameter does not take, or data it can not learn from.
        raise CallerError(f"model `{model.name}` with {dict(params)} can not be fitted: {error}") from error


def _positive(estimator: Any, features: Matrix) -> Floats:
    probabilities: Floats = estimator.predict_proba(features)[:, 1]
    return probabilities
