"""What topics send to queues: filtered as SNS documents, by the queue's permission, with dead letters.

moto takes raw delivery that is switched off for switched on, matches filters by rules of its own, and lets
one queue that is gone spoil the others' deliveries. Functions that subscribe are looked after where
functions' policies are; messages of other protocols stay moto's.
"""

import base64
import json
import logging
from typing import Any

from moto.core.exceptions import ServiceException
from moto.sns.models import Subscription
from moto.sns.utils import FilterPolicyMatcher
from moto.sqs.models import sqs_backends

from emulator.events.clock import Clock
from emulator.events.hooks import Hooks
from emulator.events.patterns import matches
from emulator.identity.service_access import TOPICS, Sending, ServiceAccess

_log = logging.getLogger(__name__)


class Topics:
    """Delivers to queues.

    Parameters
    ----------
    clock
        Dates notifications.
    access
        Says where topics may deliver.
    """

    def __init__(self, *, clock: Clock, access: ServiceAccess) -> None:
        self._clock = clock
        self._access = access

    def install(self, hooks: Hooks) -> None:
        """Take over filters, and deliveries to queues, from moto."""
        publish = Subscription.publish

        def deliver(subscription: Any, message: str, message_id: str, **options: Any) -> None:
            if subscription.protocol == "sqs":
                self._publish(subscription, message, message_id, **options)
            else:
                publish(subscription, message, message_id, **options)

        hooks.replace(Subscription, "publish", deliver)
        hooks.replace(FilterPolicyMatcher, "matches", _passes)

    def _publish(
        self,
        subscription: Any,
        message: str,
        message_id: str,
        *,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> None:
        matcher = subscription._filter_policy_matcher  # noqa: SLF001  moto has no accessor
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        if message_structure == "json":
            texts = json.loads(message)
            message = texts.get("sqs", texts["default"])
        raw = str(subscription.attributes.get("RawMessageDelivery", "")).lower() == "true"
        body = (
            message
            if raw
            else json.dumps(
                self._envelope(subscription, message, message_id, subject, message_attributes), indent=2
            )
        )
        sending = {
            "message_body": body,
            "message_attributes": _raw_attributes(message_attributes or {}) if raw else None,
            "group_id": group_id,
            "deduplication_id": deduplication_id,
        }
        self._send(subscription, sending)

    def _envelope(
        self,
        subscription: Any,
        message: str,
        message_id: str,
        subject: str | None,
        attributes: dict[str, Any] | None,
    ) -> dict[str, Any]:
        envelope: dict[str, Any] = {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": subscription.topic_arn,
            "Message": message,
            "Timestamp": self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "SignatureVersion": "1",
            "Signature": "UNSIGNED",
            "SigningCertURL": "",
            "UnsubscribeURL": "",
        }
        if subject:
            envelope["Subject"] = subject
        if attributes:
            envelope["MessageAttributes"] = {
                name: {"Type": value["Type"], "Value": _text(value["Value"])}
                for name, value in attributes.items()
            }
        return envelope

    def _send(self, subscription: Any, sending: dict[str, Any]) -> None:
        refusal = self._access.refusal(Sending(TOPICS, subscription.topic_arn, subscription.endpoint))
        if refusal is None:
            try:
                _put(subscription.endpoint, sending)
            except ServiceException as error:
                refusal = str(error)
            else:
                return
        _log.warning("%s does not reach %s: %s", subscription.topic_arn, subscription.endpoint, refusal)
        letters = json.loads(subscription.attributes.get("RedrivePolicy") or "{}").get("deadLetterTargetArn")
        if letters:
            self._bury(subscription, letters, sending)

    def _bury(self, subscription: Any, letters: str, sending: dict[str, Any]) -> None:
        refusal = self._access.refusal(Sending(TOPICS, subscription.topic_arn, letters))
        try:
            if refusal is None:
                _put(letters, sending)
        except ServiceException as error:  # a dead-letter queue that is gone ends here, as in AWS
            refusal = str(error)
        if refusal:
            _log.warning("no dead letter from %s to %s: %s", subscription.topic_arn, letters, refusal)


def _put(arn: str, sending: dict[str, Any]) -> None:
    _, _, _, region, account, name = arn.split(":", 5)
    backend = sqs_backends[account][region]
    given = sending if name.endswith(".fifo") else sending | {"deduplication_id": None}
    backend.send_message(name, validate_group_id=False, **given)


def _passes(matcher: Any, message_attributes: dict[str, Any] | None, message: str) -> bool:
    """Match as SNS does: against the attributes as JSON values, or against a body that is JSON."""
    if matcher.filter_policy_scope == "MessageBody":
        try:
            seen = json.loads(message)
        except ValueError:
            return False
        return isinstance(seen, dict) and matches(matcher.filter_policy, seen)
    seen = {name: _json_value(attribute) for name, attribute in (message_attributes or {}).items()}
    return matches(matcher.filter_policy, seen)


def _json_value(attribute: dict[str, Any]) -> Any:
    kind, value = attribute["Type"], attribute["Value"]
    if kind.startswith("Number"):
        return float(value)
    if kind == "String.Array":
        return json.loads(value)
    return value


def _raw_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {
            "DataType": value["Type"],
            "BinaryValue" if value["Type"].startswith("Binary") else "StringValue": (
                value["Value"] if value["Type"].startswith("Binary") else _text(value["Value"])
            ),
        }
        for name, value in attributes.items()
    }


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
