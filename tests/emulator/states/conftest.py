"""A local cloud at the new year, and state machines written on the spot."""

import io
import itertools
import json
import textwrap
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from emulator import aws
from emulator.cloud import Cloud

NEW_YEAR = datetime(2013, 1, 1, tzinfo=UTC)
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/machines"


class Machines:
    """A cloud, with the few shorthands these tests need."""

    role = ROLE

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._numbers = itertools.count()
        self.states = cloud.client("stepfunctions")
        trust = {"Version": "2012-10-17", "Statement": []}
        cloud.client("iam").create_role(RoleName="machines", AssumeRolePolicyDocument=json.dumps(trust))
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        cloud.client("iam").put_role_policy(
            RoleName="machines",
            PolicyName="all",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
        )

    def make(self, name: str, states: dict[str, Any], **fields: Any) -> str:
        """Make a machine that starts at the first of its states; give its ARN."""
        definition = {"StartAt": next(iter(states)), "States": states, **fields}
        made = self.states.create_state_machine(name=name, roleArn=ROLE, definition=json.dumps(definition))
        return str(made["stateMachineArn"])

    def start(self, machine: str, given: Any = None, **options: Any) -> str:
        """Start an execution, and let it come as far as it comes by itself; give its ARN."""
        started = self.states.start_execution(
            stateMachineArn=machine, input=json.dumps({} if given is None else given), **options
        )
        self.cloud.settle(30)
        return str(started["executionArn"])

    def run(self, states: dict[str, Any], given: Any = None, **fields: Any) -> dict[str, Any]:
        """Make a machine, start it, and tell where it stands once nothing is in flight."""
        return self.look(self.start(self.make(f"run-{next(self._numbers)}", states, **fields), given))

    def look(self, execution: str) -> dict[str, Any]:
        """Describe an execution, its output read."""
        found = self.states.describe_execution(executionArn=execution)
        if "output" in found:
            found["output"] = json.loads(found["output"])
        return dict(found)

    def history(self, execution: str) -> list[dict[str, Any]]:
        """Give the events of an execution."""
        events = self.states.get_execution_history(executionArn=execution)["events"]
        return [dict(event) for event in events]

    def kinds(self, execution: str) -> list[str]:
        """Give the types of an execution's events."""
        return [str(event["type"]) for event in self.history(execution)]

    def pass_time(self, **span: float) -> None:
        """Let time pass."""
        self.cloud.clock.advance_to(self.cloud.clock.now() + timedelta(**span))

    def function(self, name: str, code: str) -> str:
        """Deploy a function; give its ARN."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("app.py", textwrap.dedent(code))
        made = self.cloud.client("lambda").create_function(
            FunctionName=name,
            Role=ROLE,
            Handler="app.handler",
            Runtime="python3.13",
            Code={"ZipFile": packed.getvalue()},
            Timeout=10,
            MemorySize=256,
        )
        return str(made["FunctionArn"])

    def refusal(self, resource: dict[str, Any]) -> str:
        """Deploy a stack of one resource that is refused; give the reason."""
        formation = self.cloud.client("cloudformation")
        body = json.dumps({"Resources": {"Machine": resource}})
        formation.create_stack(StackName="refused", TemplateBody=body)
        with pytest.raises(WaiterError):
            formation.get_waiter("stack_create_complete").wait(StackName="refused")
        events = formation.describe_stack_events(StackName="refused")["StackEvents"]
        formation.delete_stack(StackName="refused")
        return " ".join(event.get("ResourceStatusReason", "") for event in events)

    def role_for(self, service: str) -> str:
        """Make a role that a service may take, and that may do everything; give its ARN."""
        name = f"for-{service.partition('.')[0]}"
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        iam = self.cloud.client("iam")
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        iam.put_role_policy(
            RoleName=name,
            PolicyName="all",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
        )
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def executions(self, machine: str) -> Iterator[dict[str, Any]]:
        """Give all executions of a machine."""
        pages = self.states.get_paginator("list_executions").paginate(stateMachineArn=machine)
        for page in pages:
            yield from page["executions"]

    def running(self) -> list[Any]:
        """Give the interpreter's own objects of the executions that run."""
        backend = aws.backend("stepfunctions")
        return [
            each
            for machine in backend.state_machines
            for each in machine.executions
            if each.status == "RUNNING"
        ]

    def printed(self, function: str) -> Iterator[str]:
        """Give the lines of JSON a function has printed."""
        pages = self.cloud.client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=f"/aws/lambda/{function}"):
            messages = (event["message"].strip() for event in page["events"])
            yield from (message for message in messages if message.startswith("{"))


@pytest.fixture(scope="module")
def shared() -> Iterator[Machines]:
    """Start a cloud for tests that only look at executions of their own."""
    with Cloud(port=0) as cloud:
        cloud.clock.set(NEW_YEAR)
        yield Machines(cloud)


@pytest.fixture
def machines() -> Iterator[Machines]:
    """Start a cloud of its own for each test, its clock standing."""
    with Cloud(port=0) as cloud:
        cloud.clock.set(NEW_YEAR)
        yield Machines(cloud)


@pytest.fixture
def machines_on_the_wall() -> Iterator[Machines]:
    """Start a cloud whose clock is the wall's."""
    with Cloud(port=0) as cloud:
        yield Machines(cloud)
