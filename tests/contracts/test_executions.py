"""What every implementation of the training executions holds."""

import json
import uuid

import pytest

from tidemill.aws.clients import client
from tidemill.aws.executions import StateMachineExecutions
from tidemill.memory.executions import MemoryExecutions
from tidemill.monitoring.retraining import Executions

WAITING = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}


@pytest.fixture(params=["memory", "aws"])
def executions(request: pytest.FixtureRequest) -> Executions:
    """Return a state machine that was never started."""
    if request.param == "memory":
        return MemoryExecutions()
    request.getfixturevalue("aws_endpoint")
    made = client("stepfunctions").create_state_machine(
        name=f"test-{uuid.uuid4()}",
        definition=json.dumps(WAITING),
        roleArn="arn:aws:iam::123456789012:role/states",
    )
    return StateMachineExecutions(made["stateMachineArn"], client=client("stepfunctions"))


def test_nothing_runs_at_first(executions: Executions) -> None:
    assert list(executions.running()) == []


def test_what_was_started_runs(executions: Executions) -> None:
    assert executions.start("a-1", {"model": "a"})
    assert executions.start("a-2", {"model": "a"})
    assert set(executions.running()) == {"a-1", "a-2"}


def test_a_name_starts_once(executions: Executions) -> None:
    assert executions.start("a-1", {"model": "a"})
    executions.start("a-1", {"model": "a"})
    assert list(executions.running()) == ["a-1"]
    assert not executions.start("a-1", {"model": "another"})
