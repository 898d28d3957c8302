"""Asynchronous events: accepted at once, run later, tried again, and in the end reported or buried.

An event is counted as work from the moment it is accepted until it succeeded, waits on the clock for its
next attempt, or lies at its destination.
"""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from emulator.errors import EmulatorError
from emulator.events.clock import Clock
from emulator.events.work import Work
from emulator.lambda_api.destinations import Condition, Destinations
from emulator.lambda_api.event_config import EventSettings
from emulator.runtime.model import Invocation, ThrottledError

_log = logging.getLogger(__name__)

_RETRY_AFTER = timedelta(minutes=1)
_LONGEST_BACKOFF = timedelta(minutes=5)
_KIND = "asynchronous invocation"


@dataclass(frozen=True)
class AsyncEvent:
    """An asynchronous event on its way to a function.

    Parameters
    ----------
    target
        Name or ARN of the function, with version or alias or without.
    payload
        JSON.
    context
        Client context, JSON.
    request_id
        The same over all attempts.
    accepted_at
        On the cloud's clock.
    runs, throttles
        Attempts so far that ran, and that found no worker.
    """

    target: str
    payload: bytes
    context: str | None = None
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    accepted_at: datetime | None = None
    runs: int = 0
    throttles: int = 0


class Invoke(Protocol):
    """Runs a function and waits."""

    def __call__(
        self, function_arn: str, payload: bytes, *, request_id: str | None, context: str | None
    ) -> Invocation:
        """Run it once."""


class AsyncEvents:
    """Runs asynchronous events as Lambda's queue does.

    Parameters
    ----------
    invoke
        Runs functions.
    settings_of
        Finds what is configured for a function's events.
    submit
        Runs a task in another thread.
    clock
        Attempts wait on it.
    work
        Counts events.
    """

    def __init__(
        self,
        *,
        invoke: Invoke,
        settings_of: Callable[[str], EventSettings],
        submit: Callable[[Callable[[], None]], None],
        clock: Clock,
        work: Work,
    ) -> None:
        self._invoke = invoke
        self._settings_of = settings_of
        self._submit = submit
        self._clock = clock
        self._work = work
        self._destinations: Destinations | None = None
        self._open: dict[str, AsyncEvent] = {}

    def connect(self, destinations: Destinations) -> None:
        """Say where outcomes go."""
        self._destinations = destinations

    def accept(self, event: AsyncEvent) -> None:
        """Take an event; it runs in another thread.

        Parameters
        ----------
        event
            The event, new or waiting no more.
        """
        if event.accepted_at is None:
            event = replace(event, accepted_at=self._clock.now())
        accepted = event
        self._open[event.request_id] = event
        self._work.begin(_KIND)
        self._submit(lambda: self._attempt(accepted))

    def open(self) -> list[AsyncEvent]:
        """List the events that are not done with: those that run, and those that wait for another attempt."""
        return list(self._open.values())

    def _attempt(self, event: AsyncEvent) -> None:
        try:
            settings = self._settings_of(event.target)
            try:
                invocation = self._invoke(
                    event.target, event.payload, request_id=event.request_id, context=event.context
                )
            except ThrottledError as throttled:
                self._back_off(event, settings, throttled)
                return
            ran = replace(event, runs=event.runs + 1)
            if invocation.function_error is None:
                self._report(ran, settings, Condition.SUCCESS, invocation)
            else:
                self._retry(ran, settings, invocation)
        except EmulatorError as lost:  # the function is gone, or the cloud is closing
            _log.warning("event %s for %s is dropped: %s", event.request_id, event.target, lost)
        finally:
            if self._open.get(event.request_id) is event:  # nothing of it waits for another attempt
                del self._open[event.request_id]
            self._work.end(_KIND)

    def _retry(self, event: AsyncEvent, settings: EventSettings, invocation: Invocation) -> None:
        """Run a failed event again after one minute and after two, while it may."""
        if event.runs > settings.retries:
            self._report(event, settings, Condition.RETRIES_EXHAUSTED, invocation)
        elif not self._again(event, settings, event.runs * _RETRY_AFTER):
            self._report(event, settings, Condition.EVENT_AGE_EXCEEDED, invocation)

    def _back_off(self, event: AsyncEvent, settings: EventSettings, throttled: ThrottledError) -> None:
        """Try a throttled event again, ever more rarely, until it is too old."""
        waiting = replace(event, throttles=event.throttles + 1)
        if settings.reserves_nothing:
            self._report(event, settings, Condition.ZERO_RESERVED_CONCURRENCY, throttled)
            return
        delay = min(timedelta(seconds=2**event.throttles), _LONGEST_BACKOFF)
        if not self._again(waiting, settings, delay):
            self._report(event, settings, Condition.EVENT_AGE_EXCEEDED, throttled)

    def _again(self, event: AsyncEvent, settings: EventSettings, delay: timedelta) -> bool:
        due = self._clock.now() + delay
        if event.accepted_at is not None and due - event.accepted_at > settings.longest_age:
            return False
        self._open[event.request_id] = event
        self._clock.call_at(due, lambda: self.accept(event), what=f"retry of an event for {event.target}")
        return True

    def _report(
        self,
        event: AsyncEvent,
        settings: EventSettings,
        condition: Condition,
        outcome: Invocation | ThrottledError,
    ) -> None:
        if self._destinations is not None:
            self._destinations.report(
                settings,
                condition,
                outcome,
                payload=event.payload,
                request_id=event.request_id,
                runs=event.runs,
            )
