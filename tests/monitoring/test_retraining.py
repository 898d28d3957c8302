"""Acting on a report: one ledger entry, one execution, whatever is delivered twice or at once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.monitoring.test_policy import NOW, drifted
from tests.monitoring.test_policy import report as quiet
from tidemill import Retrain
from tidemill.errors import Conflict, Unavailable
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.executions import MemoryExecutions
from tidemill.monitoring.policy import Decision
from tidemill.monitoring.retraining import answer_report
from tidemill.registry.runs import finish_run, start_run

POLICY = Retrain(on=["drift", "performance"], cooldown="7d")


class Machine(MemoryExecutions):
    """A state machine that can be made to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False

    def start(self, name: str, execution_input: Mapping[str, Any]) -> bool:
        if self.broken:
            raise Unavailable("the state machine does not answer")
        return super().start(name, execution_input)


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture
def machine() -> Machine:
    return Machine()


def answer(seen: Mapping[str, Any], documents: MemoryDocuments, machine: Machine) -> Decision:
    complete = {"report_key": "reports/monitor/late_arrival/x.json", "rows": 420, "window_start": "…", **seen}
    return answer_report(complete, policy=POLICY, documents=documents, executions=machine)


def decisions(documents: MemoryDocuments) -> list[dict[str, Any]]:
    return [entry for _, entry in documents.query("MODEL#late_arrival", "DECISION#")]


def test_drift_starts_one_execution_with_its_reason(documents: MemoryDocuments, machine: Machine) -> None:
    assert answer(drifted(), documents, machine).retrain
    assert machine.started == {
        "late_arrival-20130311T000000Z": {
            "model": "late_arrival",
            "at": "2013-03-11T00:00:00Z",
            "reason": {"kind": "drift", "detail": "temp, wind_speed"},
            "set": {},
        }
    }
    [entry] = decisions(documents)
    assert entry["decision"]["run_id"] == "late_arrival-20130311T000000Z"
    assert entry["seen"]["drifted_features"] == ["temp", "wind_speed"]


def test_a_quiet_report_is_in_the_ledger_too(documents: MemoryDocuments, machine: Machine) -> None:
    assert not answer(quiet(), documents, machine).retrain
    assert len(decisions(documents)) == 1
    assert not machine.started


def test_a_report_delivered_twice_starts_one_execution(documents: MemoryDocuments, machine: Machine) -> None:
    first = answer(drifted(), documents, machine)
    assert answer(drifted(), documents, machine) == first
    machine.end("late_arrival-20130311T000000Z")
    assert answer(drifted(), documents, machine) == first
    assert len(machine.started) == len(decisions(documents)) == 1


def test_a_second_report_while_a_training_runs_is_held_back(
    documents: MemoryDocuments, machine: Machine
) -> None:
    answer(drifted(), documents, machine)
    second = answer(drifted(NOW + timedelta(days=30)), documents, machine)
    assert (second.retrain, second.guard) == (False, "running: late_arrival-20130311T000000Z has not ended")


def test_a_training_of_another_model_holds_nothing_back(documents: MemoryDocuments, machine: Machine) -> None:
    machine.start("churn-1", {})
    at = "2013-03-10T00:00:00Z"
    start_run(documents, "churn-1", model="churn", at=at, reason={"kind": "manual"}, overrides={})
    assert answer(drifted(), documents, machine).retrain


def test_an_execution_that_has_not_said_what_it_trains_holds_back(
    documents: MemoryDocuments, machine: Machine
) -> None:
    machine.start("by-hand", {})
    assert answer(drifted(), documents, machine).guard == "running: by-hand has not ended"


def test_a_training_by_hand_counts_for_the_cooldown(documents: MemoryDocuments, machine: Machine) -> None:
    at = "2013-03-09T00:00:00Z"
    start_run(documents, "first", model="late_arrival", at=at, reason={"kind": "first"}, overrides={})
    finish_run(documents, "first", at=at, version=1, promoted=True)
    assert answer(drifted(), documents, machine).guard == "cooldown: until 2013-03-16T00:00:00Z"


def test_a_decision_whose_execution_did_not_start_is_followed_at_the_next_delivery(
    documents: MemoryDocuments, machine: Machine
) -> None:
    machine.broken = True
    with pytest.raises(Unavailable):
        answer(drifted(), documents, machine)
    machine.broken = False
    assert answer(drifted(), documents, machine).retrain
    assert len(machine.started) == 1


class DyingDocuments(MemoryDocuments):
    """Documents of a process that dies before the n-th write."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None

    def put(
        self,
        partition: str,
        sort: str,
        document: Mapping[str, Any],
        *,
        revision: int | None = None,
        expires_at: int | None = None,
    ) -> int:
        if self.left is not None:
            if self.left == 0:
                raise Unavailable("the process died")
            self.left -= 1
        return super().put(partition, sort, document, revision=revision, expires_at=expires_at)


@pytest.mark.parametrize("writes", [0, 1])
def test_a_crash_before_any_write_leaves_a_report_that_can_be_answered(writes: int, machine: Machine) -> None:
    documents = DyingDocuments()
    documents.left = writes
    with pytest.raises(Unavailable):
        answer(drifted(), documents, machine)
    assert not machine.started
    documents.left = None
    assert answer(drifted(), documents, machine).retrain
    assert len(machine.started) == len(decisions(documents)) == 1


def test_of_two_reports_decided_at_once_one_starts(documents: MemoryDocuments, machine: Machine) -> None:
    class Meanwhile(Machine):
        """Another report is decided while this one looks at what is running."""

        def running(self) -> list[str]:
            running = machine.running()
            answer(drifted(NOW + timedelta(hours=1)), documents, machine)
            return running

    with pytest.raises(Conflict):
        answer(drifted(), documents, Meanwhile())
    assert list(machine.started) == ["late_arrival-20130311T010000Z"]
    assert answer(drifted(), documents, machine).guard is not None


def test_the_ledger_estimates_the_loss(documents: MemoryDocuments, machine: Machine) -> None:
    quality = {"metric": "roc_auc", "measured": None, "reference": 0.70, "estimated": 0.66}
    answer(drifted() | {"quality": quality}, documents, machine)
    assert decisions(documents)[0]["estimated_loss"] == pytest.approx(0.04)


def test_a_year_of_daily_drift_is_a_training_a_week(documents: MemoryDocuments, machine: Machine) -> None:
    for number in range(365):
        at = NOW + timedelta(days=number)
        decision = answer(drifted(at), documents, machine)
        if decision.retrain and decision.run_id:
            moment = f"{at:%Y-%m-%dT%H:%M:%SZ}"
            start_run(documents, decision.run_id, model="late_arrival", at=moment, reason={}, overrides={})
            finish_run(documents, decision.run_id, at=moment, version=number, promoted=True)
            machine.end(decision.run_id)
    assert len(machine.started) == 53
    assert datetime.fromisoformat(decisions(documents)[-1]["at"]) == NOW + timedelta(days=364)
