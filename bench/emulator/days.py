"""A quarter of daily work on a clock that is moved; no peer has such a clock."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench.clouds import LocalCloud
from bench.emulator.app import EMPTY
from bench.stacks import create_stack
from bench.trial import Figure, Trial

DAYS = 90
DAY_SECONDS = 86_400
BAR_SECONDS = 60.0


def _trusting(*services: str) -> dict[str, Any]:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": [f"{service}.amazonaws.com" for service in services]},
        "Action": "sts:AssumeRole",
    }
    may = {
        "Effect": "Allow",
        "Action": ["lambda:InvokeFunction", "states:StartExecution"],
        "Resource": "*",
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {"PolicyName": "does", "PolicyDocument": {"Version": "2012-10-17", "Statement": [may]}}
            ],
        },
    }


DEFINITION = {
    "StartAt": "Work",
    "States": {
        "Work": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "${Function}", "Payload.$": "$"},
            "End": True,
        }
    },
}
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Role": _trusting("lambda", "states", "events"),
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Handler": "index.handler",
                "Runtime": "python3.12",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": EMPTY},
            },
        },
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "DefinitionString": {"Fn::Sub": json.dumps(DEFINITION)},
            },
        },
        "Daily": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "ScheduleExpression": "cron(0 2 * * ? *)",
                "Targets": [
                    {"Id": "function", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}},
                    {
                        "Id": "machine",
                        "Arn": {"Ref": "Machine"},
                        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    },
                ],
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Function"},
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": ["Daily", "Arn"]},
            },
        },
    },
    "Outputs": {"Machine": {"Value": {"Ref": "Machine"}}},
}


def trials(mine: LocalCloud) -> Iterator[Trial]:
    """Give the trial; it moves the cloud's clock.

    Parameters
    ----------
    mine
        Our local cloud.
    """
    machine = create_stack(mine, "Daily", TEMPLATE)["Machine"]
    post(mine, "/_local/clock", {"set": "2030-01-01T00:00:00Z"})
    yield Trial(
        (
            Figure(f"{DAYS} virtual days of a daily schedule", "s", BAR_SECONDS),
            Figure("one virtual day of it", "ms"),
        ),
        _quarter(mine, machine),
        note="each day fires a function and a state machine that calls it; MiniStack has no clock to move.",
    )


def post(cloud: LocalCloud, path: str, content: dict[str, Any]) -> None:
    """Post to our cloud's control plane."""
    answer = cloud.http.request("POST", cloud.endpoint + path, json=content, timeout=600)
    if answer.status != 200:
        raise RuntimeError(f"POST {path} answered {answer.status}: {answer.data.decode()}")


def _quarter(cloud: LocalCloud, machine: str) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        before, began = _succeeded(cloud, machine), time.perf_counter()
        post(cloud, "/_local/clock", {"advance_seconds": DAYS * DAY_SECONDS})
        post(cloud, "/_local/settle", {})
        seconds = time.perf_counter() - began
        if _succeeded(cloud, machine) - before != DAYS:
            raise RuntimeError(f"{_succeeded(cloud, machine) - before} executions succeeded in {DAYS} days")
        return [seconds, 1000 * seconds / DAYS]

    return measure


def _succeeded(cloud: LocalCloud, machine: str) -> int:
    pages = cloud.client("stepfunctions").get_paginator("list_executions")
    found = pages.paginate(stateMachineArn=machine, statusFilter="SUCCEEDED")
    return sum(len(page["executions"]) for page in found)
