"""Registering what a run made: the model package under its digest, and its version number."""

import json
from collections.abc import Mapping
from typing import Any

from tidemill.ports import Blobs, Documents
from tidemill.registry.package import load_files, store_package
from tidemill.registry.runs import finish_run, record_step
from tidemill.registry.versions import register_version
from tidemill.training.context import RunContext

_FROM_FITTED = ("model.onnx", "estimator.skops")
_FROM_EVALUATED = ("serving.json", "reference.json", "lineage.json", "card.md")


def register_model(
    context: RunContext,
    *,
    fitted: Mapping[str, Any],
    evaluated: Mapping[str, Any],
    checked: Mapping[str, Any],
    models: Blobs,
    documents: Documents,
) -> dict[str, Any]:
    """Store the run's model package and give it the next version number; again gives the same one.

    A version that did not pass its gates is registered too, to be looked at; no alias moves to it.

    Parameters
    ----------
    context
        Of the run.
    fitted, evaluated, checked
        What the steps ``fit_selected``, ``evaluate_candidate`` and ``check_gates`` answered.
    models
        The models bucket.
    documents
        The experiments table.

    Returns
    -------
    dict
        ``version``, ``package`` (digest) and ``passed``.
    """
    runs = context.artifacts
    files = load_files(models, f"{runs}/train_candidate", fitted["fitted"], _FROM_FITTED)
    files |= load_files(models, f"{runs}/evaluate_candidate", evaluated["evaluated"], _FROM_EVALUATED)
    package = store_package(models, context.model, files)
    version = register_version(
        documents,
        context.model,
        run_id=context.run_id,
        package=package,
        at=context.at,
        passed=checked["passed"],
        gates=checked["gates"],
        metrics=evaluated["metrics"],
        lineage={**json.loads(files["lineage.json"]), "run_id": context.run_id, "reason": context.reason},
    )
    result = {"version": version.version, "package": package, "passed": version.passed}
    record_step(documents, context.run_id, "register_model", result)
    finish_run(documents, context.run_id, at=context.at, version=version.version, promoted=False)
    return result
