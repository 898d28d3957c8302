"""Schedules: rules with a schedule expression, and EventBridge Scheduler's, each as a timer on the clock.

A rate counts from the moment its rule was made or changed; a cron expression goes by the calendar. When
the clock is set, every schedule is planned anew from there: what lies in a jump does not fire.
"""

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.events.models import EventsBackend, events_backends
from moto.scheduler.models import EventBridgeSchedulerBackend, scheduler_backends

from emulator.events.bus import Bus, scheduled_event
from emulator.events.clock import Clock, Timer
from emulator.events.expressions import ScheduleExpressionError, parse_schedule
from emulator.events.hooks import Hooks
from emulator.events.inputs import target_input
from emulator.events.regions import all_backends
from emulator.events.targets import Delivery, Targets

_log = logging.getLogger(__name__)

_RULE_METHODS = ("put_rule", "delete_rule", "enable_rule", "disable_rule")
_SCHEDULE_METHODS = ("create_schedule", "update_schedule", "delete_schedule", "delete_schedule_group")


@dataclass(frozen=True)
class _Declared:
    """A schedule as it stands declared now; a change of any field but `fire` plans it anew."""

    arn: str
    expression: str
    timezone: str
    starts: datetime | None
    ends: datetime | None
    fire: Callable[[datetime], None]

    @property
    def key(self) -> tuple[str, str, str, datetime | None, datetime | None]:
        return (self.arn, self.expression, self.timezone, self.starts, self.ends)


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
    targets
        Delivers what EventBridge Scheduler's schedules send.
    """

    def __init__(self, *, clock: Clock, bus: Bus, targets: Targets) -> None:
        self._clock = clock
        self._bus = bus
        self._targets = targets
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
            planned.timer = self._clock.call_at(due, lambda: self._fire(planned, due), order=entry.arn)

    def _fire(self, planned: _Planned, due: datetime) -> None:
        with self._lock:
            self.refresh()
            if self._planned.get(planned.declared.arn) is not planned:
                return  # gone, without any of the calls we follow: the cloud was reset
            self._set_timer(planned, after=due)
        planned.declared.fire(due)

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

        return _Declared(rule.arn, rule.scheduled_expression, "UTC", None, None, fire)

    def _of_schedule(self, schedule: Any, account: str, region: str) -> _Declared:
        def fire(due: datetime) -> None:
            event = scheduled_event(
                source="aws.scheduler", account=account, region=region, resource=schedule.arn, moment=due
            )
            body = target_input(schedule.target, event, rule_arn=schedule.arn)
            for name, value in (
                ("scheduled-time", event["time"]),
                ("schedule-arn", schedule.arn),
                ("execution-id", str(uuid.uuid5(uuid.NAMESPACE_URL, event["id"]))),
                ("attempt-number", "1"),
            ):
                body = body.replace(f"<aws.scheduler.{name}>", value)
            self._targets.deliver(Delivery(schedule.target["Arn"], body, schedule.arn, schedule.target))

        return _Declared(
            schedule.arn,
            schedule.schedule_expression,
            schedule.schedule_expression_timezone,
            _moment(schedule.start_date),
            _moment(schedule.end_date),
            fire,
        )


def _moment(given: Any) -> datetime | None:
    """Read a start or end date, which moto keeps as it came: seconds since 1970 or text."""
    if given is None:
        return None
    if isinstance(given, int | float):
        return datetime.fromtimestamp(given, UTC)
    moment = datetime.fromisoformat(str(given))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
