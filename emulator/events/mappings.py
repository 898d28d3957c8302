"""Event source mappings: functions that take their events from queues.

Each enabled mapping of a queue has a poller: one thread that sleeps until its queue changes, takes
batches, counts them as work before they leave the queue, and has them handled by the invoker's threads.
Messages of a failed batch stay hidden until their visibility timeout has passed *on the cloud's clock*,
then come again, until the queue's redrive policy moves them to the dead letters.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.awslambda import models as lambda_models
from moto.awslambda_simple.models import lambda_simple_backends
from moto.core.exceptions import JsonRESTError
from moto.events.models import EventPattern
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.models import sqs_backends

from emulator.errors import EmulatorError
from emulator.events.clock import Clock, Timer
from emulator.events.hooks import Hooks
from emulator.events.invoker import Invoker
from emulator.events.queues import Queues, record
from emulator.events.regions import all_backends
from emulator.events.work import Work
from emulator.runtime.model import SYNC_PAYLOAD_LIMIT_BYTES, Invocation

_log = logging.getLogger(__name__)

_BATCH_KIND = "batch"
_DEFAULT_CONCURRENCY = 3
_ENVELOPE_BYTES = 1024 * 1024


class Poller:
    """Takes batches for one mapping.

    Parameters
    ----------
    mapping
        moto's event source mapping.
    queue
        moto's queue.
    queues, invoker, clock, work
        What it works with.
    hurry
        Whether batching windows are cut short because somebody waits for the cloud to settle.
    may_poll
        Whether the function's role may take messages from the queue.
    """

    def __init__(
        self,
        mapping: Any,
        queue: Any,
        *,
        queues: Queues,
        invoker: Invoker,
        clock: Clock,
        work: Work,
        hurry: Callable[[], bool],
        may_poll: Callable[[], bool],
    ) -> None:
        self.mapping = mapping
        self.queue = queue
        self._queues = queues
        self._invoker = invoker
        self._clock = clock
        self._work = work
        self._hurry = hurry
        self._may_poll = may_poll
        self._changed = threading.Condition()
        self._dirty = True
        self._closed = False
        self._running = 0
        self._window_ends: float | None = None
        self._timer: Timer | None = None
        self._thread = threading.Thread(target=self._poll, name=f"poller {queue.name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Have the poller look at its queue."""
        with self._changed:
            self._dirty = True
            self._changed.notify_all()

    def ready(self) -> int:
        """Count messages it would take now."""
        return self._queues.ready(self.queue) if self._is_enabled() else 0

    def close(self) -> None:
        """Take nothing more; batches being handled go on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._timer is not None:
            self._timer.cancel()

    def _is_enabled(self) -> bool:
        return self.mapping.enabled not in (False, "false") and not self._closed and self._may_poll()

    def _poll(self) -> None:
        while True:
            with self._changed:
                wait_seconds = None
                if self._window_ends is not None:
                    wait_seconds = max(self._window_ends - time.monotonic(), 0.0)
                self._changed.wait_for(lambda: self._dirty or self._closed, wait_seconds)
                self._dirty = False
                if self._closed:
                    return
            try:
                self._take_batches()
            except Exception:  # noqa: BLE001  a poller that dies would leave its queue for ever
                _log.exception("the poller of %s stumbled", self.queue.name)

    def _take_batches(self) -> None:
        self._window_ends = None if self._queues.ready(self.queue) == 0 else self._window_ends
        while self._is_enabled() and self._running < self._concurrency():
            ready = self._queues.ready(self.queue)
            if ready == 0:
                break
            if self._waits_for_more(ready):
                return
            self._window_ends = None
            self._take_one()
        self._plan_wake_up()

    def _waits_for_more(self, ready: int) -> bool:
        window_seconds = float(self.mapping.max_batch_window or 0)
        if ready >= self.mapping.batch_size or window_seconds == 0 or self._hurry():
            return False
        if self._window_ends is None:
            self._window_ends = time.monotonic() + window_seconds
        return time.monotonic() < self._window_ends

    def _concurrency(self) -> int:
        return int((self.mapping.scaling_config or {}).get("MaximumConcurrency", _DEFAULT_CONCURRENCY))

    def _take_one(self) -> None:
        self._work.begin(_BATCH_KIND)
        messages = self._queues.receive(
            self.queue,
            int(self.mapping.batch_size),
            int(self.queue.visibility_timeout),
            limit_bytes=SYNC_PAYLOAD_LIMIT_BYTES - _ENVELOPE_BYTES,
        )
        if not messages:  # they went to the dead letters
            self._work.end(_BATCH_KIND)
            return
        with self._changed:
            self._running += 1
        self._invoker.submit(lambda: self._handle(messages))

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
            self.wake()
            self._work.end(_BATCH_KIND)

    def _wanted(self, messages: list[Any]) -> list[Any]:
        """Drop what the mapping's filters do not let through; dropped messages are deleted."""
        filters = (self.mapping.filter_criteria or {}).get("Filters") or []
        if not filters:
            return messages
        patterns = [EventPattern.load(entry["Pattern"]) for entry in filters]
        wanted = []
        for message in messages:
            seen: Any = record(message, self.queue)
            try:
                seen["body"] = json.loads(seen["body"])
            except ValueError:
                _log.debug("a message of %s is no JSON; filters see its text", self.queue.name)
            if any(pattern.matches_event(seen) for pattern in patterns):
                wanted.append(message)
        return wanted

    def _invoke(self, messages: list[Any]) -> set[str]:
        """Invoke with a batch; give the ids of messages that are to come again."""
        everything = {message.id for message in messages}
        payload = json.dumps({"Records": [record(message, self.queue) for message in messages]}).encode()
        try:
            invocation = self._invoker.invoke(self.mapping.function_arn, payload)
        except EmulatorError as refused:
            _log.warning("%s was not invoked for %s: %s", self.mapping.function_arn, self.queue.name, refused)
            return everything
        if invocation.function_error is not None:
            return everything
        if "ReportBatchItemFailures" not in (self.mapping.function_response_types or ()):
            return set()
        return _reported_failures(invocation, everything)

    def _delete(self, message: Any) -> None:
        try:
            self._queues.delete(self.queue, message.receipt_handle)
        except ReceiptHandleIsInvalid:
            _log.info("message %s was gone from %s before it was done", message.id, self.queue.name)

    def _plan_wake_up(self) -> None:
        """Come back when the next hidden message shows itself, on the cloud's clock."""
        due = self._queues.next_ready_at(self.queue)
        if self._timer is not None:
            if self._timer.due == due:
                return
            self._timer.cancel()
        self._timer = None if due is None else self._wake_at(due)

    def _wake_at(self, due: datetime) -> Timer:
        def wake() -> None:
            self._timer = None
            self.wake()

        return self._clock.call_at(due, wake, order=self.queue.queue_arn)


def _reported_failures(invocation: Invocation, everything: set[str]) -> set[str]:
    """Read a partial batch response; one that cannot be trusted fails the whole batch, as in AWS."""
    try:
        answer = json.loads(invocation.payload or b"null")
        if not answer or not answer.get("batchItemFailures"):
            return set()
        failed = {entry["itemIdentifier"] for entry in answer["batchItemFailures"]}
    except (ValueError, AttributeError, KeyError, TypeError):
        return everything
    return everything if failed - everything else failed


class Mappings:
    """Keeps one poller per mapping of a queue, following what is created, changed and deleted.

    Parameters
    ----------
    make_poller
        Starts a poller for a mapping and its queue.
    work
        Whoever waits on it is told when queues change.
    """

    def __init__(self, make_poller: Callable[[Any, Any], Poller], *, work: Work) -> None:
        self._make_poller = make_poller
        self._work = work
        self._lock = threading.Lock()
        self._pollers: dict[str, Poller] = {}
        self._by_queue: dict[str, tuple[Poller, ...]] = {}

    def install(self, hooks: Hooks) -> None:
        """Follow the mappings of moto's Lambda."""
        for name in (
            "create_event_source_mapping",
            "update_event_source_mapping",
            "delete_event_source_mapping",
        ):
            hooks.after(lambda_models.LambdaBackend, name, lambda _backend: self.refresh())
        create = lambda_models.LambdaBackend.create_event_source_mapping

        def create_known(backend: Any, spec: dict[str, Any]) -> Any:
            source = str(spec.get("EventSourceArn", ""))
            if ":sqs:" not in source:
                raise JsonRESTError(
                    "InvalidParameterValueException",
                    f"the local cloud takes events from SQS queues only, not from {source!r}; "
                    "have the source write to a queue",
                )
            return create(backend, spec)

        hooks.replace(lambda_models.LambdaBackend, "create_event_source_mapping", create_known)

    def refresh(self) -> None:
        """Start and stop pollers after mappings changed."""
        mappings, queues = _mappings_and_queues()
        with self._lock:
            for uuid in list(self._pollers):
                if uuid not in mappings:
                    self._pollers.pop(uuid).close()
            for uuid, mapping in mappings.items():
                queue = queues.get(mapping.event_source_arn)
                if queue is not None and uuid not in self._pollers:
                    self._pollers[uuid] = self._make_poller(mapping, queue)
            by_queue: dict[str, tuple[Poller, ...]] = {}
            for poller in self._pollers.values():
                arn = poller.queue.queue_arn
                by_queue[arn] = (*by_queue.get(arn, ()), poller)
            self._by_queue = by_queue
        self.wake_all()

    def queue_changed(self, queue: Any) -> None:
        """Wake the pollers of a queue."""
        pollers = self._by_queue.get(queue.queue_arn, ())
        for poller in pollers:
            poller.wake()
        if pollers:
            self._work.note_change()

    def wake_all(self) -> None:
        """Wake every poller."""
        for poller in list(self._pollers.values()):
            poller.wake()

    def waiting(self) -> str | None:
        """Say which queues hold messages a mapping would take, or None."""
        found = [
            f"{count} messages in {poller.queue.name}"
            for poller in list(self._pollers.values())
            if (count := poller.ready())
        ]
        return ", ".join(found) or None

    def close(self) -> None:
        """Stop every poller."""
        with self._lock:
            for poller in self._pollers.values():
                poller.close()
            self._pollers.clear()
            self._by_queue = {}


def _mappings_and_queues() -> tuple[dict[str, Any], dict[str, Any]]:
    """Collect every mapping by its id and every queue by its ARN, over all accounts and regions."""
    mappings: dict[str, Any] = {}
    for _, _, functions in all_backends(lambda_simple_backends):
        mappings.update(functions._event_source_mappings)  # noqa: SLF001  its list call only filters
    queues: dict[str, Any] = {}
    for _, _, backend in all_backends(sqs_backends):
        queues.update({queue.queue_arn: queue for queue in list(backend.queues.values())})
    return mappings, queues
