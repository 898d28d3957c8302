"""Where events are delivered: functions, queues, topics, state machines, buses, log groups.

One function per kind of target, for rules, schedules, dead letters and destinations alike, each after the
sender was found to be permitted. Deliveries go straight into moto's backends, in the thread that has the
event: when the call that caused an event has returned, the event already lies at its target and nothing
is "on its way" uncounted.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from moto.events.models import events_backends
from moto.logs.models import logs_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions.responses import get_backend as stepfunctions_backend

from emulator.identity.service_access import RULES, Sending


class UndeliverableError(Exception):
    """The target does not exist or takes no events; the message names it."""


class NotPermittedError(Exception):
    """The sender may not deliver to the target; the message says what would allow it."""


@dataclass(frozen=True)
class Delivery:
    """Something to be delivered.

    Parameters
    ----------
    arn
        The target.
    body
        What it is given.
    source_arn
        Rule, schedule or function it comes from.
    parameters
        The target as the rule or schedule declares it (`RoleArn`, `SqsParameters`, `RetryPolicy`,
        `DeadLetterConfig`).
    service
        The service that delivers, such as `events.amazonaws.com`; without one no permission is needed.
    facts
        What a dead letter says of its source in the place of `RULE_ARN`.
    """

    arn: str
    body: str
    source_arn: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    service: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def to(self, arn: str) -> "Delivery":
        """Give the same for another target."""
        return replace(self, arn=arn)


class Targets:
    """Delivers to targets by ARN.

    Parameters
    ----------
    invoke_later
        Queues an asynchronous invocation: function ARN and payload.
    refusal
        Says what permission a sender lacks.
    """

    def __init__(
        self,
        *,
        invoke_later: Callable[[str, bytes], None],
        refusal: Callable[[Sending], str | None],
    ) -> None:
        self._invoke_later = invoke_later
        self._refusal = refusal
        self._senders: dict[str, Callable[[Delivery], None]] = {
            "lambda": self._to_function,
            "sqs": self._to_queue,
            "sns": self._to_topic,
            "states": self._to_state_machine,
            "events": self._to_bus,
            "logs": self._to_log_group,
        }

    @property
    def services(self) -> list[str]:
        """What can be a target, as ARNs name services."""
        return sorted(self._senders)

    def send(self, delivery: Delivery) -> None:
        """Deliver once.

        Parameters
        ----------
        delivery
            What goes where.

        Raises
        ------
        UndeliverableError
            The target is none that events can go to.
        NotPermittedError
            The sender may not deliver there.
        Exception
            Whatever the target's service answers, such as a queue that does not exist.
        """
        service = delivery.arn.split(":")[2] if delivery.arn.count(":") >= 5 else ""
        sender = self._senders.get(service)
        if sender is None:
            raise UndeliverableError(
                f"{delivery.source_arn} has the target {delivery.arn!r}, which the local cloud cannot "
                f"deliver to; it knows {', '.join(self.services)}"
            )
        self.ask(delivery, delivery.parameters.get("RoleArn"))
        sender(delivery)

    def send_letter(self, delivery: Delivery, attributes: Mapping[str, str]) -> None:
        """Put what could not be delivered into a dead-letter queue, the delivery's target now.

        Parameters
        ----------
        delivery
            What goes where.
        attributes
            Of the message.

        Raises
        ------
        NotPermittedError
            The sender may not deliver there.
        Exception
            The queue does not exist.
        """
        # A rule's role is for its target; its dead-letter queue lets EventBridge in by a policy.
        self.ask(delivery, delivery.parameters.get("RoleArn") if delivery.service != RULES else None)
        written = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        self.send_message(delivery.arn, delivery.body, attributes=written)

    def ask(self, delivery: Delivery, role_arn: str | None) -> None:
        """Ask whether the sender may deliver, by a role or by the target's policy.

        Parameters
        ----------
        delivery
            What goes where.
        role_arn
            The role it acts with, if it has one.

        Raises
        ------
        NotPermittedError
            It may not.
        """
        if not delivery.service:
            return
        refused = self._refusal(Sending(delivery.service, delivery.source_arn, delivery.arn, role_arn))
        if refused:
            raise NotPermittedError(refused)

    def send_message(
        self,
        queue_arn: str,
        body: str,
        *,
        attributes: Mapping[str, Any] | None = None,
        group_id: str | None = None,
    ) -> None:
        """Put a message into a queue; a FIFO queue has to deduplicate by content, as in AWS."""
        _, _, _, region, account, name = queue_arn.split(":", 5)
        sqs_backends[account][region].send_message(
            queue_name=name,
            message_body=body,
            message_attributes=dict(attributes) if attributes else None,
            group_id=group_id,
        )

    def _to_function(self, delivery: Delivery) -> None:
        self._invoke_later(delivery.arn, delivery.body.encode())

    def _to_queue(self, delivery: Delivery) -> None:
        group_id = (delivery.parameters.get("SqsParameters") or {}).get("MessageGroupId")
        self.send_message(delivery.arn, delivery.body, group_id=group_id)

    def _to_topic(self, delivery: Delivery) -> None:
        _, _, _, region, account, _ = delivery.arn.split(":", 5)
        sns_backends[account][region].publish(message=delivery.body, arn=delivery.arn)

    def _to_state_machine(self, delivery: Delivery) -> None:
        _, _, _, region, account, _ = delivery.arn.split(":", 5)
        stepfunctions_backend(account, region).start_execution(delivery.arn, str(uuid.uuid4()), delivery.body)

    def _to_bus(self, delivery: Delivery) -> None:
        _, _, _, region, account, resource = delivery.arn.split(":", 5)
        event = json.loads(delivery.body)
        events_backends[account][region].put_events(
            [
                {
                    "Source": event["source"],
                    "DetailType": event["detail-type"],
                    "Detail": json.dumps(event["detail"]),
                    "Resources": event.get("resources", []),
                    "Time": event["time"],
                    "EventBusName": resource.removeprefix("event-bus/"),
                }
            ]
        )

    def _to_log_group(self, delivery: Delivery) -> None:
        _, _, _, region, account, resource = delivery.arn.split(":", 5)
        group = resource.removeprefix("log-group:").removesuffix(":*")
        stream = str(uuid.uuid4())
        backend = logs_backends[account][region]
        backend.create_log_stream(group, stream)
        timestamp = int(time.time() * 1000)  # the wall's, as of all logs: moto refuses what looks older
        backend.put_log_events(group, stream, [{"timestamp": timestamp, "message": delivery.body}])
