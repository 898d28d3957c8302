"""A local cloud on a virtual clock, and functions written on the spot."""

import io
import json
import textwrap
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.cloud import Cloud

NEW_YEAR = datetime(2013, 1, 1, tzinfo=UTC)
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/tests"


class Bench:
    """A cloud, with the few shorthands these tests need."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        trust = {"Version": "2012-10-17", "Statement": []}
        cloud.client("iam").create_role(RoleName="tests", AssumeRolePolicyDocument=json.dumps(trust))
        everything = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
        }
        cloud.client("iam").put_role_policy(
            RoleName="tests", PolicyName="all", PolicyDocument=json.dumps(everything)
        )

    def __call__(self, service: str) -> Any:
        """Give a client."""
        return self.cloud.client(service)

    def function(self, name: str, code: str, **changes: Any) -> str:
        """Deploy a function that rules may invoke; give its ARN."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("app.py", textwrap.dedent(code))
        settings: dict[str, Any] = {"Timeout": 10, "MemorySize": 256} | changes
        made = self("lambda").create_function(
            FunctionName=name,
            Role=ROLE,
            Handler="app.handler",
            Runtime="python3.13",
            Code={"ZipFile": packed.getvalue()},
            **settings,
        )
        self("lambda").add_permission(
            FunctionName=name,
            StatementId="rules",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
        )
        return str(made["FunctionArn"])

    def queue(self, name: str, **attributes: str) -> tuple[str, str]:
        """Make a queue that lets AWS's services in; give its URL and ARN."""
        arn = f"arn:aws:sqs:{self.cloud.region}:{ACCOUNT}:{name}"
        attributes = {"Policy": self.policy("sqs:SendMessage", arn)} | attributes
        url = self("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, arn

    def topic(self, name: str) -> str:
        """Make a topic that lets AWS's services in; give its ARN."""
        arn = str(self("sns").create_topic(Name=name)["TopicArn"])
        self("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=self.policy("sns:Publish", arn)
        )
        return arn

    @staticmethod
    def policy(action: str, arn: str) -> str:
        """Write the policy that lets rules, buckets and topics in."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": [f"{service}.amazonaws.com" for service in ("events", "s3", "sns")]},
            "Action": action,
            "Resource": arn,
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def lines(self, function: str) -> list[Any]:
        """Give what a function has printed as JSON, in order."""
        events: list[dict[str, Any]] = []
        groups = self("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{function}")["logGroups"]
        if not groups:
            return []
        for stream in self("logs").describe_log_streams(logGroupName=f"/aws/lambda/{function}")["logStreams"]:
            events += self("logs").get_log_events(
                logGroupName=f"/aws/lambda/{function}",
                logStreamName=stream["logStreamName"],
                startFromHead=True,
            )["events"]
        events.sort(key=lambda event: event["timestamp"])  # a stream is a worker's, and there may be several
        return [json.loads(event["message"]) for event in events if event["message"].startswith("{")]

    def counts(self, url: str) -> tuple[int, int]:
        """Count visible and hidden messages of a queue."""
        found = self("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]), int(found["ApproximateNumberOfMessagesNotVisible"])

    def bodies(self, url: str) -> list[Any]:
        """Receive what lies in a queue, as JSON."""
        found = self("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in found]


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Start a cloud of its own for each test."""
    with Cloud(port=0) as cloud:
        cloud.clock.set(NEW_YEAR)
        yield Bench(cloud)


@pytest.fixture
def bench_on_the_wall() -> Iterator[Bench]:
    """Start a cloud whose clock is the wall's."""
    with Cloud(port=0) as cloud:
        yield Bench(cloud)
