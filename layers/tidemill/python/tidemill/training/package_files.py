"""The files of a model package that say what the model is: for serving, monitoring, and people."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidemill.canonical import canonical_json
from tidemill.project import Model
from tidemill.project.code import LIBRARY, code_digest
from tidemill.statistics.intervals import Interval
from tidemill.statistics.profile import ReferenceProfile, profile_column, profile_matrix
from tidemill.training.matrix import Floats, StoredTrainingSet

THRESHOLD = 0.5  # of the probability, from which a prediction is positive


def describe_version(
    model: Model,
    training_set: StoredTrainingSet,
    *,
    params: Mapping[str, Any],
    libraries: Mapping[str, str],
    evaluation: Mapping[str, Any],
    probabilities: Floats,
) -> dict[str, bytes]:
    """Return ``serving.json``, ``reference.json``, ``lineage.json`` and ``card.md``.

    They depend on data, code and parameters alone, not on the run or on the champion of the day: the
    same training gives the same package.

    Parameters
    ----------
    model
        The declaration.
    training_set
        What it was trained on.
    params, libraries
        What it was trained with.
    evaluation
        The figures on the test rows.
    probabilities
        Of the test rows, shape (n_test,).

    Returns
    -------
    dict
        Bytes by file name.
    """
    lineage = {
        "model": model.name,
        "dataset": training_set.description["dataset"],
        "training_set": training_set.digest,
        "params": dict(params),
        "code": code_digest([LIBRARY, _folder_of(model)]),
        "libraries": dict(libraries),
    }
    serving = {
        "format": 1,
        "model": model.name,
        "plan": training_set.description["plan"],
        "threshold": THRESHOLD,
        "metric": model.metric,
    }
    reference = reference_profile(training_set, evaluation, probabilities)
    return {
        "serving.json": canonical_json(serving),
        "reference.json": canonical_json(reference.to_json()),
        "lineage.json": canonical_json(lineage),
        "card.md": _card(model, training_set, lineage, evaluation).encode(),
    }


def reference_profile(
    training_set: StoredTrainingSet, evaluation: Mapping[str, Any], probabilities: Floats
) -> ReferenceProfile:
    """Profile the rows the model was fitted to, and its predictions on the test rows.

    Parameters
    ----------
    training_set
        What it was trained on.
    evaluation
        The figures on the test rows.
    probabilities
        Of the test rows, shape (n_test,).

    Returns
    -------
    ReferenceProfile
        What monitors compare with.
    """
    matrix = training_set.matrix
    fitted = matrix.fitted_on("train_and_validation")
    description = training_set.description
    return ReferenceProfile(
        columns=profile_matrix(matrix.features[fitted], description["inputs"], description["vocabularies"]),
        prediction=profile_column("prediction", probabilities),
        label_rate=float(matrix.labels[fitted].mean()),
        metric=evaluation["metric"],
        quality=Interval.from_json(evaluation["interval"]),
        test_rows=evaluation["test_rows"],
    )


def _folder_of(model: Model) -> Path:
    """Return where the project's package lies: the module its estimator is written in."""
    return Path(str(sys.modules[model.estimator.__module__].__file__)).parent


def _card(
    model: Model,
    training_set: StoredTrainingSet,
    lineage: Mapping[str, Any],
    evaluation: Mapping[str, Any],
) -> str:
    description = training_set.description
    interval = evaluation["interval"]
    spans = [
        f"| {name} | {span['from']} | {span['to']} | {span['rows']} | {span['positive_rate']:.4f} |"
        for name in ("train", "validation", "test")
        for span in [description["split"][name]]
    ]
    params = ", ".join(f"`{name}={value}`" for name, value in lineage["params"].items()) or "defaults"
    return f"""# {model.name}

Gives the probability of `{model.label!r}` for rows of `{model.observations.source.name}`, made from what
was known by {description["dataset"]["cutoff"]}.

| rows | from | to | how many | positive |
|---|---|---|---|---|
{chr(10).join(spans)}

On the test rows, which it never saw, {evaluation["metric"]} is {interval["point"]:.4f}
({interval["level"]:.0%} interval {interval["low"]:.4f} to {interval["high"]:.4f}); all metrics:
{", ".join(f"{name} {value:.4f}" for name, value in evaluation["metrics"].items())}.

ONNX and scikit-learn differ by at most {evaluation["parity"]["max_difference"]:.1e} in probability.

- Inputs: {", ".join(f"`{name}`" for name in description["inputs"])}
- Parameters: {params}
- Training set `{training_set.digest}`
- Code `{lineage["code"]}`
"""
