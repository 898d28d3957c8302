"""Refuses targets of rules and schedules that nothing could be delivered to, when they are put.

AWS takes targets of some fifty services. One that the local cloud would have to drop is better refused where
it is named than found missing later.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend
from moto.scheduler.exceptions import ValidationException as SchedulerValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend

from emulator.events.hooks import Hooks


def install_target_checks(hooks: Hooks, *, services: Collection[str]) -> None:
    """Hold targets against the services that events can go to.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    services
        As ARNs name them.
    """
    hooks.replace(EventsBackend, "put_targets", _checking_rule(EventsBackend.put_targets, services))
    for call in ("create_schedule", "update_schedule"):
        change = getattr(EventBridgeSchedulerBackend, call)
        hooks.replace(EventBridgeSchedulerBackend, call, _checking_schedule(change, services))


def _checking_rule(put: Callable[..., Any], services: Collection[str]) -> Callable[..., Any]:
    def put_targets(self: Any, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> Any:
        for target in targets:
            refused = _refusal(f"rule {name}", target["Arn"], services)
            if refused:
                raise ValidationException(refused)
        return put(self, name, event_bus_arn, targets)

    return put_targets


def _checking_schedule(change: Callable[..., Any], services: Collection[str]) -> Callable[..., Any]:
    def changed(self: Any, *, name: str, target: Mapping[str, Any], **others: Any) -> Any:
        refused = _refusal(f"schedule {name}", target["Arn"], services)
        if refused:
            raise SchedulerValidationException(refused)
        return change(self, name=name, target=target, **others)

    return changed


def _refusal(what: str, arn: str, services: Collection[str]) -> str | None:
    if arn.count(":") >= 2 and arn.split(":")[2] in services:
        return None
    known = ", ".join(sorted(services))
    return f"{what} has the target {arn}; the local cloud delivers to {known}: put one of those before it"
