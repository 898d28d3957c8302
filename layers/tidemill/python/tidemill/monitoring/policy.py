"""Whether to retrain: what a report gives reason for, and what keeps one reason from causing a storm.

``decide`` is a function of its arguments: the same report, history and moment always give the same
decision, so every decision in the ledger can be made again and understood.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from tidemill.project.policies import Retrain

_DAY = timedelta(days=1)
_NAME_CHARACTERS = 80  # what Step Functions allows an execution's name
_MOST_DOUBLINGS = 5


@dataclass(frozen=True)
class Attempt:
    """A training of the model, whoever asked for it; ``promoted`` is None until that is known."""

    at: datetime
    run_id: str
    promoted: bool | None


@dataclass(frozen=True)
class Reason:
    """Why to retrain, as the training state machine's input has it."""

    kind: str
    detail: str


@dataclass(frozen=True)
class Decision:
    """What was decided on a report.

    ``reason`` is what spoke for retraining, None if nothing did; ``guard`` is what held it back,
    None if nothing did; ``run_id`` names the execution that answers the report.
    """

    retrain: bool
    reason: Reason | None
    guard: str | None
    run_id: str | None

    def to_json(self) -> dict[str, Any]:
        """Return plain data, as the ledger keeps it."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Decision":
        """Return the decision that ``to_json`` wrote."""
        reason = Reason(**data["reason"]) if data["reason"] else None
        return Decision(data["retrain"], reason, data["guard"], data["run_id"])


def run_name(model: str, window_end: str) -> str:
    """Name the execution that answers a report: a report can start one execution, ever.

    Examples
    --------
    >>> run_name("late_arrival", "2013-03-11T00:00:00Z")
    'late_arrival-20130311T000000Z'
    """
    moment = re.sub(r"[^0-9TZ]", "", window_end)
    safe = re.sub(r"[^A-Za-z0-9_]", "_", model)
    return f"{safe[: _NAME_CHARACTERS - len(moment) - 1]}-{moment}"


def decide(
    report: Mapping[str, Any],
    *,
    attempts: Sequence[Attempt],
    policy: Retrain,
    running: Collection[str],
    at: datetime,
) -> Decision:
    """Decide whether a monitor report is reason enough to retrain now.

    Parameters
    ----------
    report
        The detail of a MonitorReport event.
    attempts
        The model's trainings, the newest first.
    policy
        What the model's declaration says: its reasons, cooldown and budget.
    running
        Names of the model's executions that have not ended.
    at
        The moment of the decision, the report's own.

    Returns
    -------
    Decision
        With the first guard that applies, in this order: the report was answered before, a training
        is running, cooldown, budget. Each training in a row that was not promoted, from the second
        on, doubles the cooldown: data that cannot make a better model is not tried every day.
    """
    reason = _reason(report, policy, attempts, at)
    if reason is None:
        return Decision(retrain=False, reason=None, guard=None, run_id=None)
    run_id = run_name(report["model"], report["window_end"])
    guard = _guard(run_id, attempts, policy, running, at)
    return Decision(retrain=guard is None, reason=reason, guard=guard, run_id=None if guard else run_id)


def _reason(
    report: Mapping[str, Any], policy: Retrain, attempts: Sequence[Attempt], at: datetime
) -> Reason | None:
    if report["version"] is None:  # a model without a champion has nothing to be retrained
        return None
    found = {
        "performance": _performance(report),
        "drift": _drift(report),
        "rows": _rows(report, policy),
        "schedule": _schedule(policy, attempts, at),
    }
    # The order is that of certainty: outcomes say a model got worse, drift only that it may have.
    return next(
        (Reason(kind, detail) for kind, detail in found.items() if detail and kind in policy.on), None
    )


def _performance(report: Mapping[str, Any]) -> str | None:
    if report["performance"] != "worse":
        return None
    quality = report.get("quality")
    if not quality:
        return "worse than on the test set"
    return f"{quality['metric']} {quality['measured']:.3f}, was {quality['reference']:.3f} on the test set"


def _drift(report: Mapping[str, Any]) -> str | None:
    return ", ".join(report["drifted_features"]) or "prediction" if report["drift"] else None


def _rows(report: Mapping[str, Any], policy: Retrain) -> str | None:
    new_rows = int(report.get("new_rows", 0))
    return f"{new_rows:,} new rows" if policy.min_rows is not None and new_rows >= policy.min_rows else None


def _schedule(policy: Retrain, attempts: Sequence[Attempt], at: datetime) -> str | None:
    if policy.every_seconds is None or not attempts:
        return None
    age = at - attempts[0].at
    return f"last trained {age.days} days ago" if age >= timedelta(seconds=policy.every_seconds) else None


def _guard(
    run_id: str, attempts: Sequence[Attempt], policy: Retrain, running: Collection[str], at: datetime
) -> str | None:
    if any(attempt.run_id == run_id for attempt in attempts):
        return f"answered: this report started {run_id}"
    if running:
        return f"running: {', '.join(sorted(running))} has not ended"
    if not attempts:
        return None
    in_vain = _in_vain(attempts)
    cooldown = timedelta(seconds=policy.cooldown_seconds) * 2 ** min(max(in_vain - 1, 0), _MOST_DOUBLINGS)
    ends = attempts[0].at + cooldown
    if at < ends:
        after = f", after {in_vain} trainings in a row that were not promoted" if in_vain > 1 else ""
        return f"cooldown: until {ends.isoformat().replace('+00:00', 'Z')}{after}"
    spent = sum(attempt.at > at - _DAY for attempt in attempts)
    if spent >= policy.budget_per_day:
        return f"budget: {spent} of {policy.budget_per_day} trainings a day are spent"
    return None


def _in_vain(attempts: Sequence[Attempt]) -> int:
    """Count the latest trainings that ended without promotion, up to the last that was promoted."""
    in_vain = 0
    for attempt in attempts:
        if attempt.promoted:
            break
        in_vain += attempt.promoted is False
    return in_vain
