"""Events, queues and executions: nothing that AWS dropped is taken for sent."""

import json
import time
import uuid
from typing import Any

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sqs.models import sqs_backends

from tidemill.aws.batches import answer_messages
from tidemill.aws.clients import client
from tidemill.aws.events import EventBridgeEvents
from tidemill.aws.executions import StateMachineExecutions
from tidemill.aws.queues import SqsQueue
from tidemill.aws.redelivery import postpone
from tidemill.errors import InvalidRequest, Unavailable
from tidemill.memory.events import MemoryEvents


@pytest.fixture
def queue_url(aws_endpoint: str) -> str:
    """Return the URL of a new queue."""
    del aws_endpoint  # it only has to be there
    url: str = client("sqs").create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]
    return url


def received(queue_url: str) -> list[str]:
    bodies: list[str] = []
    while (
        messages := client("sqs").receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages")
    ):
        bodies += [message["Body"] for message in messages]
    return bodies


def test_every_message_of_a_send_arrives_however_many_and_large(queue_url: str) -> None:
    bodies = [f"{number:03d}" + "x" * (150_000 if number % 5 == 0 else 10) for number in range(23)]
    SqsQueue(queue_url, client=client("sqs")).send(bodies)
    assert sorted(received(queue_url)) == bodies


def test_sending_nothing_is_no_call(queue_url: str) -> None:
    SqsQueue(queue_url, client=None).send([])  # type: ignore[arg-type]  # a call would fail on it
    assert received(queue_url) == []


def test_a_queue_that_drops_a_message_of_a_batch_is_unavailable() -> None:
    class Dropping:
        def send_message_batch(self, **_: Any) -> dict[str, Any]:
            return {"Successful": [{"Id": "0"}], "Failed": [{"Id": "1", "Code": "InternalError"}]}

    with pytest.raises(Unavailable, match="refused 1 of 2 messages: InternalError"):
        SqsQueue("url", client=Dropping()).send(["a", "b"])  # type: ignore[arg-type]


def test_a_queue_that_is_not_there_is_unavailable(queue_url: str) -> None:
    with pytest.raises(Unavailable, match="nowhere"):
        SqsQueue(f"{queue_url}-nowhere", client=client("sqs")).send(["a"])


def test_an_event_reaches_a_queue_by_its_kind(queue_url: str) -> None:
    bus = uuid.uuid4().hex
    client("events").create_event_bus(Name=bus)
    pattern = json.dumps({"source": ["tidemill"], "detail-type": ["CommitCreated"]})
    client("events").put_rule(Name="rule", EventBusName=bus, EventPattern=pattern)
    arn = client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
    client("events").put_targets(Rule="rule", EventBusName=bus, Targets=[{"Id": "q", "Arn": arn["QueueArn"]}])
    events = EventBridgeEvents(bus, client=client("events"))
    events.publish("UploadRefused", {"source": "flights"})
    events.publish("CommitCreated", {"source": "flights", "sequence": 1})
    (body,) = received(queue_url)
    assert json.loads(body)["detail"] == {"source": "flights", "sequence": 1}


def test_an_event_the_bus_dropped_is_unavailable_though_the_call_succeeded() -> None:
    class Dropping:
        def put_events(self, **_: Any) -> dict[str, Any]:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}

    with pytest.raises(Unavailable, match="refused CommitCreated: ThrottlingException"):
        EventBridgeEvents("bus", client=Dropping()).publish("CommitCreated", {})  # type: ignore[arg-type]


def test_events_in_memory_are_kept_as_they_were_when_published() -> None:
    events, detail = MemoryEvents(), {"list": [1]}
    events.publish("CommitCreated", detail)
    detail["list"].append(2)
    assert events.published == [("CommitCreated", {"list": [1]})]


class Exists(Exception):  # the vendor's name ends otherwise too
    """What boto3 raises for a name that was used."""


class Machine:
    """Step Functions, as far as it concerns starting."""

    class exceptions:  # noqa: N801  # boto3's name
        """The client's modelled exceptions."""

        ExecutionAlreadyExists = Exists

    def __init__(self) -> None:
        self.started: dict[str, Any] = {}

    def start_execution(self, **call: Any) -> None:
        if call["name"] in self.started:
            raise Exists
        self.started[call["name"]] = json.loads(call["input"])

    def get_paginator(self, _: str) -> "Machine":
        return self

    def paginate(self, **call: Any) -> list[dict[str, Any]]:
        assert call["statusFilter"] == "RUNNING"
        return [{"executions": []}, *({"executions": [{"name": name}]} for name in self.started)]


def test_an_execution_is_started_once_under_its_name() -> None:
    machine = Machine()
    executions = StateMachineExecutions("arn", client=machine)  # type: ignore[arg-type]
    assert executions.running() == []
    assert executions.start("late_arrival-1", {"model": "late_arrival"})
    assert not executions.start("late_arrival-1", {"model": "late_arrival"})
    assert machine.started == {"late_arrival-1": {"model": "late_arrival"}}
    assert executions.running() == ["late_arrival-1"]


def test_of_a_batch_only_the_messages_that_failed_come_again() -> None:
    outcomes = {
        "good": None,
        "caller": InvalidRequest("x"),
        "platform": Unavailable("y"),
        "bug": KeyError("z"),
    }

    def answer(record: Any) -> None:
        outcome = outcomes[record["messageId"]]
        if outcome is not None:
            raise outcome

    postponed: list[Any] = []
    records = [{"messageId": name} for name in outcomes]
    assert answer_messages({"Records": records}, answer, postpone=postponed.append) == {
        "batchItemFailures": [{"itemIdentifier": name} for name in ("caller", "platform", "bug")]
    }
    assert postponed == records[1:]


@pytest.mark.parametrize(
    ("received", "seconds"), [("1", 30), ("2", 240), ("3", 1920), ("4", 3600), ("5", 3600)]
)
def test_a_message_comes_again_the_later_the_more_often_it_failed(
    queue_url: str, received: str, seconds: int
) -> None:
    sqs = client("sqs")
    sqs.send_message(QueueUrl=queue_url, MessageBody="work")
    (message,) = sqs.receive_message(QueueUrl=queue_url, VisibilityTimeout=36_000)["Messages"]
    began = time.time()
    postpone(record_of(message, queue_url, received))
    ended = time.time()
    (kept,) = sqs_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].get_queue(name_of(queue_url))._messages
    assert began + seconds - 0.001 <= kept.visible_at / 1000 <= ended + seconds


def test_a_message_whose_queue_is_gone_is_left_to_its_visibility_timeout(
    queue_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    sqs = client("sqs")
    sqs.send_message(QueueUrl=queue_url, MessageBody="work")
    (message,) = sqs.receive_message(QueueUrl=queue_url)["Messages"]
    sqs.delete_queue(QueueUrl=queue_url)
    postpone(record_of(message, queue_url, "1"))
    assert "comes again when its visibility timeout is over" in caplog.text


def record_of(message: Any, queue_url: str, received: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "eventSourceARN": f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT_ID}:{name_of(queue_url)}",
        "attributes": {"ApproximateReceiveCount": received},
    }


def name_of(queue_url: str) -> str:
    return queue_url.rpartition("/")[2]
