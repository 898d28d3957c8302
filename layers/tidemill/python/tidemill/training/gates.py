"""Gates: what a version must pass before an alias may move to it.

Each gate is a rule over the evaluation's figures. A gate that compares with the champion passes when
there is none, and says so.
"""

import json
from collections.abc import Mapping
from typing import Any

from tidemill.ports import Blobs, Documents
from tidemill.project import Gate, Improves, Model, Parity, SkewFree, Slices
from tidemill.registry.package import load_files
from tidemill.registry.runs import record_step
from tidemill.training.context import RunContext


def check_gates(
    context: RunContext, model: Model, *, evaluated: Mapping[str, Any], models: Blobs, documents: Documents
) -> dict[str, Any]:
    """Judge a candidate by every gate of its model.

    Parameters
    ----------
    context
        Of the run.
    model
        The declaration: its gates.
    evaluated
        What the step ``evaluate_candidate`` answered.
    models
        The models bucket.
    documents
        The experiments table.

    Returns
    -------
    dict
        ``passed``, and ``gates``: a list of ``{gate, passed, figures, message}``.
    """
    files = load_files(
        models, f"{context.artifacts}/evaluate_candidate", evaluated["evaluated"], ["evaluation.json"]
    )
    evaluation = json.loads(files["evaluation.json"])
    gates = [judge(gate, evaluation) for gate in model.gates]
    result = {"passed": all(gate["passed"] for gate in gates), "gates": gates}
    record_step(documents, context.run_id, "check_gates", result)
    return result


def judge(gate: Gate, evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return one gate's verdict on an evaluation, as ``{gate, passed, figures, message}``."""
    if isinstance(gate, Improves):
        return _improves(gate, evaluation)
    if isinstance(gate, Parity):
        return _parity(gate, evaluation["parity"])
    if isinstance(gate, SkewFree):
        return _skew_free(evaluation["skew"])
    return _slices(gate, evaluation)


def _improves(gate: Improves, evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Pass if the mean gain on the same test rows is above ``by``.

    The paired interval says how sure the gain is, and does not have to lie above ``by`` as a whole:
    each retraining brings a small gain, a week of test rows rarely proves one, and refusing every
    unproven gain would freeze the model while the world moves. A provable loss has a mean below
    zero, so it never passes with ``by`` at or above 0.
    """
    gain, metric = evaluation["gain"], evaluation["metric"]
    if gain is None:
        return _verdict("improves", passed=True, figures={}, message=_nobody(evaluation))
    champion = evaluation["champion"]
    figures = {
        "gain": gain,
        "by": gate.by,
        "candidate": evaluation["metrics"][metric],
        "champion": champion["metrics"][metric],
    }
    sure = "proven" if gain["low"] > 0 else "a proven loss" if gain["high"] < 0 else "not proven"
    message = (
        f"{metric} {figures['candidate']:.4f} against {figures['champion']:.4f} of champion version "
        f"{champion['version']} on the same {evaluation['test_rows']} rows: gain {gain['point']:+.4f} "
        f"({gain['low']:+.4f} to {gain['high']:+.4f}, {sure}), more than {gate.by:+.4f} wanted"
    )
    return _verdict("improves", passed=gain["point"] > gate.by, figures=figures, message=message)


def _parity(gate: Parity, parity: Mapping[str, Any]) -> dict[str, Any]:
    message = (
        f"ONNX and scikit-learn differ by at most {parity['max_difference']:.2e} in probability on "
        f"{parity['rows']} rows; {gate.tolerance:.0e} is allowed"
    )
    figures = {**parity, "tolerance": gate.tolerance}
    return _verdict(
        "parity", passed=parity["max_difference"] <= gate.tolerance, figures=figures, message=message
    )


def _skew_free(skew: Mapping[str, Any]) -> dict[str, Any]:
    columns = ", ".join(f"{name} ({count})" for name, count in skew["columns"].items())
    message = f"{skew['mismatched']} of {skew['rows']} test rows replayed through the online path differ" + (
        f", in {columns}" if columns else ""
    )
    # Nothing replayed is nothing shown: the gate is there because equality is to be seen.
    return _verdict(
        "skew_free", passed=skew["rows"] > 0 and skew["mismatched"] == 0, figures=skew, message=message
    )


def _slices(gate: Slices, evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Pass if no slice lost more than ``max_drop`` in a way that chance does not explain."""
    name, figures = f"slices:{gate.column}", evaluation["slices"][gate.column]
    if evaluation["champion"] is None:
        return _verdict(name, passed=True, figures={"slices": figures}, message=_nobody(evaluation))
    worse = [each for each in figures if each["gain"]["point"] < -gate.max_drop and each["gain"]["high"] < 0]
    listed = ", ".join(f"{each['value']} ({each['gain']['point']:+.4f})" for each in worse)
    message = (
        f"{len(worse)} of {len(figures)} values of {gate.column} with at least {gate.min_rows} test rows "
        f"lost more than {gate.max_drop} in {evaluation['metric']}" + (f": {listed}" if listed else "")
    )
    return _verdict(name, passed=not worse, figures={"slices": figures}, message=message)


def _nobody(evaluation: Mapping[str, Any]) -> str:
    why = evaluation["incomparable"]
    return (
        f"the champion can not be scored on these rows: {why}"
        if why
        else "there is no champion to compare with"
    )


def _verdict(gate: str, *, passed: bool, figures: Mapping[str, Any], message: str) -> dict[str, Any]:
    return {"gate": gate, "passed": passed, "figures": dict(figures), "message": message}
