"""What a restart ends, and what goes on: executions, messages somebody had, streams, schedules, the clock."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.cloud import Cloud
from emulator.state.restart import ABORTED_CAUSE

ROLE = "arn:aws:iam::123456789012:role/any"
NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def start(tmp_path: Path) -> Callable[[], Cloud]:
    """Give what starts a local cloud on one and the same state."""
    return lambda: Cloud(port=0, state_dir=tmp_path / "state", enforce_iam=False)


def machine(client: Any, name: str, state: dict[str, Any]) -> str:
    definition = {"StartAt": "Only", "States": {"Only": {**state, "End": True}}}
    made = client.create_state_machine(name=name, roleArn=ROLE, definition=json.dumps(definition))
    return str(made["stateMachineArn"])


def test_an_execution_that_ran_is_aborted_and_says_why(start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        states = cloud.client("stepfunctions")
        arn = states.start_execution(
            stateMachineArn=machine(states, "waits", {"Type": "Wait", "Seconds": 999})
        )
        assert states.describe_execution(executionArn=arn["executionArn"])["status"] == "RUNNING"
    with start() as cloud:
        told = cloud.client("stepfunctions").describe_execution(executionArn=arn["executionArn"])
        assert (told["status"], told["cause"]) == ("ABORTED", ABORTED_CAUSE)
        cloud.settle(5)


def test_a_finished_execution_keeps_its_history(start: Callable[[], Cloud]) -> None:
    def history(cloud: Cloud) -> list[str]:
        events = cloud.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
        return [event["type"] for event in events]

    with start() as cloud:
        states = cloud.client("stepfunctions")
        arn = states.start_execution(stateMachineArn=machine(states, "passes", {"Type": "Pass"}))[
            "executionArn"
        ]
        cloud.settle(10)
        before = history(cloud)
    with start() as cloud:
        assert history(cloud) == before
        assert before[-1] == "ExecutionSucceeded"
        states = cloud.client("stepfunctions")
        again = states.start_execution(
            stateMachineArn=states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        )
        cloud.settle(10)
        assert states.describe_execution(executionArn=again["executionArn"])["status"] == "SUCCEEDED"


def test_a_message_somebody_had_is_visible_again_and_a_delayed_one_is_not(start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        sqs = cloud.client("sqs")
        queue = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="had")
        assert sqs.receive_message(QueueUrl=queue)["Messages"]
        sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=900)
    with start() as cloud:
        received = cloud.client("sqs").receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["ApproximateReceiveCount"]
        )["Messages"]
        assert [message["Body"] for message in received] == ["had"]
        assert received[0]["Attributes"]["ApproximateReceiveCount"] == "2"


@pytest.mark.parametrize("mode", ["frozen", "running"])
def test_a_clock_that_left_the_wall_goes_on_where_it_stood(mode: str, start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        cloud.clock.set(NEW_YEAR)
        if mode == "running":
            cloud.clock.run()
    with start() as cloud:
        assert cloud.clock.mode == mode
        assert NEW_YEAR <= cloud.clock.now() < NEW_YEAR + timedelta(minutes=1)


def test_a_schedule_fires_after_a_restart(start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        cloud.clock.set(NEW_YEAR)
        queue = cloud.client("sqs").create_queue(QueueName="ticks")["QueueUrl"]
        events = cloud.client("events")
        events.put_rule(Name="daily", ScheduleExpression="cron(0 3 * * ? *)")
        events.put_targets(
            Rule="daily", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:ticks"}]
        )
    with start() as cloud:
        cloud.clock.advance_to(NEW_YEAR + timedelta(days=2))
        waiting = cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])
        assert waiting["Attributes"]["ApproximateNumberOfMessages"] == "2"


def test_credentials_that_were_given_out_are_known_again(start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        key = cloud.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="somebody")["Credentials"]
    with start() as cloud:
        assert cloud.identities.principal(key["AccessKeyId"]) == ROLE
