"""Evaluating the fitted candidate on the test rows: alone, against the champion, slice by slice.

Figures only: what they are good enough for is for the gates to say.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidemill.canonical import canonical_json
from tidemill.ports import Blobs, Documents
from tidemill.project import Model, Slices
from tidemill.registry.package import load_files, load_package, store_files
from tidemill.registry.runs import record_step
from tidemill.statistics.intervals import Interval, gain_interval, metric_interval
from tidemill.statistics.metrics import METRICS, Metric, metric
from tidemill.training.context import RunContext
from tidemill.training.matrix import (
    TRAINING_SETS,
    Floats,
    Mask,
    StoredTrainingSet,
    arrays_from_bytes,
    load_training_set,
)
from tidemill.training.onnx_session import positive_probabilities
from tidemill.training.package_files import describe_version

_FEWEST_PER_CLASS = 10  # of a slice, below which its metric says nothing


@dataclass(frozen=True, eq=False)
class Champion:
    """The champion's version and its probabilities on the same test rows, shape (n_test,)."""

    version: int
    probabilities: Floats


@dataclass(frozen=True, eq=False)
class Scored:
    """Test rows: labels, the candidate's probabilities, shape (n_test,) each, and the champion's."""

    labels: Mask
    probabilities: Floats
    champion: Champion | None

    def gain(self, measure: Metric, rows: Mask) -> Interval | None:
        """Return the candidate's gain over the champion on some rows, None without a champion."""
        if self.champion is None:
            return None
        return gain_interval(
            measure, self.labels[rows], self.probabilities[rows], self.champion.probabilities[rows]
        )


def evaluate_candidate(
    context: RunContext,
    model: Model,
    *,
    pinned: Mapping[str, Any],
    built: Mapping[str, Any],
    fitted: Mapping[str, Any],
    data: Blobs,
    models: Blobs,
    documents: Documents,
) -> dict[str, Any]:
    """Measure the candidate's ONNX graph on the test rows, and the champion's on the same ones.

    Parameters
    ----------
    context
        Of the run.
    model
        The declaration: metric and slices.
    pinned, built, fitted
        What the steps ``pin_dataset``, ``build_training_set`` and ``fit_selected`` answered.
    data, models
        The buckets.
    documents
        The experiments table.

    Returns
    -------
    dict
        ``evaluated`` (digest of the files ``evaluation.json`` and those of the package), the test
        ``metrics`` by name, and the ``gain`` over the champion, None if there is none.
    """
    training_set = load_training_set(data, built["training_set"])
    checks = load_files(data, TRAINING_SETS, training_set.digest, ["checks.npz"])["checks.npz"]
    files = load_files(models, f"{context.artifacts}/train_candidate", fitted["fitted"])
    test = training_set.matrix.features[training_set.matrix.test]
    probabilities = positive_probabilities(files["model.onnx"], test)
    scored = Scored(
        labels=training_set.matrix.labels[training_set.matrix.test],
        probabilities=probabilities,
        champion=_champion(
            context.model,
            pinned["champion"],
            built=built,
            training_set=training_set,
            data=data,
            models=models,
        ),
    )
    evaluation = _figures(model, training_set, scored, arrays_from_bytes(checks))
    evaluation["parity"] = _parity(probabilities, files["test_probabilities.npz"])
    evaluation["incomparable"] = built["incomparable"]
    described = describe_version(
        model,
        training_set,
        params=fitted["candidate"]["params"],
        libraries=json.loads(files["libraries.json"]),
        evaluation=evaluation,
        probabilities=probabilities,
    )
    evaluated = {"evaluation.json": canonical_json(evaluation), **described}
    result = {
        "evaluated": store_files(models, f"{context.artifacts}/evaluate_candidate", evaluated),
        "metrics": evaluation["metrics"],
        "gain": evaluation["gain"],
    }
    record_step(documents, context.run_id, "evaluate_candidate", result)
    return result


def _champion(
    model: str,
    pinned: Mapping[str, Any] | None,
    *,
    built: Mapping[str, Any],
    training_set: StoredTrainingSet,
    data: Blobs,
    models: Blobs,
) -> Champion | None:
    """Score the test rows with the champion, through its own plan's matrix where that differs."""
    if pinned is None or built["incomparable"] is not None:
        return None
    graph = load_package(models, model, pinned["package"], ["model.onnx"])["model.onnx"]
    if built["champion_matrix"] is None:
        features = training_set.matrix.features[training_set.matrix.test]
    else:
        prefix = f"{TRAINING_SETS}/{training_set.digest}/champion"
        files = load_files(data, prefix, built["champion_matrix"], ["matrix.npz"])
        features = arrays_from_bytes(files["matrix.npz"])["X"]
    return Champion(pinned["version"], positive_probabilities(graph, features))


def _figures(
    model: Model, training_set: StoredTrainingSet, scored: Scored, checks: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    measure = metric(model.metric)
    labels, champion = scored.labels, scored.champion
    gain = scored.gain(measure, np.ones(len(labels), dtype=np.bool_))
    theirs = champion and {
        "version": champion.version,
        "metrics": {name: each(labels, champion.probabilities) for name, each in METRICS.items()},
    }
    return {
        "metric": model.metric,
        "test_rows": len(labels),
        "metrics": {name: each(labels, scored.probabilities) for name, each in METRICS.items()},
        "interval": metric_interval(measure, labels, scored.probabilities).to_json(),
        "champion": theirs,
        "gain": gain and gain.to_json(),
        "slices": {
            gate.column: slice_figures(gate, checks[f"slice:{gate.column}"], measure, scored)
            for gate in model.gates
            if isinstance(gate, Slices)
        },
        "skew": skew_figures(training_set, checks["replayed_rows"], checks["replayed"]),
    }


def slice_figures(
    gate: Slices, values: NDArray[np.str_], measure: Metric, scored: Scored
) -> list[dict[str, Any]]:
    """Measure each large enough slice of the test rows.

    Parameters
    ----------
    gate
        Which column, and how many rows a slice needs.
    values
        Of the column on the test rows, shape (n_test,).
    measure
        The model's metric.
    scored
        The test rows.

    Returns
    -------
    list of dict
        ``value``, ``rows``, ``candidate`` and, with a champion, ``champion`` and ``gain``.
    """
    figures = []
    for value, count in zip(*np.unique(values, return_counts=True), strict=True):
        rows = values == value
        labels = scored.labels[rows]
        if count < gate.min_rows or min(labels.sum(), (~labels).sum()) < _FEWEST_PER_CLASS:
            continue
        figure = {
            "value": str(value),
            "rows": int(count),
            "candidate": measure(labels, scored.probabilities[rows]),
        }
        if (gain := scored.gain(measure, rows)) and scored.champion:
            figure |= {
                "champion": measure(labels, scored.champion.probabilities[rows]),
                "gain": gain.to_json(),
            }
        figures.append(figure)
    return figures


def skew_figures(
    training_set: StoredTrainingSet, rows: NDArray[np.int64], replayed: NDArray[np.float32]
) -> dict[str, Any]:
    """Compare replayed features with the training matrix, bit by bit.

    Parameters
    ----------
    training_set
        With the matrix and the names of its columns.
    rows
        Which rows of the matrix were replayed, shape (n_replayed,).
    replayed
        What the online path gave for them, shape (n_replayed, n_features).

    Returns
    -------
    dict
        ``rows`` replayed, ``mismatched`` among them, and by name the ``columns`` that differ.
    """
    offline = training_set.matrix.features[rows]
    differs = (offline != replayed) & ~(np.isnan(offline) & np.isnan(replayed))
    names = training_set.description["inputs"]
    return {
        "rows": len(rows),
        "mismatched": int(differs.any(axis=1).sum()),
        "columns": {
            name: int(count) for name, count in zip(names, differs.sum(axis=0), strict=True) if count
        },
    }


def _parity(probabilities: Floats, stored: bytes) -> dict[str, Any]:
    theirs = arrays_from_bytes(stored)["scikit_learn"]
    return {
        "rows": len(theirs),
        "max_difference": float(np.abs(probabilities - theirs).max(initial=0.0)),
    }
