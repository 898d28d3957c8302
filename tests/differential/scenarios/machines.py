"""State machines: Map, Retry and Catch, and an execution that fails."""

import json
from collections import Counter
from typing import Any

from tests.differential.scenario import Observation, Scenario, Target
from tests.differential.template import ROLE, TELL, arn, function, queue, ref

WORKS = (
    TELL
    + """
class Busy(Exception): pass
class Broken(Exception): pass
def handler(event, context):
    tell(event)
    if event == "busy":
        raise Busy("come again")
    if event == "broken":
        raise Broken("for good")
    return event.upper()
"""
)
DEFINITION: dict[str, Any] = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrency": 1,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "Work",
                "States": {
                    "Work": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::lambda:invoke",
                        "Parameters": {"FunctionName": "${Worker}", "Payload.$": "$"},
                        "OutputPath": "$.Payload",
                        "Retry": [
                            {
                                "ErrorEquals": ["Busy"],
                                "IntervalSeconds": 1,
                                "BackoffRate": 1,
                                "MaxAttempts": 2,
                            }
                        ],
                        "Catch": [{"ErrorEquals": ["Busy"], "ResultPath": "$", "Next": "Excuse"}],
                        "End": True,
                    },
                    "Excuse": {
                        "Type": "Pass",
                        "Parameters": {"error.$": "$.Error", "cause.$": "States.StringToJson($.Cause)"},
                        "End": True,
                    },
                },
            },
            "End": True,
        }
    },
}


def machine(target: Target) -> Observation:
    """Run a Map over an item that works and one that is busy, and then over one that breaks."""
    made = target.deploy(
        {
            "Role": ROLE,
            "Seen": queue(),
            "Worker": function(),
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": arn("Role"),
                    "DefinitionString": json.dumps(DEFINITION),
                    "DefinitionSubstitutions": {"Worker": arn("Worker")},
                },
            },
        },
        {name: ref(name) for name in ("Machine", "Seen")},
        Worker=WORKS,
    )
    good = _run(target, made["Machine"], ["fine", "busy"])
    bad = _run(target, made["Machine"], ["broken", "fine"])
    worked, excuse = json.loads(good["output"]) if good["status"] == "SUCCEEDED" else (None, {})
    history = target.client("stepfunctions").get_execution_history(
        executionArn=good["executionArn"], maxResults=200
    )
    return {
        "status": good["status"],
        "error": good.get("error"),
        "output of the item that works": worked,
        "error that was caught": excuse.get("error"),
        "fields of its cause": sorted(excuse.get("cause", {})),
        "type and message of its cause": [
            excuse.get("cause", {}).get("errorType"),
            excuse.get("cause", {}).get("errorMessage"),
        ],
        "calls of the function": Counter(target.bodies(made["Seen"], 5)),
        "events of the history": dict(sorted(Counter(event["type"] for event in history["events"]).items())),
        "status of one that breaks": bad["status"],
        "error of one that breaks": bad.get("error"),
    }


def _run(target: Target, machine_arn: str, items: list[str]) -> dict[str, Any]:
    states = target.client("stepfunctions")
    started = states.start_execution(stateMachineArn=machine_arn, input=json.dumps({"items": items}))

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = states.describe_execution(executionArn=started["executionArn"])
        return None if found["status"] == "RUNNING" else found

    return target.until(ended, "the end of the execution")


SCENARIOS = (
    Scenario(
        "A state machine with Map, Retry and Catch",
        machine,
        {
            "status": "SUCCEEDED",
            "error": None,
            "output of the item that works": "FINE",
            "error that was caught": "Busy",
            "fields of its cause": ["errorMessage", "errorType", "requestId", "stackTrace"],
            "type and message of its cause": ["Busy", "come again"],
            "calls of the function": {"fine": 1, "busy": 3, "broken": 1},
            "events of the history": {
                "ExecutionStarted": 1,
                "ExecutionSucceeded": 1,
                "MapIterationStarted": 2,
                "MapIterationSucceeded": 2,
                "MapStateEntered": 1,
                "MapStateExited": 1,
                "MapStateStarted": 1,
                "MapStateSucceeded": 1,
                "PassStateEntered": 1,
                "PassStateExited": 1,
                "TaskFailed": 3,
                "TaskScheduled": 4,
                "TaskStarted": 4,
                "TaskStateEntered": 2,
                "TaskStateExited": 2,
                "TaskSucceeded": 1,
            },
            "status of one that breaks": "FAILED",
            "error of one that breaks": "Broken",
        },
        (
            "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html",
            "https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html",
            "https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html",
        ),
    ),
)
