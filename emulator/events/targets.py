"""Where events are delivered: functions, queues, topics, state machines, buses, log groups.

One function per kind of target, for rules, schedules, dead letters and destinations alike. Deliveries go
straight into moto's backends, in the thread that has the event: when the call that caused an event has
returned, the event already lies at its target and nothing is "on its way" uncounted.
"""

import json
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.events.models import events_backends
from moto.logs.models import logs_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions.responses import get_backend as stepfunctions_backend

from emulator.events.clock import Clock

_log = logging.getLogger(__name__)


class UndeliverableError(Exception):
    """The target does not exist or takes no events; the message names it."""


@dataclass(frozen=True)
class Delivery:
    """Something to be delivered once.

    `parameters` is the target as the rule or schedule declares it (`SqsParameters`, `DeadLetterConfig`).
    """

    arn: str
    body: str
    source_arn: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


class Targets:
    """Delivers to targets by ARN.

    Parameters
    ----------
    clock
        Stamps what has a time.
    invoke_later
        Queues an asynchronous invocation: function ARN and payload.
    """

    def __init__(self, *, clock: Clock, invoke_later: Callable[[str, bytes], None]) -> None:
        self._clock = clock
        self._invoke_later = invoke_later
        self._senders: dict[str, Callable[[Delivery], None]] = {
            "lambda": self._to_function,
            "sqs": self._to_queue,
            "sns": self._to_topic,
            "states": self._to_state_machine,
            "events": self._to_bus,
            "logs": self._to_log_group,
        }

    def deliver(self, delivery: Delivery) -> None:
        """Deliver, or put the event into the target's dead-letter queue.

        A local target that refuses now would refuse again in a minute: EventBridge's retries over hours are
        left out, and what cannot be delivered becomes a dead letter at once, or a warning without one.
        """
        try:
            self.send(delivery)
        except Exception as error:  # noqa: BLE001  whatever moto's backends raise must not reach the sender
            self._bury(delivery, error)

    def send(self, delivery: Delivery) -> None:
        """Deliver once.

        Raises
        ------
        UndeliverableError
            No target of this kind is supported.
        Exception
            Whatever the service answers, such as a queue that does not exist.
        """
        service = delivery.arn.split(":")[2] if delivery.arn.count(":") >= 5 else ""
        sender = self._senders.get(service)
        if sender is None:
            raise UndeliverableError(
                f"{delivery.source_arn} has the target {delivery.arn!r}, which the local cloud cannot "
                f"deliver to; it knows {', '.join(sorted(self._senders))}"
            )
        sender(delivery)

    def _bury(self, delivery: Delivery, error: Exception) -> None:
        letters = (delivery.parameters.get("DeadLetterConfig") or {}).get("Arn")
        code = getattr(error, "code", None) or type(error).__name__
        _log.warning("no delivery from %s to %s: %s", delivery.source_arn, delivery.arn, error)
        if not letters:
            return
        attributes = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in (
                ("RULE_ARN", delivery.source_arn),
                ("TARGET_ARN", delivery.arn),
                ("ERROR_CODE", str(code)),
                ("ERROR_MESSAGE", str(error) or "no message"),
            )
        }
        try:
            self.send_message(letters, delivery.body, attributes=attributes)
        except Exception as lost:  # noqa: BLE001  a dead-letter queue that is gone ends here, as in AWS
            _log.warning("no dead letter from %s to %s: %s", delivery.source_arn, letters, lost)

    def send_message(
        self,
        queue_arn: str,
        body: str,
        *,
        attributes: Mapping[str, Any] | None = None,
        group_id: str | None = None,
    ) -> None:
        """Put a message into a queue; a FIFO queue deduplicates by content."""
        _, _, _, region, account, name = queue_arn.split(":", 5)
        sqs_backends[account][region].send_message(
            queue_name=name,
            message_body=body,
            message_attributes=dict(attributes) if attributes else None,
            group_id=group_id,
            deduplication_id=str(uuid.uuid4()) if group_id else None,
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
        timestamp = int(self._clock.epoch_seconds() * 1000)
        backend.put_log_events(group, stream, [{"timestamp": timestamp, "message": delivery.body}])
