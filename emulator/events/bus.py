"""The event bus: which rules an event matches, and what leaves for their targets.

Replaces moto's delivery, which knows neither functions nor state machines, ignores `Input` and
`InputPath`, sends to disabled rules, and treats a schedule without a pattern as one that matches all.
"""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from moto.events import models as events_models
from moto.events.exceptions import InvalidEventPatternException

from emulator.events.clock import Clock
from emulator.events.deliveries import Deliveries
from emulator.events.hooks import Hooks
from emulator.events.inputs import target_input
from emulator.events.patterns import InvalidPatternError, check, matches
from emulator.events.targets import Delivery
from emulator.identity.service_access import RULES


class Bus:
    """Matches events against rules and hands them to targets.

    Parameters
    ----------
    clock
        Gives events without a time theirs.
    deliveries
        Delivers.
    """

    def __init__(self, *, clock: Clock, deliveries: Deliveries) -> None:
        self._clock = clock
        self._deliveries = deliveries

    def install(self, hooks: Hooks) -> None:
        """Take over rules from moto."""
        hooks.replace(
            events_models.Rule,
            "send_to_targets",
            lambda rule, event, transform_input=True: self.offer(rule, event),  # noqa: ARG005  moto's signature
        )
        hooks.replace(events_models, "unix_time", self._clock.epoch_seconds)
        hooks.replace(events_models.EventPattern, "matches_event", _matches)
        hooks.replace(events_models.EventPatternParser, "_validate_event_pattern", _check)

    def offer(self, rule: Any, event: dict[str, Any]) -> None:
        """Send an event to the rule's targets if the rule is enabled and its pattern matches."""
        if rule.state != "ENABLED" or not rule.event_pattern.get_pattern():
            return
        event = {key: value for key, value in event.items() if key != "ingestion-time"}
        event["time"] = _rfc3339(event["time"])
        if rule.event_pattern.matches_event(event):
            self.send(rule, event)

    def send(self, rule: Any, event: dict[str, Any]) -> None:
        """Send an event to every target of a rule, matched or due."""
        ingested = _rfc3339(self._clock.epoch_seconds())
        for target in list(rule.targets):
            body = target_input(target, event, rule_arn=rule.arn, ingested=ingested)
            self._deliveries.deliver(Delivery(target["Arn"], body, rule.arn, target, service=RULES))

    def publish(self, account: str, region: str, event: dict[str, Any]) -> None:
        """Put an event of a service on the default bus.

        Parameters
        ----------
        account, region
            Whose bus.
        event
            The whole event.
        """
        for rule in list(
            events_models.events_backends[account][region].event_buses["default"].rules.values()
        ):
            self.offer(rule, event)


def _matches(pattern: Any, event: dict[str, Any]) -> bool:
    return matches(pattern.get_pattern(), event)


def _check(_parser: Any, pattern: Any) -> None:
    try:
        check(pattern)
    except InvalidPatternError as error:
        raise InvalidEventPatternException(reason=str(error)) from error


def _rfc3339(time: float | str) -> str:
    """Write a time as events carry it, to the second.

    Examples
    --------
    >>> _rfc3339(1357000000.9), _rfc3339("2013-01-01T00:26:40Z")
    ('2013-01-01T00:26:40Z', '2013-01-01T00:26:40Z')
    """
    if isinstance(time, str):
        moment = datetime.fromisoformat(time)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    else:
        moment = datetime.fromtimestamp(time, UTC)
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def scheduled_event(
    *, source: str, account: str, region: str, resource: str, moment: datetime
) -> dict[str, Any]:
    """Compose the event a schedule sends.

    Parameters
    ----------
    source
        `aws.events` or `aws.scheduler`.
    account, region
        Where the schedule lives.
    resource
        ARN of the rule or schedule.
    moment
        The time it was due.

    Returns
    -------
    dict
        The whole event.
    """
    return {
        "version": "0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{resource}@{moment.isoformat()}")),
        "detail-type": "Scheduled Event",
        "source": source,
        "account": account,
        "time": _rfc3339(moment.timestamp()),
        "region": region,
        "resources": [resource],
        "detail": {} if source == "aws.events" else json.dumps({}),
    }
