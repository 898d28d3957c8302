"""What the cloud does in a role's name: state machines' calls, and polling for functions."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.cloud import Cloud

ACCOUNT = "us-east-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/actor"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """Run a cloud that enforces, with a role, a function, a queue and a state machine of that role."""
    with Cloud(port=0, enforce_iam=True) as running:
        running.client("iam").create_role(RoleName="actor", AssumeRolePolicyDocument='{"Statement": []}')
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("app.py", "def handler(event, context):\n    return {'done': True}\n")
        running.client("lambda").create_function(
            FunctionName="work",
            Role=ROLE,
            Handler="app.handler",
            Runtime="python3.13",
            Code={"ZipFile": packed.getvalue()},
        )
        running.client("sqs").create_queue(QueueName="jobs")
        yield running


def allow(cloud: Cloud, actions: list[str], resource: str) -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]}
    cloud.client("iam").put_role_policy(
        RoleName="actor", PolicyName="own", PolicyDocument=json.dumps({"Version": "2012-10-17", **document})
    )


def run(cloud: Cloud, machine: str) -> dict[str, Any]:
    states = cloud.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    cloud.settle(60)
    described: dict[str, Any] = states.describe_execution(executionArn=execution)
    return described


def test_a_state_machine_may_invoke_what_its_role_may(cloud: Cloud) -> None:
    function = f"arn:aws:lambda:{ACCOUNT}:function:work"
    definition = {"StartAt": "Work", "States": {"Work": {"Type": "Task", "Resource": function, "End": True}}}
    machine = cloud.client("stepfunctions").create_state_machine(
        name="machine", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    refused = run(cloud, machine)
    assert refused["status"] == "FAILED"
    assert "assumed-role/actor/states is not authorized to perform: lambda:InvokeFunction" in refused["cause"]
    allow(cloud, ["lambda:InvokeFunction"], function)
    assert run(cloud, machine)["status"] == "SUCCEEDED"


def test_a_queue_is_polled_when_the_functions_role_may_receive_from_it(cloud: Cloud) -> None:
    queue, arn = f"{cloud.endpoint}/123456789012/jobs", f"arn:aws:sqs:{ACCOUNT}:jobs"
    cloud.client("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="work")
    sqs = cloud.client("sqs")

    def waiting() -> int:
        cloud.settle(60)
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"])

    sqs.send_message(QueueUrl=queue, MessageBody="one")
    assert waiting() == 1
    allow(cloud, ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], arn)
    sqs.send_message(QueueUrl=queue, MessageBody="two")
    assert waiting() == 0
