"""Functions: versions and aliases, asynchronous calls and their destinations, ways to fail."""

import json
from typing import Any

from bench.stacks import put_code
from tests.differential.scenario import Observation, Scenario, Target, failure
from tests.differential.template import ROLE, arn, function, queue, ref

SAYS = """
import os
def handler(event, context):
    return {{"says": "{word}", "version": context.function_version,
            "environment": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
            "arn": context.invoked_function_arn.split(":function:")[1].partition(":")[2]}}
"""
FAILS = """
import os, sys, time
def handler(event, context):
    how = event["how"]
    if how == "raise":
        raise ValueError("on purpose")
    if how == "late":
        time.sleep(30)
    if how == "exit":
        os._exit(3)
    if how == "object":
        return object()
    if how == "large":
        return "x" * (7 * 1024 * 1024)
    return event
"""


def versions(target: Target) -> Observation:
    """Publish a version, put an alias on it, change the code, and call each."""
    name = target.deploy(
        {"Role": ROLE, "Seen": queue(), "Says": function()},
        {"Says": ref("Says")},
        Says=SAYS.format(word="one"),
    )["Says"]
    functions = target.client("lambda")
    published = functions.publish_version(FunctionName=name)["Version"]
    again = functions.publish_version(FunctionName=name)["Version"]
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion=published)
    code = put_code(target.cloud, f"{target.name}-two", SAYS.format(word="two"))
    functions.update_function_code(FunctionName=name, **code)

    def call(**asked: str) -> list[Any]:
        answer = functions.invoke(**{"FunctionName": name, **asked})
        return [answer.get("ExecutedVersion"), json.loads(answer["Payload"].read())]

    return {
        "version that was published": published,
        "publishing again without a change": again,
        "called by its name": call(),
        "called by the version": call(FunctionName=f"{name}:{published}"),
        "called by the alias": call(Qualifier="live"),
        "called by what is not there": failure(lambda: call(Qualifier="9")).get("code"),
        "deleting a version with an alias": failure(
            lambda: functions.delete_function(FunctionName=name, Qualifier=published)
        ).get("code"),
    }


def destinations(target: Target) -> Observation:
    """Call asynchronously, once well and once badly."""
    made = target.deploy(
        {
            "Role": ROLE,
            "Seen": queue(),
            "Good": queue(),
            "Bad": queue(),
            "Fails": function(),
            "Config": {
                "Type": "AWS::Lambda::EventInvokeConfig",
                "Properties": {
                    "FunctionName": ref("Fails"),
                    "Qualifier": "$LATEST",
                    "MaximumRetryAttempts": 0,
                    "DestinationConfig": {
                        "OnSuccess": {"Destination": arn("Good")},
                        "OnFailure": {"Destination": arn("Bad")},
                    },
                },
            },
        },
        {name: ref(name) for name in ("Fails", "Good", "Bad")},
        Fails=FAILS,
    )
    statuses = [
        target.client("lambda").invoke(
            FunctionName=made["Fails"], InvocationType="Event", Payload=json.dumps({"how": how})
        )["StatusCode"]
        for how in ("well", "raise")
    ]
    return {
        "statuses": statuses,
        "after success": [_envelope(each) for each in target.bodies(made["Good"], 1)],
        "after failure": [_envelope(each) for each in target.bodies(made["Bad"], 1)],
    }


def _envelope(body: dict[str, Any]) -> dict[str, Any]:
    """Return an envelope without ids, times and traces."""
    context, payload = body.get("requestContext", {}), body.get("responsePayload", {})
    if "errorMessage" in payload:
        payload = {name: payload[name] for name in ("errorType", "errorMessage")}
    return {
        "fields": sorted(body),
        "version": body.get("version"),
        "function": context.get("functionArn", "").rpartition(":")[2],
        "condition": context.get("condition"),
        "count": context.get("approximateInvokeCount"),
        "request": body.get("requestPayload"),
        "context": body.get("responseContext"),
        "response": payload,
    }


def failures(target: Target) -> Observation:
    """Call a function that fails in the ways functions do."""
    name = target.deploy(
        {"Role": ROLE, "Seen": queue(), "Fails": function(Timeout=1)}, {"Fails": ref("Fails")}, Fails=FAILS
    )["Fails"]
    functions = target.client("lambda")

    def call(how: str) -> tuple[dict[str, Any], Any]:
        answer = functions.invoke(FunctionName=name, Payload=json.dumps({"how": how}))
        return answer, json.loads(answer["Payload"].read())

    def told(how: str) -> list[Any]:
        answer, payload = call(how)
        kind = payload.get("errorType") if isinstance(payload, dict) else type(payload).__name__
        return [answer["StatusCode"], answer.get("FunctionError"), kind]

    raised, payload = call("raise")
    _, late = call("late")
    return {
        "an exception": [raised["StatusCode"], raised.get("FunctionError"), payload.get("errorMessage")],
        "fields of an exception": sorted(payload),
        "says that the time is over": "Task timed out after 1.00 seconds" in late.get("errorMessage", ""),
        "an end of the process": told("exit"),
        "an answer that is no JSON": told("object"),
        "an answer over 6 MB": told("large"),
        "the call after all that": call("well")[1],
        "a dry run": functions.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"],
        "a payload that is no JSON": failure(lambda: functions.invoke(FunctionName=name, Payload=b"{no")).get(
            "code"
        ),
        "a payload over 6 MB": failure(
            lambda: functions.invoke(FunctionName=name, Payload=json.dumps({"how": "x" * 7 * 1024 * 1024}))
        ).get("code"),
    }


def _says(word: str, version: str, qualifier: str) -> list[Any]:
    return [version, {"says": word, "version": version, "environment": version, "arn": qualifier}]


SCENARIOS = (
    Scenario(
        "A version and an alias",
        versions,
        {
            "version that was published": "1",
            "publishing again without a change": "1",
            "called by its name": _says("two", "$LATEST", ""),
            "called by the version": _says("one", "1", "1"),
            "called by the alias": _says("one", "1", "live"),
            "called by what is not there": "ResourceNotFoundException",
            "deleting a version with an alias": "ResourceConflictException",
        },
        (
            "https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html",
            "https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html",
            "https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html",
        ),
    ),
    Scenario(
        "An asynchronous call with destinations",
        destinations,
        {
            "statuses": [202, 202],
            "after success": [
                {
                    "fields": [
                        "requestContext",
                        "requestPayload",
                        "responseContext",
                        "responsePayload",
                        "timestamp",
                        "version",
                    ],
                    "version": "1.0",
                    "function": "$LATEST",
                    "condition": "Success",
                    "count": 1,
                    "request": {"how": "well"},
                    "context": {"statusCode": 200, "executedVersion": "$LATEST"},
                    "response": {"how": "well"},
                }
            ],
            "after failure": [
                {
                    "fields": [
                        "requestContext",
                        "requestPayload",
                        "responseContext",
                        "responsePayload",
                        "timestamp",
                        "version",
                    ],
                    "version": "1.0",
                    "function": "$LATEST",
                    "condition": "RetriesExhausted",
                    "count": 1,
                    "request": {"how": "raise"},
                    "context": {
                        "statusCode": 200,
                        "executedVersion": "$LATEST",
                        "functionError": "Unhandled",
                    },
                    "response": {"errorType": "ValueError", "errorMessage": "on purpose"},
                }
            ],
        },
        ("https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",),
    ),
    Scenario(
        "Functions that fail",
        failures,
        {
            "an exception": [200, "Unhandled", "on purpose"],
            "fields of an exception": ["errorMessage", "errorType", "requestId", "stackTrace"],
            "says that the time is over": True,
            "an end of the process": [200, "Unhandled", "Runtime.ExitError"],
            "an answer that is no JSON": [200, "Unhandled", "Runtime.MarshalError"],
            "an answer over 6 MB": [200, "Unhandled", "Function.ResponseSizeTooLarge"],
            "the call after all that": {"how": "well"},
            "a dry run": 204,
            "a payload that is no JSON": "InvalidRequestContentException",
            "a payload over 6 MB": "RequestTooLargeException",
        },
        (
            "https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html",
            "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html",
            "https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html",
        ),
    ),
)
