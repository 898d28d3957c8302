"""Feeds a function from a queue.

Messages of a failed batch stay hidden until their visibility timeout has passed *on the cloud's clock*,
then come again, until the queue's redrive policy moves them to the dead letters.
"""

import json
import logging
from datetime import datetime
from typing import Any

from moto.sqs.exceptions import ReceiptHandleIsInvalid

from emulator.errors import EmulatorError
from emulator.events.filters import compile_filters
from emulator.events.polling import (
    BATCH_LIMIT_BYTES,
    REPORTS_FAILURES,
    Poller,
    Surroundings,
    Window,
    reported_failures,
)
from emulator.events.queues import Queues, record

_log = logging.getLogger(__name__)

_DEFAULT_CONCURRENCY = 3


class QueuePoller(Poller):
    """Takes batches of messages.

    Parameters
    ----------
    mapping
        moto's event source mapping.
    surroundings
        What it works with.
    queue
        moto's queue.
    queues
        Receives and deletes.
    """

    def __init__(self, mapping: Any, surroundings: Surroundings, queue: Any, queues: Queues) -> None:
        super().__init__(mapping, surroundings)
        self._queue = queue
        self._queues = queues
        self._running = 0
        self._window = Window(surroundings.hurry)

    def ready(self) -> int:
        """Count messages it would take now."""
        return self._queues.ready(self._queue) if self.is_enabled else 0

    def _window_ends(self) -> float | None:
        return self._window.ends

    def _next_due(self) -> datetime | None:
        return self._queues.next_ready_at(self._queue)

    def _take(self) -> None:
        while self.is_enabled and self._running < self._concurrency():
            ready = self._queues.ready(self._queue)
            seconds = float(self.mapping.max_batch_window or 0)
            if self._window.holds_back(ready, batch_size=self.mapping.batch_size, seconds=seconds):
                return
            self._take_one()

    def _concurrency(self) -> int:
        return int((self.mapping.scaling_config or {}).get("MaximumConcurrency", _DEFAULT_CONCURRENCY))

    def _take_one(self) -> None:
        self._begin()
        messages = self._queues.receive(
            self._queue,
            int(self.mapping.batch_size),
            int(self._queue.visibility_timeout),
            limit_bytes=BATCH_LIMIT_BYTES,
        )
        if not messages:  # they went to the dead letters
            self._end()
            return
        with self._changed:
            self._running += 1
        self._hand_over(lambda: self._handle(messages))

    def _handle(self, messages: list[Any]) -> None:
        try:
            kept = self._wanted(messages)
            failed = self._invoke(kept) if kept else set()
            for message in messages:
                if message.id not in failed:
                    self._delete(message)
        finally:
            with self._changed:
                self._running -= 1

    def _wanted(self, messages: list[Any]) -> list[Any]:
        """Drop what the mapping's filters do not let through; dropped messages are deleted."""
        if not self.mapping.filter_criteria:
            return messages
        passes = compile_filters(self.mapping.filter_criteria)
        return [message for message in messages if passes(self._as_filters_see(message))]

    def _as_filters_see(self, message: Any) -> dict[str, Any]:
        seen = record(message, self._queue)
        try:
            seen["body"] = json.loads(seen["body"])
        except ValueError:
            _log.debug("a message of %s is no JSON; filters see its text", self._queue.name)
        return seen

    def _invoke(self, messages: list[Any]) -> set[str]:
        """Invoke with a batch; give the ids of messages that are to come again."""
        everything = {message.id for message in messages}
        payload = json.dumps({"Records": [record(message, self._queue) for message in messages]}).encode()
        try:
            invocation = self._with.invoker.invoke(self.mapping.function_arn, payload, in_turn=True)
        except EmulatorError as refused:
            _log.warning(
                "%s was not invoked for %s: %s", self.mapping.function_arn, self._queue.name, refused
            )
            return everything
        if invocation.function_error is not None:
            return everything
        if REPORTS_FAILURES not in (self.mapping.function_response_types or ()):
            return set()
        return reported_failures(invocation.payload, everything)

    def _delete(self, message: Any) -> None:
        try:
            self._queues.delete(self._queue, message.receipt_handle)
        except ReceiptHandleIsInvalid:
            _log.info("message %s was gone from %s before it was done", message.id, self._queue.name)
