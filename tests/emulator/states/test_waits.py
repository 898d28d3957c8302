"""What waits in a state machine waits on the cloud's clock, and is not in flight meanwhile."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.states.strands import Strand

NEW_YEAR = datetime(2013, 1, 1, tzinfo=UTC)
DONE = {"Type": "Succeed"}


def after(wait: dict[str, Any]) -> dict[str, Any]:
    """Give a machine that waits and is done."""
    return {"Wait": {"Type": "Wait", **wait, "Next": "Done"}, "Done": DONE}


@pytest.mark.parametrize(
    ("wait", "given", "waits"),
    [
        ({"Seconds": 3600}, {}, timedelta(hours=1)),
        ({"SecondsPath": "$.for"}, {"for": 90}, timedelta(seconds=90)),
        ({"Timestamp": "2013-01-03T00:00:00Z"}, {}, timedelta(days=2)),
        ({"TimestampPath": "$.until"}, {"until": "2013-01-01T00:00:07Z"}, timedelta(seconds=7)),
    ],
)
def test_a_wait_ends_at_its_moment_and_not_before(
    machines: Any, wait: dict[str, Any], given: Any, waits: timedelta
) -> None:
    execution = machines.start(machines.make("waiting", after(wait)), given)
    assert machines.look(execution)["status"] == "RUNNING"
    machines.cloud.clock.advance_to(NEW_YEAR + waits - timedelta(milliseconds=1))
    assert machines.look(execution)["status"] == "RUNNING"
    machines.cloud.clock.advance_to(NEW_YEAR + waits)
    found = machines.look(execution)
    assert (found["status"], found["stopDate"]) == ("SUCCEEDED", NEW_YEAR + waits)
    entered, left = (event["timestamp"] for event in machines.history(execution) if "Wait" in event["type"])
    assert (entered, left) == (NEW_YEAR, NEW_YEAR + waits)


def test_a_moment_that_has_passed_is_not_waited_for(machines: Any) -> None:
    assert machines.run(after({"Timestamp": "2012-12-31T00:00:00Z"}))["status"] == "SUCCEEDED"


def test_the_next_event_of_the_clock_is_the_end_of_the_wait_and_says_so(machines: Any) -> None:
    machine = machines.make("patient", after({"Seconds": 60}))
    execution = machines.start(machine, name="first")
    timer = machines.cloud.clock.next_timer()
    assert (timer.due, timer.what) == (
        NEW_YEAR + timedelta(minutes=1),
        "end of a Wait of execution first of patient",
    )
    assert machines.cloud.clock.advance_to_next() == [timer.what]
    assert machines.look(execution)["status"] == "SUCCEEDED"


def test_sleepers_wake_in_time_order_whatever_order_they_started_in(machines: Any) -> None:
    machine = machines.make("sleepers", after({"SecondsPath": "$.for"}))
    spans = {"long": 30, "short": 10, "middle": 20, "short too": 10}
    executions = {name: machines.start(machine, {"for": span}) for name, span in spans.items()}
    machines.pass_time(minutes=1)
    stopped = {name: machines.look(arn)["stopDate"] - NEW_YEAR for name, arn in executions.items()}
    assert stopped == {name: timedelta(seconds=span) for name, span in spans.items()}


def test_on_the_wall_a_wait_takes_its_time(machines_on_the_wall: Any) -> None:
    machines = machines_on_the_wall
    before = time.monotonic()
    execution = machines.start(machines.make("real", after({"Seconds": 1})))
    while machines.look(execution)["status"] == "RUNNING":
        assert time.monotonic() < before + 10
        time.sleep(0.05)
    assert time.monotonic() >= before + 1


def test_stopping_a_sleeping_execution_ends_it_at_once(machines: Any) -> None:
    execution = machines.start(machines.make("stopped", after({"Seconds": 3600})))
    machines.pass_time(seconds=5)
    machines.states.stop_execution(executionArn=execution, error="Enough", cause="it was late")
    found = machines.look(execution)
    assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "Enough", "it was late")
    assert found["stopDate"] == NEW_YEAR + timedelta(seconds=5)
    assert machines.kinds(execution) == ["ExecutionStarted", "WaitStateEntered", "ExecutionAborted"]
    assert machines.cloud.clock.next_timer() is None
    machines.pass_time(hours=2)
    assert machines.kinds(execution)[-1] == "ExecutionAborted"


def test_a_machine_is_timed_out_by_the_clock(machines: Any) -> None:
    execution = machines.start(machines.make("slow", after({"Seconds": 3600}), TimeoutSeconds=60))
    machines.pass_time(minutes=2)
    found = machines.look(execution)
    assert (found["status"], found["stopDate"]) == ("TIMED_OUT", NEW_YEAR + timedelta(minutes=1))
    assert machines.kinds(execution)[-1] == "ExecutionTimedOut"
    machines.pass_time(hours=2)
    assert machines.kinds(execution).count("ExecutionTimedOut") == 1


def test_retries_wait_longer_each_time_up_to_the_longest_delay(machines: Any) -> None:
    arn = machines.function("failing", "def handler(event, context):\n    raise RuntimeError('no')")
    task = {
        "Type": "Task",
        "Resource": arn,
        "Retry": [
            {
                "ErrorEquals": ["States.ALL"],
                "IntervalSeconds": 10,
                "BackoffRate": 3,
                "MaxAttempts": 3,
                "MaxDelaySeconds": 40,
            }
        ],
        "End": True,
    }
    execution = machines.start(machines.make("persistent", {"Try": task}))
    assert machines.kinds(execution).count("LambdaFunctionFailed") == 1
    machines.pass_time(hours=1)
    failed = [event for event in machines.history(execution) if event["type"] == "LambdaFunctionFailed"]
    moments = [(event["timestamp"] - NEW_YEAR).total_seconds() for event in failed]
    assert moments == [0, 10, 40, 80]
    assert machines.look(execution)["status"] == "FAILED"


def test_branches_and_iterations_wait_side_by_side(machines: Any) -> None:
    iteration = {
        "StartAt": "Each",
        "States": {"Each": {"Type": "Wait", "SecondsPath": "$", "End": True}},
    }
    branch = {"StartAt": "Minute", "States": {"Minute": {"Type": "Wait", "Seconds": 60, "End": True}}}
    machine = machines.make(
        "side-by-side",
        {
            "Map": {"Type": "Map", "ItemProcessor": iteration, "Next": "Parallel"},
            "Parallel": {"Type": "Parallel", "Branches": [branch, branch], "End": True},
        },
    )
    execution = machines.start(machine, [30, 10, 20])
    machines.pass_time(hours=1)
    found = machines.look(execution)
    assert found["stopDate"] == NEW_YEAR + timedelta(seconds=30 + 60)
    assert found["output"] == [[30, 10, 20], [30, 10, 20]]


def test_the_context_object_tells_the_cloud_s_time(machines: Any) -> None:
    states = {
        "Wait": {"Type": "Wait", "Seconds": 60, "Next": "Tell"},
        "Tell": {
            "Type": "Pass",
            "Parameters": {"began.$": "$$.Execution.StartTime", "entered.$": "$$.State.EnteredTime"},
            "End": True,
        },
    }
    execution = machines.start(machines.make("telling", states))
    machines.pass_time(seconds=60)
    assert machines.look(execution)["output"] == {
        "began": "2013-01-01T00:00:00.000Z",
        "entered": "2013-01-01T00:01:00.000Z",
    }


def test_no_thread_of_a_sleeping_execution_outlives_its_cloud(machines: Any) -> None:
    machines.start(machines.make("left", after({"Seconds": 3600})))
    sleeping = [thread for thread in threading.enumerate() if isinstance(thread, Strand)]
    assert sleeping
    machines.cloud.close()
    for thread in sleeping:
        threading.Thread.join(thread, 5)
    assert not any(isinstance(thread, Strand) for thread in threading.enumerate())
