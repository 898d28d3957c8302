"""SQS, made safe for threads and put on the cloud's clock.

moto's queues lose a message when one thread sends while another deletes (the list is rebuilt from an old
copy), may hand one message to two receivers, and invoke functions inside `SendMessage`. Here every step
that reads and changes a queue holds the queue's own lock, and whoever takes messages for a function is
told of changes instead.
"""

import base64
import copy
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.sqs import models as sqs_models
from moto.sqs.exceptions import ReceiptHandleIsInvalid

from emulator.events.clock import Clock
from emulator.events.hooks import Hooks

Queue = sqs_models.Queue
Message = sqs_models.Message

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEDUPLICATION_MS = sqs_models.DEDUPLICATION_TIME_IN_SECONDS * 1000
_LOOK_AGAIN_SECONDS = 1.0
_FIRST_SEQUENCE_NUMBER = 18_849_496_460_467_696_128


class Queues:
    """Operations on moto's queues, as the SQS API and the event source mappings use them.

    Parameters
    ----------
    clock
        Stamps messages and decides when they are visible.
    changed
        Told the ARN of a queue in which a message may have become ready.
    """

    def __init__(self, *, clock: Clock, changed: Callable[[str], None]) -> None:
        self._clock = clock
        self._changed = changed

    def install(self, hooks: Hooks) -> None:
        """Take over sending, receiving, deleting and changing visibility from moto."""
        hooks.replace(sqs_models, "unix_time", self._clock.epoch_seconds)
        hooks.replace(sqs_models, "unix_time_millis", self._now_ms)
        hooks.replace(Message, "visible", property(lambda message: self._now_ms() >= message.visible_at))
        hooks.replace_method(Queue, "add_message", self.add)
        hooks.replace_method(Queue, "delete_message", self.delete)
        hooks.replace_method(sqs_models.SQSBackend, "receive_message", self._api_receive)
        change_visibility = sqs_models.SQSBackend.change_message_visibility
        purge = sqs_models.SQSBackend.purge_queue

        def change_message_visibility(backend: Any, queue_name: str, *args: Any, **kwargs: Any) -> None:
            queue = backend.get_queue(queue_name)
            with queue._messages_lock:  # noqa: SLF001  moto's own lock of the queue
                change_visibility(backend, queue_name, *args, **kwargs)
            self._changed(queue.queue_arn)

        def purge_queue(backend: Any, queue_name: str) -> None:
            queue = backend.get_queue(queue_name)
            with queue._messages_lock:  # noqa: SLF001
                purge(backend, queue_name)
            self._changed(queue.queue_arn)

        get_attributes = sqs_models.SQSBackend.get_queue_attributes

        def get_queue_attributes(backend: Any, queue_name: str, attribute_names: list[str]) -> Any:
            queue = backend.get_queue(queue_name)
            with queue._messages_lock:  # noqa: SLF001
                self._drop_old(queue)
                return get_attributes(backend, queue_name, attribute_names)

        hooks.replace(sqs_models.SQSBackend, "get_queue_attributes", get_queue_attributes)
        hooks.replace(sqs_models.SQSBackend, "change_message_visibility", change_message_visibility)
        hooks.replace(sqs_models.SQSBackend, "purge_queue", purge_queue)

    def add(self, queue: Any, message: Any) -> None:
        """Put a message into a queue, unless it repeats one of a FIFO queue."""
        with queue._messages_lock:  # noqa: SLF001
            if queue.fifo_queue and self._is_repeated(queue, message):
                return
            if queue.fifo_queue:
                queue.sent_count = getattr(queue, "sent_count", 0) + 1
                message.sequence_number = str(_FIRST_SEQUENCE_NUMBER + 256 * queue.sent_count)
            queue._messages.append(message)  # noqa: SLF001
            queue._messages_lock.notify_all()  # noqa: SLF001
        self._changed(queue.queue_arn)

    def delete(self, queue: Any, receipt_handle: str) -> None:
        """Delete a message by any receipt handle it ever had.

        Raises
        ------
        ReceiptHandleIsInvalid
            No message of this queue had it.
        """
        with queue._messages_lock:  # noqa: SLF001
            if receipt_handle in queue.deleted_messages:
                return
            for place, message in enumerate(queue._messages):  # noqa: SLF001
                if message.had_receipt_handle(receipt_handle):
                    queue.pending_messages.discard(message)
                    queue.deleted_messages.update(message.all_receipt_handles)
                    del queue._messages[place]  # noqa: SLF001
                    break
            else:
                raise ReceiptHandleIsInvalid
        if queue.fifo_queue:
            self._changed(queue.queue_arn)  # the next message of its group may go

    def ready(self, queue: Any) -> int:
        """Count messages that could be received now."""
        with queue._messages_lock:  # noqa: SLF001
            return len(self._receivable(queue))

    def next_ready_at(self, queue: Any) -> datetime | None:
        """Tell when the next hidden or delayed message becomes visible, None if there is none."""
        now_ms = self._now_ms()
        with queue._messages_lock:  # noqa: SLF001
            self._drop_old(queue)
            times = [max(message.visible_at, message.delayed_until) for message in queue._messages]  # noqa: SLF001
        later = [moment for moment in times if moment > now_ms]
        # Rounded up: when the clock gets there the message is visible, or the wake-up would come for nothing.
        return _EPOCH + timedelta(milliseconds=math.ceil(min(later))) if later else None

    def receive(
        self, queue: Any, count: int, visibility_timeout_seconds: int, *, limit_bytes: int | None = None
    ) -> list[Any]:
        """Take up to `count` messages and hide them; those received too often go to the dead letters.

        Parameters
        ----------
        queue
            moto's queue.
        count
            Most messages to take.
        visibility_timeout_seconds
            How long they stay hidden.
        limit_bytes
            Most bytes of bodies to take; the first message always fits.

        Returns
        -------
        list
            Copies of moto's messages, as they were received.
        """
        taken: list[Any] = []
        size_bytes = 0
        with queue._messages_lock:  # noqa: SLF001
            for message in self._receivable(queue):
                if len(taken) == count:
                    break
                if self._is_spent(queue, message):
                    queue._messages.remove(message)  # noqa: SLF001
                    message.dead_letter_source = queue.queue_arn
                    queue.dead_letter_queue.add_message(message)
                    continue
                size_bytes += len(message.body)
                if taken and limit_bytes is not None and size_bytes > limit_bytes:
                    break
                queue.pending_messages.add(message)
                message.mark_received(visibility_timeout=visibility_timeout_seconds)
                taken.append(copy.copy(message))
        return taken

    def take_all(self, queue: Any) -> list[Any]:
        """Take every message out that could be received now, as if it had never been there."""
        with queue._messages_lock:  # noqa: SLF001
            messages = self._receivable(queue)
            for message in messages:
                queue._messages.remove(message)  # noqa: SLF001
        return messages

    def _drop_old(self, queue: Any) -> None:
        """Forget what has been in the queue for longer than its retention period, received or not."""
        oldest = self._now_ms() - queue.message_retention_period * 1000
        kept = [message for message in queue._messages if message.sent_timestamp > oldest]  # noqa: SLF001
        if len(kept) < len(queue._messages):  # noqa: SLF001
            queue.pending_messages.intersection_update(kept)
            queue._messages[:] = kept  # noqa: SLF001

    def _receivable(self, queue: Any) -> list[Any]:
        self._drop_old(queue)
        visible: list[Any] = []
        hidden: list[Any] = []
        for message in queue._messages:  # noqa: SLF001
            (visible if message.visible and not message.delayed else hidden).append(message)
        for message in visible:
            queue.pending_messages.discard(message)  # its time is over: whoever had it, has it no more
        if queue.fifo_queue:
            held = {message.group_id for message in hidden}
            return [message for message in visible if message.group_id not in held]
        return visible

    @staticmethod
    def _is_spent(queue: Any, message: Any) -> bool:
        return (
            queue.dead_letter_queue is not None
            and bool(queue.redrive_policy)
            and message.approximate_receive_count >= queue.redrive_policy["maxReceiveCount"]
        )

    @staticmethod
    def _is_repeated(queue: Any, message: Any) -> bool:
        """Say whether a message repeats one of the last five minutes, be that one long received and gone."""
        if message.deduplication_id is None:
            return False
        if not hasattr(queue, "sent_ids"):
            queue.sent_ids = {}
        sent: dict[tuple[str | None, str], Any] = queue.sent_ids
        for known, first in list(sent.items()):  # in the order they were sent
            if message.sent_timestamp - first.sent_timestamp < _DEDUPLICATION_MS:
                break
            del sent[known]
        group = message.group_id if queue.deduplication_scope == "messageGroup" else None
        first = sent.setdefault((group, message.deduplication_id), message)
        if first is message:
            return False
        message.id, message.sequence_number = first.id, first.sequence_number
        return True

    def _api_receive(  # noqa: PLR0917  moto's signature
        self,
        backend: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Any]:
        queue = backend.get_queue(queue_name)
        deadline = time.monotonic() + (wait_seconds_timeout or 0)
        with queue._messages_lock:  # noqa: SLF001
            while not (messages := self.receive(queue, count, visibility_timeout)):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                queue._messages_lock.wait(min(left, _LOOK_AGAIN_SECONDS))  # noqa: SLF001
        for message in messages:
            sqs_models._filter_message_attributes(message, message_attribute_names or [])  # noqa: SLF001
        self._changed(queue.queue_arn)
        return messages

    def _now_ms(self) -> float:
        # In whole microseconds first: seconds as a float times 1000 miss whole milliseconds by a last bit,
        # and a message would not be visible at the very time it should be.
        return (self._clock.now() - _EPOCH) // timedelta(microseconds=1) / 1000


def record(message: Any, queue: Any) -> dict[str, Any]:
    """Write a message as the record a function receives.

    Parameters
    ----------
    message
        moto's message, as received.
    queue
        The queue it came from.

    Returns
    -------
    dict
        One entry of the event's `Records`.
    """
    attributes = {
        "ApproximateReceiveCount": str(message.approximate_receive_count),
        "SentTimestamp": str(int(message.sent_timestamp)),
        "SenderId": message.sender_id,
        "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
    }
    optional = {
        "MessageGroupId": message.group_id,
        "MessageDeduplicationId": message.deduplication_id,
        "SequenceNumber": message.sequence_number,
        "AWSTraceHeader": (message.system_attributes.get("AWSTraceHeader") or {}).get("StringValue"),
    }
    attributes |= {name: value for name, value in optional.items() if value is not None}
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {name: _attribute(value) for name, value in message.message_attributes.items()},
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.queue_arn,
        "awsRegion": queue.region,
    }


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if value.get("StringValue") is not None:
        written["stringValue"] = value["StringValue"]
    binary = value.get("BinaryValue")
    if binary is not None:
        written["binaryValue"] = binary if isinstance(binary, str) else base64.b64encode(binary).decode()
    return written
