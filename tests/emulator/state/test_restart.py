"""What a restart ends, and what goes on: executions, messages somebody had, streams, schedules, the clock."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.cloud import Cloud
from emulator.state.restart import ABORTED_CAUSE
from tests.emulator.state.contents import TRUST

ROLE = "arn:aws:iam::123456789012:role/any"
NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def start(tmp_path: Path) -> Callable[[], Cloud]:
    """Give what starts a local cloud on one and the same state."""
    return lambda: Cloud(port=0, state_dir=tmp_path / "state", enforce_iam=False)


def machine(client: Any, name: str, state: dict[str, Any]) -> str:
    definition = {"StartAt": "Only", "States": {"Only": {**state, "End": True}}}
    made = client.create_state_machine(name=name, roleArn=ROLE, definition=json.dumps(definition))
    return str(made["stateMachineArn"])


def test_an_execution_that_ran_is_aborted_and_says_why(start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        states = cloud.client("stepfunctions")
        arn = states.start_execution(
            stateMachineArn=machine(states, "waits", {"Type": "Wait", "Seconds": 999})
        )
        assert states.describe_execution(executionArn=arn["executionArn"])["status"] == "RUNNING"
    with start() as cloud:
        told = cloud.client("stepfunctions").describe_execution(executionArn=arn["executionArn"])
        assert (told["status"], told["cause"]) == ("ABORTED", ABORTED_CAUSE)
        cloud.settle(5)


def test_a_finished_execution_keeps_its_history(start: Callable[[], Cloud]) -> None:
    def history(cloud: Cloud) -> list[str]:
        events = cloud.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
        return [event["type"] for event in events]

    with start() as cloud:
        states = cloud.client("stepfunctions")
        arn = states.start_execution(stateMachineArn=machine(states, "passes", {"Type": "Pass"}))[
            "executionArn"
        ]
        cloud.settle(10)
        before = history(cloud)
    with start() as cloud:
        assert history(cloud) == before
        assert before[-1] == "ExecutionSucceeded"
        states = cloud.client("stepfunctions")
        again = states.start_execution(
            stateMachineArn=states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        )
        cloud.settle(10)
        assert states.describe_execution(executionArn=again["executionArn"])["status"] == "SUCCEEDED"


def test_map_runs_and_their_children_are_listed_after_a_restart(start: Callable[[], Cloud]) -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Each",
        "States": {"Each": {"Type": "Pass", "End": True}},
    }

    def told(cloud: Cloud) -> tuple[Any, ...]:
        states = cloud.client("stepfunctions")
        (run,) = states.list_map_runs(executionArn=arn)["mapRuns"]
        described = states.describe_map_run(mapRunArn=run["mapRunArn"])
        children = states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
        return run, described["status"], described["itemCounts"], children

    with start() as cloud:
        states = cloud.client("stepfunctions")
        maps = machine(states, "maps", {"Type": "Map", "ItemProcessor": processor})
        arn = states.start_execution(stateMachineArn=maps, input="[1, 2]")["executionArn"]
        cloud.settle(10)
        before = told(cloud)
    with start() as cloud:
        assert told(cloud) == before
        assert len(before[-1]) == 2


def test_a_message_somebody_had_is_visible_again_and_a_delayed_one_is_not(start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        sqs = cloud.client("sqs")
        queue = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="had")
        assert sqs.receive_message(QueueUrl=queue)["Messages"]
        sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=900)
    with start() as cloud:
        received = cloud.client("sqs").receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["ApproximateReceiveCount"]
        )["Messages"]
        assert [message["Body"] for message in received] == ["had"]
        assert received[0]["Attributes"]["ApproximateReceiveCount"] == "2"


@pytest.mark.parametrize("mode", ["frozen", "running"])
def test_a_clock_that_left_the_wall_goes_on_where_it_stood(mode: str, start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        cloud.clock.set(NEW_YEAR)
        if mode == "running":
            cloud.clock.run()
    with start() as cloud:
        assert cloud.clock.mode == mode
        assert NEW_YEAR <= cloud.clock.now() < NEW_YEAR + timedelta(minutes=1)


def test_a_schedule_fires_after_a_restart(start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        cloud.clock.set(NEW_YEAR)
        queue = cloud.client("sqs").create_queue(QueueName="ticks")["QueueUrl"]
        events = cloud.client("events")
        events.put_rule(Name="daily", ScheduleExpression="cron(0 3 * * ? *)")
        events.put_targets(
            Rule="daily", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:ticks"}]
        )
    with start() as cloud:
        cloud.clock.advance_to(NEW_YEAR + timedelta(days=2))
        waiting = cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])
        assert waiting["Attributes"]["ApproximateNumberOfMessages"] == "2"


def test_credentials_that_were_given_out_are_known_again(start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        key = cloud.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="somebody")["Credentials"]
    with start() as cloud:
        assert cloud.identities.principal(key["AccessKeyId"]) == ROLE


def function(cloud: Cloud, name: str, code: str) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("handler.py", code)
    cloud.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=TRUST)
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=ROLE,
        Handler="handler.handle",
        Code={"ZipFile": content.getvalue()},
        Timeout=60,
    )


NOTES = """
import os, time, boto3

def handle(event, context):
    queue = boto3.client("sqs").get_queue_url(QueueName="notes")["QueueUrl"]
    boto3.client("sqs").send_message(QueueUrl=queue, MessageBody=event["note"])
    time.sleep(event.get("seconds", 0))
"""


def notes(cloud: Cloud) -> list[str]:
    queue = cloud.client("sqs").get_queue_url(QueueName="notes")["QueueUrl"]
    received = cloud.client("sqs").receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=20, VisibilityTimeout=0
    )
    return [message["Body"] for message in received.get("Messages", [])]


def test_an_asynchronous_event_that_was_being_worked_on_runs_again(start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        cloud.client("sqs").create_queue(QueueName="notes")
        function(cloud, "noting", NOTES)
        event = json.dumps({"note": "hello", "seconds": 30})
        cloud.client("lambda").invoke(FunctionName="noting", InvocationType="Event", Payload=event)
        assert notes(cloud) == ["hello"]
    with start() as cloud:
        deadline = time.monotonic() + 20
        while notes(cloud) != ["hello", "hello"]:
            assert time.monotonic() < deadline


def test_an_item_expires_after_a_restart(start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        cloud.clock.set(NEW_YEAR)
        table = cloud.client("dynamodb")
        table.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        )
        table.update_time_to_live(
            TableName="t", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
        )
        until = str(int((NEW_YEAR + timedelta(hours=1)).timestamp()))
        table.put_item(TableName="t", Item={"k": {"S": "a"}, "until": {"N": until}})
    with start() as cloud:
        assert cloud.client("dynamodb").scan(TableName="t")["Count"] == 1
        cloud.clock.advance_to(NEW_YEAR + timedelta(days=3))
        assert cloud.client("dynamodb").scan(TableName="t")["Count"] == 0


def test_an_object_and_an_upload_end_after_a_restart(start: Callable[[], Cloud]) -> None:
    rules = [
        {
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"Days": 1},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
    ]
    with start() as cloud:
        cloud.clock.set(NEW_YEAR)
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="ending")
        s3.put_bucket_lifecycle_configuration(Bucket="ending", LifecycleConfiguration={"Rules": rules})
        s3.put_object(Bucket="ending", Key="a", Body=b"")
        s3.create_multipart_upload(Bucket="ending", Key="b")
    with start() as cloud:
        s3 = cloud.client("s3")
        assert s3.list_objects_v2(Bucket="ending")["KeyCount"] == 1
        cloud.clock.advance_to(NEW_YEAR + timedelta(days=2))
        assert s3.list_objects_v2(Bucket="ending")["KeyCount"] == 0
        assert "Uploads" not in s3.list_multipart_uploads(Bucket="ending")


def test_a_stream_goes_on_where_its_function_had_read(start: Callable[[], Cloud]) -> None:
    with start() as cloud:
        cloud.client("sqs").create_queue(QueueName="notes")
        table = cloud.client("dynamodb")
        made = table.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        code = NOTES.replace('event["note"]', 'event["Records"][0]["dynamodb"]["Keys"]["k"]["S"]')
        function(cloud, "reading", code)
        cloud.client("lambda").create_event_source_mapping(
            FunctionName="reading",
            EventSourceArn=made["TableDescription"]["LatestStreamArn"],
            StartingPosition="TRIM_HORIZON",
            BatchSize=1,
        )
        table.put_item(TableName="t", Item={"k": {"S": "before"}})
        cloud.settle(30)
    with start() as cloud:
        cloud.client("dynamodb").put_item(TableName="t", Item={"k": {"S": "after"}})
        cloud.settle(30)
        assert sorted(notes(cloud)) == ["after", "before"]
