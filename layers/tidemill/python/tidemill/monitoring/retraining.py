"""Acting on a report: the decision, its ledger entry, and the one execution it may start.

Reports arrive at least once, in any order, possibly two at a time. What makes the outcome the same
as once and in order: the ledger's entry for a report is written once and followed ever after; the
list of attempts is moved by conditional write before anything starts, so two reports can not both
pass the guards; and the execution is named after the report.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from tidemill.errors import Conflict, NotFound
from tidemill.monitoring.policy import Attempt, Decision, decide
from tidemill.ports import Documents
from tidemill.project.policies import Retrain
from tidemill.registry.runs import get_run, list_runs

_ATTEMPTS_KEPT = 50
_ATTEMPTS = "RETRAININGS"


class Executions(Protocol):
    """Executions of the training state machine."""

    def start(self, name: str, execution_input: Mapping[str, Any]) -> bool:
        """Start an execution; False if one of that name was started before."""
        ...

    def running(self) -> Sequence[str]:
        """Return the names of the executions that have not ended."""
        ...


def answer_report(
    report: Mapping[str, Any], *, policy: Retrain, documents: Documents, executions: Executions
) -> Decision:
    """Decide on a monitor report, keep the decision, and start the training if there is to be one.

    Parameters
    ----------
    report
        The detail of a MonitorReport event.
    policy
        Of the report's model, as declared.
    documents
        The experiments table.
    executions
        The training state machine's.

    Returns
    -------
    Decision
        The one made when the report was first seen.

    Raises
    ------
    Conflict
        If another report of the model is being decided at this moment; trying again helps.
    """
    model, at = report["model"], report["at"]
    partition, entry = f"MODEL#{model}", f"DECISION#{at}"
    known = documents.get(partition, entry)
    if known is None:
        decision = _decide_once(report, policy=policy, documents=documents, executions=executions)
        try:
            documents.put(partition, entry, _ledger_entry(report, decision), revision=0)
        except Conflict:  # a second delivery was faster; its entry is the one that counts
            known = documents.get(partition, entry)
    if known is not None:
        decision = Decision.from_json(known[0]["decision"])
    if decision.retrain and decision.run_id and decision.reason:
        reason = {"kind": decision.reason.kind, "detail": decision.reason.detail}
        executions.start(decision.run_id, {"model": model, "at": at, "reason": reason, "set": {}})
    return decision


def _decide_once(
    report: Mapping[str, Any], *, policy: Retrain, documents: Documents, executions: Executions
) -> Decision:
    model, at = report["model"], datetime.fromisoformat(report["at"])
    partition = f"MODEL#{model}"
    stored, revision = documents.get(partition, _ATTEMPTS) or ({"attempts": []}, 0)
    claims: list[dict[str, str]] = stored["attempts"]
    # A claim of this very report is that of a delivery that died before it wrote the ledger.
    others = [claim for claim in claims if claim["report"] != report["at"]]
    decision = decide(
        report,
        attempts=_attempts(documents, model, others),
        policy=policy,
        running=_running(documents, model, executions),
        at=at,
    )
    if decision.retrain:
        claim = {"at": report["at"], "report": report["at"], "run_id": decision.run_id}
        documents.put(
            partition, _ATTEMPTS, {"attempts": [claim, *others][:_ATTEMPTS_KEPT]}, revision=revision
        )
    return decision


def _attempts(documents: Documents, model: str, claims: Sequence[Mapping[str, str]]) -> list[Attempt]:
    """Join what was asked for with what was run, by hand or by policy; the newest first."""
    runs = {run.run_id: run for run in list_runs(documents, model, limit=_ATTEMPTS_KEPT)}
    asked = {claim["run_id"]: claim["at"] for claim in claims}
    attempts = []
    for run_id in asked.keys() | runs.keys():
        run = runs.get(run_id)
        ended = run is not None and run.status != "running"
        at = run.started_at if run is not None else asked[run_id]
        promoted = run.promoted if run is not None and ended else None
        attempts.append(Attempt(datetime.fromisoformat(at), run_id, promoted))
    return sorted(attempts, key=lambda attempt: (attempt.at, attempt.run_id), reverse=True)


def _running(documents: Documents, model: str, executions: Executions) -> list[str]:
    return [name for name in executions.running() if _trains(documents, name, model)]


def _trains(documents: Documents, run_id: str, model: str) -> bool:
    """Say whether an execution trains the model; one that has not said so yet may."""
    try:
        return get_run(documents, run_id).model == model
    except NotFound:
        return True


def _ledger_entry(report: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    seen = (
        "version",
        "window_start",
        "window_end",
        "rows",
        "drift",
        "drifted_features",
        "performance",
        "quality",
    )
    return {
        "at": report["at"],
        "report_key": report["report_key"],
        "seen": {name: report.get(name) for name in seen},
        "estimated_loss": _estimated_loss(report.get("quality")),
        "decision": decision.to_json(),
    }


def _estimated_loss(quality: Mapping[str, Any] | None) -> float | None:
    """Return how far the metric is from the test set's: measured if outcomes are known, else estimated."""
    if not quality:
        return None
    now = quality["measured"] if quality["measured"] is not None else quality["estimated"]
    if now is None or quality["reference"] is None:
        return None
    return abs(float(quality["reference"]) - float(now))
