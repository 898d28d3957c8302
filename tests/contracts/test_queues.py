"""What every implementation of the prediction queue holds."""

import uuid
from collections.abc import Callable

import pytest

from tidemill.aws.clients import client
from tidemill.aws.queues import SqsQueue
from tidemill.memory.queues import MemoryQueue
from tidemill.serving.prediction_log import MAX_MESSAGE_BYTES, PredictionQueue

Queue = tuple[PredictionQueue, Callable[[], list[str]]]


@pytest.fixture(params=["memory", "aws"])
def queue(request: pytest.FixtureRequest) -> Queue:
    """Return an empty queue, and what takes its messages out."""
    if request.param == "memory":
        memory = MemoryQueue()
        return memory, lambda: list(memory.bodies)
    request.getfixturevalue("aws_endpoint")
    url = client("sqs").create_queue(QueueName=f"test-{uuid.uuid4()}")["QueueUrl"]
    return SqsQueue(url, client=client("sqs")), lambda: _take_all(url)


def _take_all(url: str) -> list[str]:
    bodies: list[str] = []
    while True:
        answer = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        taken = answer.get("Messages", [])
        if not taken:
            return bodies
        bodies.extend(message["Body"] for message in taken)


def test_every_message_arrives(queue: Queue) -> None:
    log, taken = queue
    log.send(["one", "two"])
    assert sorted(taken()) == ["one", "two"]


def test_no_message_is_no_error(queue: Queue) -> None:
    log, taken = queue
    log.send([])
    assert taken() == []


def test_messages_of_the_largest_size_and_more_than_a_batch_arrive(queue: Queue) -> None:
    log, taken = queue
    bodies = [str(number) + "x" * (MAX_MESSAGE_BYTES - 2) for number in range(12)]
    log.send(bodies)
    assert sorted(taken()) == sorted(bodies)
