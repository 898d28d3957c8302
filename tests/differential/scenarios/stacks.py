"""Stacks: templates that cannot be, one that fails, an update that fails, and what is left of either."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from bench.stacks import StackFailed, create_stack
from tests.differential.scenario import Observation, Scenario, Target, failure, status_and_code
from tests.differential.template import ROLE, arn, function, queue, ref, table

# Refused by the queues' service itself, so that the stack fails at work and not at its validation.
IMPOSSIBLE = {**queue(QueueName="not a name!"), "DependsOn": ["First"]}


def stacks(target: Target) -> Observation:
    """Create a stack that fails; create one that does not, and update it in vain and well."""
    formation = target.client("cloudformation")
    bad, good = f"{target.name}-bad", f"{target.name}-good"

    def template(**resources: Any) -> dict[str, str]:
        outputs = {"Url": {"Value": ref("First")}}
        return {"TemplateBody": json.dumps({"Resources": resources, "Outputs": outputs})}

    first = queue(QueueName=f"{target.name}-first", VisibilityTimeout=30)
    changed = queue(QueueName=f"{target.name}-first", VisibilityTimeout=60)
    _attempt(lambda: formation.create_stack(StackName=bad, **template(First=first, Second=IMPOSSIBLE)))
    failed = _ended(target, bad)
    left = status_and_code(lambda: target.client("sqs").get_queue_url(QueueName=f"{target.name}-first"))
    formation.create_stack(StackName=good, **template(First=first))
    _ended(target, good)
    unchanged = failure(lambda: formation.update_stack(StackName=good, **template(First=first)))
    _attempt(lambda: formation.update_stack(StackName=good, **template(First=changed, Second=IMPOSSIBLE)))
    rolled_back = _ended(target, good)
    timeout_after_failure = _timeout(target, rolled_back["Outputs"][0]["OutputValue"])
    formation.update_stack(StackName=good, **template(First=changed))
    updated = _ended(target, good)
    return {
        "a stack that fails": failed["StackStatus"],
        "what it leaves": left,
        "resources that failed": _failed(target, bad),
        "an update that changes nothing": [unchanged.get("code"), unchanged.get("message")],
        "an update that fails": rolled_back["StackStatus"],
        "the queue after that": timeout_after_failure,
        "an update": updated["StackStatus"],
        "the queue after it": _timeout(target, updated["Outputs"][0]["OutputValue"]),
        "removing what is not there": failure(lambda: formation.delete_stack(StackName="missing")),
    }


def _attempt(call: Callable[[], object]) -> None:
    """Start what will fail; whether the call itself says so is not the question, what becomes of it is."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise


def _ended(target: Target, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        stack: dict[str, Any] = target.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

    return target.until(look, f"the end of {name}")


def _failed(target: Target, name: str) -> list[str]:
    events = target.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    failures = {event["LogicalResourceId"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"}
    return sorted(failures - {name})


def _timeout(target: Target, url: str) -> str:
    answer = target.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    return str(answer["Attributes"]["VisibilityTimeout"])


def impossible(target: Target) -> Observation:
    """Create one stack for each kind of template that AWS does not make."""
    missing_topic = "arn:aws:sns:us-east-1:123456789012:missing"
    same = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"{target.name}-same"}}
    templates: dict[str, dict[str, Any]] = {
        "a type that there is not": {"One": {"Type": "AWS::SQS::Nothing"}},
        "a property that there is not": {"One": queue(Wings=2)},
        "a reference to nothing": {"One": queue(QueueName=ref("Nothing"))},
        "a table whose key has no type": {"One": table(AttributeDefinitions=[])},
        "a bucket name with capitals": {
            "One": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "Not-A-Bucket"}}
        },
        "a bucket twice": {"One": same, "Two": same},
        "code that is not there": {
            "Role": ROLE,
            "One": function(Code={"S3Bucket": "missing-bucket-of-ours", "S3Key": "k"}, Environment={}),
        },
        "a schedule that is none": {
            "One": {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "every day"}}
        },
        "a state machine that is none": {
            "Role": ROLE,
            "One": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"RoleArn": arn("Role"), "DefinitionString": '{"States": {}}'},
            },
        },
        "a subscription to nothing": {
            "One": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {
                    "TopicArn": missing_topic,
                    "Protocol": "sqs",
                    "Endpoint": "arn:aws:sqs:us-east-1:123456789012:missing",
                },
            }
        },
    }
    return {
        what: _is_made(target, f"{target.name}-{number}", resources)
        for number, (what, resources) in enumerate(templates.items())
    }


def _is_made(target: Target, name: str, resources: dict[str, Any]) -> str:
    try:
        create_stack(target.cloud, name, {"Resources": resources})
    except StackFailed:
        return "is not made"
    return "is made"


SCENARIOS = (
    Scenario(
        "Templates that AWS does not make",
        impossible,
        dict.fromkeys(
            (
                "a type that there is not",
                "a property that there is not",
                "a reference to nothing",
                "a table whose key has no type",
                "a bucket name with capitals",
                "a bucket twice",
                "code that is not there",
                "a schedule that is none",
                "a state machine that is none",
                "a subscription to nothing",
            ),
            "is not made",
        ),
        (
            "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
            "https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html",
        ),
    ),
    Scenario(
        "Stacks that fail",
        stacks,
        {
            "a stack that fails": "ROLLBACK_COMPLETE",
            "what it leaves": [400, "AWS.SimpleQueueService.NonExistentQueue"],
            "resources that failed": ["Second"],
            "an update that changes nothing": ["ValidationError", "No updates are to be performed."],
            "an update that fails": "UPDATE_ROLLBACK_COMPLETE",
            "the queue after that": "30",
            "an update": "UPDATE_COMPLETE",
            "the queue after it": "60",
            "removing what is not there": {},
        },
        (
            "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html",
            "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html",
            "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html",
        ),
    ),
)
