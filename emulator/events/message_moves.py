"""Redrive: dead letters go back where they came from (`StartMessageMoveTask`), which moto does not know.

A task here is done when its call returns: everything that could be received is moved at once. A moved
message is a new one, as in AWS: with an id, a time and a receive count of its own.
"""

import itertools
import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.sqs.exceptions import SQSException
from moto.sqs.models import Message, SQSBackend
from moto.sqs.responses import SQSResponse

from emulator.events.clock import Clock
from emulator.events.hooks import Hooks
from emulator.events.queues import Queues

_MOST_LISTED = 10


class MessageMoves:
    """Answers SQS's calls about message move tasks.

    Parameters
    ----------
    queues
        Takes messages out and puts them in.
    clock
        Dates tasks.
    """

    def __init__(self, *, queues: Queues, clock: Clock) -> None:
        self._queues = queues
        self._clock = clock
        self._tasks: list[dict[str, Any]] = []

    def install(self, hooks: Hooks) -> None:
        """Add the calls to moto's SQS."""
        hooks.add(
            SQSResponse, "start_message_move_task", lambda response: ActionResult(self._start(response))
        )
        hooks.add(SQSResponse, "list_message_move_tasks", lambda response: ActionResult(self._list(response)))
        hooks.add(SQSResponse, "cancel_message_move_task", _cancel)

    def _start(self, response: Any) -> dict[str, Any]:
        backend: SQSBackend = response.sqs_backend
        source_arn = str(response._get_param("SourceArn"))  # noqa: SLF001  moto's way to read a request
        destination_arn = response._get_param("DestinationArn")  # noqa: SLF001
        if response._get_param("MaxNumberOfMessagesPerSecond"):  # noqa: SLF001
            raise SQSException(
                "AWS.SimpleQueueService.UnsupportedOperation",
                "MaxNumberOfMessagesPerSecond: the local cloud moves messages at once; leave it out",
            )
        source = _queue(backend, source_arn)
        if not backend.list_dead_letter_source_queues(source.name):
            raise SQSException(
                "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue."
            )
        moved = 0
        for message in self._queues.take_all(source):
            destination = _queue(backend, destination_arn or getattr(message, "dead_letter_source", ""))
            destination.add_message(self._fresh(message))
            moved += 1
        task: dict[str, Any] = {
            "TaskHandle": uuid.uuid4().hex,
            "Status": "COMPLETED",
            "SourceArn": source_arn,
            "ApproximateNumberOfMessagesMoved": moved,
            "ApproximateNumberOfMessagesToMove": moved,
            "StartedTimestamp": int(self._clock.epoch_seconds() * 1000),
        }
        if destination_arn:
            task["DestinationArn"] = destination_arn
        self._tasks.append(task)
        return {"TaskHandle": task["TaskHandle"]}

    def _list(self, response: Any) -> dict[str, Any]:
        source_arn = response._get_param("SourceArn")  # noqa: SLF001
        most = int(response._get_param("MaxResults") or 1)  # noqa: SLF001
        found = (task for task in reversed(self._tasks) if task["SourceArn"] == source_arn)
        told = ({k: v for k, v in task.items() if k != "TaskHandle"} for task in found)
        return {"Results": list(itertools.islice(told, min(most, _MOST_LISTED)))}

    @staticmethod
    def _fresh(message: Any) -> Message:
        fresh = Message(str(uuid.uuid4()), message.body, message.system_attributes)
        fresh.message_attributes = message.message_attributes
        fresh.group_id = message.group_id
        fresh.deduplication_id = None if message.group_id is None else fresh.id
        fresh.mark_sent()
        return fresh


def _cancel(_response: Any) -> ActionResult:
    raise SQSException(
        "ResourceNotFoundException", "Task does not exist: tasks of the local cloud are done when they start."
    )


def _queue(backend: SQSBackend, arn: str) -> Any:
    queue = next((queue for queue in backend.queues.values() if queue.queue_arn == arn), None)
    if queue is None:
        raise SQSException("ResourceNotFoundException", f"The resource {arn!r} does not exist.")
    return queue
