"""Feeds a function from a DynamoDB stream.

Records are dealt into lanes, `ParallelizationFactor` of them, by the key of their item: a lane hands its
records over in order, one batch at a time, so that changes of one item are never seen out of order. A
batch that fails holds its lane up, and no other; it waits on the cloud's clock for its next attempt.
"""

import itertools
import json
import logging
import zlib
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from moto.awslambda_simple.models import lambda_simple_backends

from emulator.errors import EmulatorError
from emulator.events.deliveries import Deliveries
from emulator.events.filters import compile_filters
from emulator.events.polling import (
    BATCH_LIMIT_BYTES,
    REPORTS_FAILURES,
    Poller,
    Surroundings,
    Window,
    reported_failures,
)
from emulator.events.stream_batches import (
    Batch,
    Condition,
    Plan,
    Policy,
    after_failure,
    after_refusal,
    report,
    split_by_age,
)
from emulator.events.streams import Record, Streams, as_event
from emulator.events.targets import Delivery
from emulator.identity.service_access import FUNCTIONS
from emulator.runtime.model import Invocation

_log = logging.getLogger(__name__)

_Outcome = Invocation | EmulatorError


class Lane:
    """Records of some items, in order: batches that were tried before, then records not in a batch yet."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.batches: deque[Batch] = deque()
        self.records: deque[Record] = deque()
        self.trying: tuple[Record, ...] = ()
        self.waits_until: datetime | None = None

    @property
    def busy(self) -> bool:
        """Whether the function has a batch of it at present."""
        return bool(self.trying)

    def ready(self, now: datetime) -> int:
        """Count records that could be handed over now."""
        if self.busy or (self.waits_until is not None and now < self.waits_until):
            return 0
        return len(self)

    @property
    def earliest(self) -> int | None:
        """Sequence number of the first record that is not done; None when all are."""
        pending = (*self.trying, *(record for batch in self.batches for record in batch.records[:1]))
        first = next(iter((*pending, *itertools.islice(self.records, 1))), None)
        return None if first is None else first.number

    def __len__(self) -> int:
        return sum(len(batch.records) for batch in self.batches) + len(self.records)

    def take(self, count: int) -> Batch:
        """Take what comes next: a batch that was tried before, or one of up to `count` records."""
        if self.batches:
            return self.batches.popleft()
        taken: list[Record] = []
        size_bytes = 0
        while self.records and len(taken) < count:
            size_bytes += int(self.records[0].fields["dynamodb"]["SizeBytes"])
            if taken and size_bytes > BATCH_LIMIT_BYTES:
                break
            taken.append(self.records.popleft())
        return Batch(tuple(taken))

    def drain(self) -> Iterator[Record]:
        """Take everything out."""
        for batch in self.batches:
            yield from batch.records
        yield from self.records
        self.batches.clear()
        self.records.clear()


class StreamPoller(Poller):
    """Takes batches of records.

    Parameters
    ----------
    mapping
        moto's event source mapping.
    surroundings
        What it works with.
    streams
        Reads.
    deliveries
        Delivers to the failure destination.
    """

    def __init__(
        self, mapping: Any, surroundings: Surroundings, streams: Streams, deliveries: Deliveries
    ) -> None:
        super().__init__(mapping, surroundings)
        self._streams = streams
        self._deliveries = deliveries
        start = streams.latest if mapping.starting_position == "LATEST" else streams.horizon
        # Kept with the mapping, as a cloud that is started again finds it: everything up to it is done.
        self._read = int(getattr(mapping, "checkpoint", None) or start(self.source_arn))
        self._lanes: list[Lane] = []

    def ready(self) -> int:
        """Count records it would take now."""
        if not self.is_enabled:
            return 0
        now = self._with.clock.now()
        with self._changed:
            unread = self._streams.read(self.source_arn, self._read)
            return len(unread) + sum(lane.ready(now) for lane in self._lanes)

    def _window_ends(self) -> float | None:
        ends = [lane.window.ends for lane in self._lanes if lane.window.ends is not None]
        return min(ends, default=None)

    def _next_due(self) -> datetime | None:
        with self._changed:
            waiting = [lane.waits_until for lane in self._lanes if len(lane) and not lane.busy]
        now = self._with.clock.now()
        return min((moment for moment in waiting if moment is not None and moment > now), default=None)

    def _take(self) -> None:
        if not self.is_enabled:
            return
        with self._changed:
            self._deal()
            lanes = list(self._lanes)
        for lane in lanes:
            self._take_from(lane)

    def _deal(self) -> None:
        """Read what is new and give each record to the lane of its item."""
        passes = compile_filters(self.mapping.filter_criteria)
        for record in [*self._taken_back(), *self._streams.read(self.source_arn, self._read)]:
            if record.number <= self._read or passes(as_event(record, self.source_arn)):
                self._lane_of(record).records.append(record)
            self._read = max(self._read, record.number)
        self._mark()

    def _mark(self) -> None:
        """Note how far everything is done."""
        earliest = [lane.earliest for lane in self._lanes]
        self.mapping.checkpoint = min((n - 1 for n in earliest if n is not None), default=self._read)

    def _taken_back(self) -> list[Record]:
        """Make new lanes when there are to be more or fewer, as soon as none is busy; retries begin anew."""
        wanted = int(self.mapping.parallelization_factor or 1)
        if len(self._lanes) == wanted or any(lane.busy for lane in self._lanes):
            return []
        records = sorted((r for lane in self._lanes for r in lane.drain()), key=lambda r: r.number)
        self._lanes = [Lane(Window(self._with.hurry)) for _ in range(wanted)]
        return records

    def _lane_of(self, record: Record) -> Lane:
        keys = json.dumps(record.fields["dynamodb"]["Keys"], sort_keys=True, default=repr)
        return self._lanes[zlib.crc32(keys.encode()) % len(self._lanes)]

    def _take_from(self, lane: Lane) -> None:
        ready = lane.ready(self._with.clock.now())
        seconds = 0.0 if lane.batches else float(self.mapping.max_batch_window or 0)
        if lane.window.holds_back(ready, batch_size=self.mapping.batch_size, seconds=seconds):
            return
        self._begin()
        with self._changed:
            batch = lane.take(int(self.mapping.batch_size))
            lane.trying = batch.records
            lane.waits_until = None
        self._hand_over(lambda: self._handle(lane, batch))

    def _handle(self, lane: Lane, batch: Batch) -> None:
        policy = Policy.of(self.mapping)
        plan = after_refusal(batch)  # should anything here fail, the batch comes again and nothing is lost
        try:
            old, young = split_by_age(batch, self._with.clock.now(), policy)
            if old is not None:
                self._give_up(old, "RecordAgeExceeded", None)
                plan = Plan()
            if young is not None:
                plan = after_refusal(young)
                plan = self._try(young, policy)
        finally:
            with self._changed:
                lane.batches.extendleft(reversed(plan.batches))
                lane.waits_until = self._with.clock.now() + plan.wait if plan.wait else None
                lane.trying = ()
                self._mark()

    def _try(self, batch: Batch, policy: Policy) -> Plan:
        outcome = self._invoke(batch)
        if isinstance(outcome, EmulatorError):
            return after_refusal(batch)
        first_failed = self._first_failed(batch, outcome)
        if first_failed is None:
            return Plan()
        plan = after_failure(batch, first_failed, policy)
        if plan.given_up is not None:
            self._give_up(plan.given_up, "RetryAttemptsExhausted", outcome)
        return plan

    def _invoke(self, batch: Batch) -> _Outcome:
        events = [as_event(record, self.source_arn) for record in batch.records]
        try:
            return self._with.invoker.invoke(
                self.mapping.function_arn, json.dumps({"Records": events}).encode(), in_turn=True
            )
        except EmulatorError as refused:
            _log.warning("%s was not invoked for %s: %s", self.mapping.function_arn, self.source_arn, refused)
            return refused

    def _first_failed(self, batch: Batch, invocation: Invocation) -> int | None:
        if invocation.function_error is not None:
            return 0
        if REPORTS_FAILURES not in (self.mapping.function_response_types or ()):
            return None
        numbers = [str(record.number) for record in batch.records]
        failed = reported_failures(invocation.payload, set(numbers))
        return min((numbers.index(number) for number in failed), default=None)

    def _give_up(self, batch: Batch, condition: Condition, last: Invocation | None) -> None:
        destination = ((self.mapping.destination_config or {}).get("OnFailure") or {}).get("Destination")
        _log.warning(
            "%d records of %s, from %d on, are given up: %s",
            *(len(batch.records), self.source_arn, batch.records[0].number, condition),
        )
        if not destination:
            return
        context: dict[str, Any] = {
            "functionArn": self.mapping.function_arn,
            "timestamp": self._with.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        if last is not None:
            context["requestId"] = last.request_id
            context["responseContext"] = {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": last.function_error,
            }
        shard_id = self._streams.shard_id(self.source_arn)
        told = report(batch, condition, context=context, stream_arn=self.source_arn, shard_id=shard_id)
        role = {"RoleArn": self._role_arn()}
        self._deliveries.deliver(
            Delivery(destination, json.dumps(told), self.mapping.function_arn, role, service=FUNCTIONS)
        )

    def _role_arn(self) -> str:
        _, _, _, region, account, _ = self.mapping.function_arn.split(":", 5)
        return str(lambda_simple_backends[account][region].get_function(self.mapping.function_arn).role)
