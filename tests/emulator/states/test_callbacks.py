"""Tasks that wait for somebody else: a callback with their token, or the end of another execution."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

NEW_YEAR = datetime(2013, 1, 1, tzinfo=UTC)


def asking(queue: str, **fields: Any) -> dict[str, Any]:
    """Give a machine that sends its token to a queue and waits."""
    return {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}},
            "End": True,
            **fields,
        }
    }


def token_in(machines: Any, queue: str) -> str:
    """Take a token from a queue."""
    [message] = machines.cloud.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    return str(json.loads(message["Body"])["token"])


@pytest.fixture
def queue(machines: Any) -> str:
    """Give a queue's URL."""
    return str(machines.cloud.client("sqs").create_queue(QueueName="asked")["QueueUrl"])


def test_a_task_waits_for_its_token_without_being_in_flight_and_takes_the_answer(
    machines: Any, queue: str
) -> None:
    execution = machines.start(machines.make("asking", asking(queue)))
    machines.pass_time(days=3)
    assert machines.look(execution)["status"] == "RUNNING"
    machines.states.send_task_success(taskToken=token_in(machines, queue), output='{"yes": 1}')
    machines.cloud.settle(10)
    found = machines.look(execution)
    assert (found["status"], found["output"]) == ("SUCCEEDED", {"yes": 1})
    assert found["stopDate"] == NEW_YEAR + timedelta(days=3)


def test_a_failure_sent_for_a_token_is_the_task_s_with_error_and_cause(machines: Any, queue: str) -> None:
    caught = [{"ErrorEquals": ["Refused"], "Next": "No", "ResultPath": "$.why"}]
    states = asking(queue, Catch=caught) | {"No": {"Type": "Succeed"}}
    execution = machines.start(machines.make("asking", states))
    machines.states.send_task_failure(taskToken=token_in(machines, queue), error="Refused", cause="busy")
    machines.cloud.settle(10)
    assert machines.look(execution)["output"] == {"why": {"Error": "Refused", "Cause": "busy"}}


def test_a_function_gets_the_token_and_may_answer_itself(machines: Any) -> None:
    machines.function(
        "answering",
        """
        import boto3

        def handler(event, context):
            boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output='"done"')
        """,
    )
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "answering", "Payload": {"token.$": "$$.Task.Token"}},
        "End": True,
    }
    found = machines.run({"Ask": task})
    assert (found["status"], found["output"]) == ("SUCCEEDED", "done")


def test_heartbeats_keep_a_task_alive_and_their_absence_times_it_out(machines: Any, queue: str) -> None:
    states = asking(queue, HeartbeatSeconds=60, TimeoutSeconds=3600)
    execution = machines.start(machines.make("beating", states))
    token = token_in(machines, queue)
    for _ in range(3):
        machines.pass_time(seconds=50)
        machines.states.send_task_heartbeat(taskToken=token)
        machines.cloud.settle(10)
    assert machines.look(execution)["status"] == "RUNNING"
    machines.pass_time(seconds=61)
    found = machines.look(execution)
    assert (found["status"], found["error"]) == ("FAILED", "States.Timeout")
    assert found["stopDate"] == NEW_YEAR + timedelta(seconds=3 * 50 + 60)


def test_a_task_times_out_on_the_clock_and_its_timeout_can_be_caught(machines: Any, queue: str) -> None:
    caught = [{"ErrorEquals": ["States.Timeout"], "Next": "Late"}]
    states = asking(queue, TimeoutSeconds=600, Catch=caught) | {"Late": {"Type": "Pass", "End": True}}
    execution = machines.start(machines.make("late", states))
    machines.pass_time(hours=1)
    found = machines.look(execution)
    assert (found["status"], found["stopDate"]) == ("SUCCEEDED", NEW_YEAR + timedelta(minutes=10))
    assert machines.kinds(execution).count("TaskTimedOut") == 1


def test_stopping_an_execution_that_waits_for_a_callback_ends_it_at_once(machines: Any, queue: str) -> None:
    execution = machines.start(machines.make("asking", asking(queue)))
    machines.states.stop_execution(executionArn=execution)
    assert machines.look(execution)["status"] == "ABORTED"
    with pytest.raises(machines.states.exceptions.ClientError, match="Invalid"):
        machines.states.send_task_success(taskToken=token_in(machines, queue), output="{}")
    assert machines.kinds(execution)[-1] == "ExecutionAborted"


def test_an_unknown_token_and_an_output_that_is_no_json_are_refused(machines: Any) -> None:
    with pytest.raises(machines.states.exceptions.InvalidToken):
        machines.states.send_task_success(taskToken="nobody's", output="{}")
    with pytest.raises(machines.states.exceptions.ClientError, match="Invalid Output"):
        machines.states.send_task_success(taskToken="nobody's", output="{")


def calling(machine: str, wait: str) -> dict[str, Any]:
    """Give a machine that starts another."""
    return {
        "Call": {
            "Type": "Task",
            "Resource": f"arn:aws:states:::states:startExecution{wait}",
            "Parameters": {"StateMachineArn": machine, "Input": {"n": 7}},
            "End": True,
        }
    }


CHILD = {
    "Rest": {"Type": "Wait", "Seconds": 600, "Next": "Answer"},
    "Answer": {"Type": "Pass", "Parameters": {"got.$": "$.n"}, "End": True},
}


@pytest.mark.parametrize(("wait", "output"), [(".sync:2", {"got": 7}), (".sync", '{"got":7}')])
def test_a_parent_waits_until_its_child_has_ended_and_reads_its_output(
    machines: Any, wait: str, output: Any
) -> None:
    child = machines.make("child", CHILD)
    execution = machines.start(machines.make("parent", calling(child, wait)))
    assert machines.look(execution)["status"] == "RUNNING"
    machines.pass_time(minutes=10)
    found = machines.look(execution)
    assert (found["status"], found["stopDate"]) == ("SUCCEEDED", NEW_YEAR + timedelta(minutes=10))
    assert found["output"]["Output"] == output
    assert found["output"]["Status"] == "SUCCEEDED"


def test_a_parent_that_does_not_wait_ends_before_its_child(machines: Any) -> None:
    child = machines.make("child", CHILD)
    assert machines.run(calling(child, ""))["status"] == "SUCCEEDED"
    assert (
        len(machines.states.list_executions(stateMachineArn=child, statusFilter="RUNNING")["executions"]) == 1
    )


def test_a_child_s_failure_is_its_parent_s(machines: Any) -> None:
    child = machines.make("child", {"No": {"Type": "Fail", "Error": "Broken", "Cause": "it was"}})
    found = machines.run(calling(child, ".sync:2"))
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed")
    assert "Broken" in found["cause"]
