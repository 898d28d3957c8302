"""Asynchronous events: attempts, destinations, dead letters, by the cloud's clock."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.cloud import Cloud

NEW_YEAR = datetime(2013, 1, 1, tzinfo=UTC)
FAILS = """
def handler(event, context):
    print("RAN", context.aws_request_id)
    raise ValueError("no luck")
"""
HOLDS = """
import socket

def handler(event, context):
    if "port" in event:
        with socket.create_connection(("127.0.0.1", event["port"])) as held:
            held.recv(1)
"""
ECHO = "def handler(event, context): return event"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """Run a cloud on a virtual clock."""
    with Cloud(port=0) as running:
        running.clock.set(NEW_YEAR)
        yield running


@pytest.fixture
def runs(workshop: Any) -> Any:
    """Count how often a function ran."""
    return lambda name: len([1 for each in workshop.cloud.pool.recent() if each.function_name == name])


def queue(workshop: Any, name: str) -> tuple[str, str]:
    url = workshop.cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url, f"arn:aws:sqs:us-east-1:123456789012:{name}"


def received(workshop: Any, url: str) -> list[dict[str, Any]]:
    answer = workshop.cloud.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


def send(workshop: Any, name: str, event: Any = None, **arguments: Any) -> str:
    answer = workshop.client.invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode(), **arguments
    )
    assert answer["StatusCode"] == 202
    workshop.cloud.settle(30)
    return str(answer["ResponseMetadata"]["RequestId"])


def later(workshop: Any, **span: float) -> None:
    workshop.cloud.clock.advance_to(workshop.cloud.clock.now() + timedelta(**span))
    workshop.cloud.settle(30)


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread brings about."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_failing_event_runs_three_times_under_one_request_id(workshop: Any, runs: Any) -> None:
    url, arn = queue(workshop, "tries-letters")
    workshop.function("tries", FAILS, DeadLetterConfig={"TargetArn": arn})
    request_id = send(workshop, "tries", {"n": 1})
    assert runs("tries") == 1
    later(workshop, seconds=59)
    assert runs("tries") == 1
    later(workshop, seconds=1)
    assert runs("tries") == 2
    later(workshop, seconds=120)
    assert runs("tries") == 3
    (letter,) = received(workshop, url)
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert json.loads(letter["Body"]) == {"n": 1}
    assert attributes == {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": "no luck"}
    assert letter["MessageAttributes"]["ErrorCode"]["DataType"] == "Number"
    ids = {each.request_id for each in workshop.cloud.pool.recent() if each.function_name == "tries"}
    assert ids == {request_id}


def test_each_qualifier_has_its_own_settings_and_runs_its_own_version(workshop: Any) -> None:
    workshop.function("qualified", FAILS)
    workshop.client.publish_version(FunctionName="qualified")
    workshop.client.create_alias(FunctionName="qualified", Name="live", FunctionVersion="1")
    url, arn = queue(workshop, "qualified-failures")
    workshop.client.put_function_event_invoke_config(
        FunctionName="qualified",
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    with pytest.raises(ClientError, match="EventInvokeConfig"):
        workshop.client.get_function_event_invoke_config(FunctionName="qualified")
    request_id = send(workshop, "qualified", {"n": 2}, Qualifier="live")
    (message,) = received(workshop, url)
    record = json.loads(message["Body"])
    assert record["requestContext"] == {
        "requestId": request_id,
        "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:qualified:live",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 1,
    }
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "1",
        "functionError": "Unhandled",
    }
    assert record["requestPayload"] == {"n": 2}
    assert record["responsePayload"]["errorMessage"] == "no luck"


def test_an_event_that_would_be_too_old_is_not_tried_again(workshop: Any, runs: Any) -> None:
    url, arn = queue(workshop, "aged-failures")
    workshop.function("aged", FAILS)
    workshop.client.put_function_event_invoke_config(
        FunctionName="aged",
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    send(workshop, "aged")
    later(workshop, minutes=1)
    assert runs("aged") == 2
    (message,) = received(workshop, url)
    assert json.loads(message["Body"])["requestContext"]["condition"] == "EventAgeExceeded"


def test_a_function_that_reserves_nothing_never_runs_and_its_events_are_buried_at_once(
    workshop: Any, runs: Any
) -> None:
    url, arn = queue(workshop, "none-letters")
    workshop.function("none", ECHO, DeadLetterConfig={"TargetArn": arn})
    workshop.client.put_function_concurrency(FunctionName="none", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequestsException") as refused:
        workshop.client.invoke(FunctionName="none")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    send(workshop, "none")
    (letter,) = received(workshop, url)
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "429"
    assert runs("none") == 0


def test_beyond_what_is_reserved_callers_are_throttled_and_events_come_again_while_queues_wait(
    workshop: Any, runs: Any
) -> None:
    workshop.function("one", HOLDS)
    workshop.client.put_function_concurrency(FunctionName="one", ReservedConcurrentExecutions=1)
    url, arn = queue(workshop, "patient")
    workshop.client.create_event_source_mapping(EventSourceArn=arn, FunctionName="one")
    with socket.create_server(("127.0.0.1", 0)) as server:
        holding = json.dumps({"port": server.getsockname()[1]}).encode()
        workshop.client.invoke(FunctionName="one", InvocationType="Event", Payload=holding)
        held, _ = server.accept()
        with pytest.raises(ClientError, match="TooManyRequestsException"):
            workshop.client.invoke(FunctionName="one")
        workshop.client.invoke(FunctionName="one", InvocationType="Event", Payload=b"{}")
        until(lambda: any(event.throttles for event in workshop.cloud.router.invoker.events.open()))
        workshop.cloud.client("sqs").send_message(QueueUrl=url, MessageBody="waits")
        held.close()
    workshop.cloud.settle(30)
    assert runs("one") == 2  # what was held, and the message, which was never given back
    later(workshop, seconds=1)
    assert runs("one") == 3


def test_success_goes_to_a_queue_a_topic_a_function_and_a_bus(workshop: Any, runs: Any) -> None:
    url, queue_arn = queue(workshop, "successes")
    sns, events = workshop.cloud.client("sns"), workshop.cloud.client("events")
    topic = sns.create_topic(Name="successes")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    bus = events.create_event_bus(Name="successes")["EventBusArn"]
    events.put_rule(Name="seen", EventBusName="successes", EventPattern=json.dumps({"source": ["lambda"]}))
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]}
    workshop.cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    events.put_targets(Rule="seen", EventBusName="successes", Targets=[{"Id": "queue", "Arn": queue_arn}])
    heir = workshop.function("heir", ECHO)
    workshop.function("does", ECHO)
    for destination in (queue_arn, topic, bus, heir):
        workshop.client.put_function_event_invoke_config(
            FunctionName="does", DestinationConfig={"OnSuccess": {"Destination": destination}}
        )
        send(workshop, "does", {"to": destination})
    records = []
    for message in received(workshop, url):
        body = json.loads(message["Body"])
        records.append(json.loads(body["Message"]) if "Message" in body else body.get("detail", body))
        if "detail" in body:
            assert body["detail-type"] == "Lambda Function Invocation Result - Success"
    assert sorted(record["requestPayload"]["to"] for record in records) == sorted([queue_arn, topic, bus])
    assert {record["requestContext"]["condition"] for record in records} == {"Success"}
    assert runs("heir") == 1


def test_event_settings_are_changed_field_by_field_listed_and_deleted(workshop: Any) -> None:
    client = workshop.client
    workshop.function("settings", ECHO)
    client.put_function_event_invoke_config(FunctionName="settings", MaximumRetryAttempts=1)
    client.update_function_event_invoke_config(FunctionName="settings", MaximumEventAgeInSeconds=70)
    (kept,) = client.list_function_event_invoke_configs(FunctionName="settings")["FunctionEventInvokeConfigs"]
    assert (kept["MaximumRetryAttempts"], kept["MaximumEventAgeInSeconds"]) == (1, 70)
    assert kept["FunctionArn"].endswith(":settings:$LATEST")
    client.put_function_event_invoke_config(FunctionName="settings", MaximumRetryAttempts=0)
    assert "MaximumEventAgeInSeconds" not in client.get_function_event_invoke_config(FunctionName="settings")
    client.delete_function_event_invoke_config(FunctionName="settings")
    assert (
        client.list_function_event_invoke_configs(FunctionName="settings")["FunctionEventInvokeConfigs"] == []
    )
    with pytest.raises(ClientError, match=r"OnFailure has the destination 'arn:aws:s3:::b'"):
        client.put_function_event_invoke_config(
            FunctionName="settings", DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::b"}}
        )


def test_outcomes_are_sent_by_the_functions_role_and_lost_with_a_warning_where_it_may_not(
    workshop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    url, arn = queue(workshop, "forbidden")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = workshop.cloud.client("iam").create_role(RoleName="mute", AssumeRolePolicyDocument=trust)["Role"]
    workshop.function("mute", FAILS, DeadLetterConfig={"TargetArn": arn})
    workshop.client.update_function_configuration(FunctionName="mute", Role=role["Arn"])
    workshop.client.put_function_event_invoke_config(
        FunctionName="mute",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    send(workshop, "mute")
    assert received(workshop, url) == []
    assert caplog.text.count("not authorized to perform: sqs:SendMessage on resource: " + arn) == 2
