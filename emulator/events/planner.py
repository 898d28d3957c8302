"""Schedules: rules with a schedule expression, and EventBridge Scheduler's, each as a timer on the clock.

A rate counts from the moment its rule was made or changed; a cron expression goes by the calendar. A
schedule with a flexible window fires somewhere in it, at the same moment in every run. When the clock is
set, every schedule is planned anew from there: what lies in a jump does not fire.
"""

import logging
import threading
import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.events.models import EventsBackend, events_backends
from moto.scheduler.models import EventBridgeSchedulerBackend, scheduler_backends

from emulator.events.bus import Bus, scheduled_event
from emulator.events.clock import Clock, Timer
from emulator.events.deliveries import Deliveries
from emulator.events.expressions import ScheduleExpressionError, parse_schedule
from emulator.events.hooks import Hooks
from emulator.events.inputs import target_input
from emulator.events.regions import all_backends
from emulator.events.targets import Delivery
from emulator.identity.service_access import SCHEDULER

_log = logging.getLogger(__name__)

_RULE_METHODS = ("put_rule", "delete_rule", "enable_rule", "disable_rule")
_SCHEDULE_METHODS = ("create_schedule", "update_schedule", "delete_schedule", "delete_schedule_group")


@dataclass(frozen=True)
class _Declared:
    """A schedule as it stands declared now; a change of any field but the last two plans it anew."""

    arn: str
    expression: str
    timezone: str
    starts: datetime | None
    ends: datetime | None
    window: timedelta
    fire: Callable[[datetime], None]
    complete: Callable[[], None]

    @property
    def key(self) -> tuple[object, ...]:
        return (self.arn, self.expression, self.timezone, self.starts, self.ends, self.window)

    def moment_of(self, due: datetime) -> datetime:
        """Give the moment to fire at, within the window that begins when it is due."""
        minutes = self.window // timedelta(minutes=1)
        if not minutes:
            return due
        return due + timedelta(minutes=zlib.crc32(f"{self.arn}@{due.isoformat()}".encode()) % minutes)


@dataclass
class _Planned:
    declared: _Declared
    anchor: datetime
    timer: Timer | None = None


class Planner:
    """Keeps a timer for every enabled schedule.

    Parameters
    ----------
    clock
        Where the timers are.
    bus
        Sends a rule's event to its targets.
    deliveries
        Delivers what EventBridge Scheduler's schedules send.
    """

    def __init__(self, *, clock: Clock, bus: Bus, deliveries: Deliveries) -> None:
        self._clock = clock
        self._bus = bus
        self._deliveries = deliveries
        self._lock = threading.RLock()
        self._planned: dict[str, _Planned] = {}
        clock.on_set(self.replan)

    def install(self, hooks: Hooks) -> None:
        """Follow the rules and schedules of moto."""
        for name in _RULE_METHODS:
            hooks.after(EventsBackend, name, self._refresh)
        for name in _SCHEDULE_METHODS:
            hooks.after(EventBridgeSchedulerBackend, name, self._refresh)

    def refresh(self) -> None:
        """Compare the declared schedules with the planned ones and bring them in line."""
        with self._lock:
            declared = {entry.arn: entry for entry in self._declared()}
            for arn, planned in list(self._planned.items()):
                if arn not in declared or declared[arn].key != planned.declared.key:
                    self._drop(arn)
            for arn, entry in declared.items():
                if arn not in self._planned:
                    self._plan(entry)

    def next_firings(self) -> dict[str, datetime]:
        """Tell when each schedule fires next.

        Returns
        -------
        dict of str to datetime
            By the ARN of the rule or schedule; those that never fire again are not in it.
        """
        with self._lock:
            return {arn: planned.timer.due for arn, planned in self._planned.items() if planned.timer}

    def replan(self) -> None:
        """Plan everything from the clock's present time."""
        with self._lock:
            for arn in list(self._planned):
                self._drop(arn)
            self.refresh()

    def _refresh(self, _backend: Any) -> None:
        self.refresh()

    def _plan(self, entry: _Declared) -> None:
        planned = _Planned(entry, anchor=entry.starts or self._clock.now())
        self._planned[entry.arn] = planned
        self._set_timer(planned, after=self._clock.now())

    def _drop(self, arn: str) -> None:
        timer = self._planned.pop(arn).timer
        if timer is not None:
            timer.cancel()

    def _set_timer(self, planned: _Planned, *, after: datetime) -> None:
        entry = planned.declared
        try:
            schedule = parse_schedule(entry.expression, entry.timezone)
        except ScheduleExpressionError as error:
            _log.warning("%s never fires: %s", entry.arn, error)
            return
        if entry.starts is not None and after < entry.starts:
            after = entry.starts
        due = schedule.next_after(after, anchor=planned.anchor)
        planned.timer = None
        if due is not None and (entry.ends is None or due <= entry.ends):
            moment = entry.moment_of(due)
            planned.timer = self._clock.call_at(
                moment, lambda: self._fire(planned, due), order=entry.arn, what=entry.arn
            )

    def _fire(self, planned: _Planned, due: datetime) -> None:
        with self._lock:
            self.refresh()
            if self._planned.get(planned.declared.arn) is not planned:
                return  # gone, without any of the calls we follow: the cloud was reset
            self._set_timer(planned, after=due)
        planned.declared.fire(due)
        if planned.timer is None:
            planned.declared.complete()

    def _declared(self) -> Iterator[_Declared]:
        for account, region, backend in all_backends(events_backends):
            for bus in list(backend.event_buses.values()):
                rules = [rule for rule in list(bus.rules.values()) if rule.scheduled_expression]
                yield from (self._of_rule(rule, account, region) for rule in rules if rule.state == "ENABLED")
        for account, region, backend in all_backends(scheduler_backends):
            for group in list(backend.schedule_groups.values()):
                schedules = [entry for entry in list(group.schedules.values()) if entry.state == "ENABLED"]
                yield from (self._of_schedule(entry, account, region) for entry in schedules)

    def _of_rule(self, rule: Any, account: str, region: str) -> _Declared:
        def fire(due: datetime) -> None:
            event = scheduled_event(
                source="aws.events", account=account, region=region, resource=rule.arn, moment=due
            )
            self._bus.send(rule, event)

        def complete() -> None:
            """Leave the rule: it may be enabled again, or changed."""

        return _Declared(rule.arn, rule.scheduled_expression, "UTC", None, None, timedelta(0), fire, complete)

    def _of_schedule(self, schedule: Any, account: str, region: str) -> _Declared:
        def fire(due: datetime) -> None:
            event = scheduled_event(
                source="aws.scheduler", account=account, region=region, resource=schedule.arn, moment=due
            )
            self._deliveries.deliver(_delivery_of(schedule, event))

        def complete() -> None:
            if schedule.action_after_completion == "DELETE":
                scheduler_backends[account][region].delete_schedule(schedule.group_name, schedule.name)

        window = schedule.flexible_time_window or {}
        return _Declared(
            schedule.arn,
            schedule.schedule_expression,
            schedule.schedule_expression_timezone,
            _moment(schedule.start_date),
            _moment(schedule.end_date),
            timedelta(minutes=int(window.get("MaximumWindowInMinutes") or 0)),
            fire,
            complete,
        )


def _delivery_of(schedule: Any, event: dict[str, Any]) -> Delivery:
    execution_id = str(uuid.uuid5(uuid.NAMESPACE_URL, event["id"]))
    body = target_input(schedule.target, event, rule_arn=schedule.arn)
    for name, value in (
        ("scheduled-time", event["time"]),
        ("schedule-arn", schedule.arn),
        ("execution-id", execution_id),
        ("attempt-number", "1"),
    ):
        body = body.replace(f"<aws.scheduler.{name}>", value)
    facts = {
        "SCHEDULE_ARN": schedule.arn,
        "SCHEDULED_TIME": event["time"],
        "EXECUTION_ID": execution_id,
        "IS_PAYLOAD_TRUNCATED": "false",
    }
    return Delivery(schedule.target["Arn"], body, schedule.arn, schedule.target, SCHEDULER, facts)


def _moment(given: Any) -> datetime | None:
    """Read a start or end date, which moto keeps as it came: seconds since 1970 or text."""
    if given is None:
        return None
    if isinstance(given, int | float):
        return datetime.fromtimestamp(given, UTC)
    moment = datetime.fromisoformat(str(given))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
