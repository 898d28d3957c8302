"""Makes resources of a template in a running cloud."""

import json
from typing import Any

from emulator.cloud import Cloud

Resources = dict[str, Any]
ANYONE = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


class StackFailed(Exception):
    """A stack did not get where its template wanted it."""


def make(cloud: Cloud, name: str, resources: Resources, **outputs: Any) -> dict[str, str]:
    """Create a stack, or update it, and give its outputs."""
    client = cloud.client("cloudformation")
    template = {"Resources": resources, "Outputs": {key: {"Value": value} for key, value in outputs.items()}}
    known = [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
    step = client.update_stack if name in known else client.create_stack
    step(StackName=name, TemplateBody=json.dumps(template))
    stack = client.describe_stacks(StackName=name)["Stacks"][0]
    if stack["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        raise StackFailed(stack["StackStatusReason"])
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
