"""Buckets and topics that notify functions: only those that let them, each by the name it was given."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from moto.s3 import notifications as s3_notifications
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket
from moto.sns.models import Subscription

from emulator.errors import EmulatorError, NotPermitted, UnknownFunction
from emulator.events.hooks import Hooks

_log = logging.getLogger(__name__)

_BUCKETS = "s3.amazonaws.com"
_TOPICS = "sns.amazonaws.com"

MayInvoke = Callable[[str, str, str], str | None]
"""Gives the refusal of a call by function, service and source, or None."""


class BucketNotifications:
    """Invokes functions for buckets.

    Parameters
    ----------
    invoke_later
        Takes an asynchronous event: function and payload.
    may_invoke
        Knows the functions' policies.
    """

    def __init__(self, *, invoke_later: Callable[[str, bytes], None], may_invoke: MayInvoke) -> None:
        self._invoke_later = invoke_later
        self._may_invoke = may_invoke

    def install(self, hooks: Hooks) -> None:
        """Check notifications when they are configured and when they are sent."""
        configure = FakeBucket.set_notification_configuration

        def set_checked(bucket: Any, configuration: dict[str, Any] | None) -> None:
            self._check(bucket, configuration or {})
            configure(bucket, configuration)

        hooks.replace(FakeBucket, "set_notification_configuration", set_checked)
        hooks.replace(s3_notifications, "_invoke_awslambda", self._send)

    def _check(self, bucket: Any, configuration: Mapping[str, Any]) -> None:
        entries = configuration.get("CloudFunctionConfiguration") or []
        for entry in entries if isinstance(entries, list) else [entries]:
            refusal = self._may_invoke(entry["CloudFunction"], _BUCKETS, bucket.arn)
            if refusal:
                _log.warning("bucket %s cannot notify: %s", bucket.name, refusal)
                raise S3ClientError(
                    "InvalidArgument",
                    f"Unable to validate the following destination configurations. {refusal}",
                )

    def _send(self, _account: str, event: dict[str, Any], function_arn: str, _region: str) -> None:
        bucket_arn = event["Records"][0]["s3"]["bucket"]["arn"]
        refusal = self._may_invoke(function_arn, _BUCKETS, bucket_arn)
        if refusal:
            _log.warning("a notification is lost: %s", refusal)
            return
        try:
            self._invoke_later(function_arn, json.dumps(event).encode())
        except UnknownFunction as gone:  # uploads succeed all the same, as in AWS
            _log.warning("%s notifies nobody: %s", bucket_arn, gone)


class TopicNotifications:
    """Invokes functions for topics.

    Parameters
    ----------
    invoke_later
        Takes an asynchronous event: function and payload.
    may_invoke
        Knows the functions' policies.
    bury
        Puts a message into a dead-letter queue: the queue's ARN and the text.
    now
        The cloud's time.
    """

    def __init__(
        self,
        *,
        invoke_later: Callable[[str, bytes], None],
        may_invoke: MayInvoke,
        bury: Callable[[str, str], None],
        now: Callable[[], datetime],
    ) -> None:
        self._invoke_later = invoke_later
        self._may_invoke = may_invoke
        self._bury = bury
        self._now = now

    def install(self, hooks: Hooks) -> None:
        """Deliver to functions what moto sends with a made-up topic; other protocols stay moto's."""
        publish = Subscription.publish

        def deliver(subscription: Any, message: str, message_id: str, **options: Any) -> None:
            if subscription.protocol == "lambda":
                self._publish(subscription, message, message_id, **options)
            else:
                publish(subscription, message, message_id, **options)

        hooks.replace(Subscription, "publish", deliver)

    def _publish(
        self,
        subscription: Any,
        message: str,
        message_id: str,
        *,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        message_structure: str | None = None,
        **_fifo: Any,
    ) -> None:
        matcher = subscription._filter_policy_matcher  # noqa: SLF001  moto has no accessor
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        if message_structure == "json":
            texts = json.loads(message)
            message = texts.get("lambda", texts.get("default"))
        notification = {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": subscription.topic_arn,
            "Subject": subject,
            "Message": message,
            "Timestamp": self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "SignatureVersion": "1",
            "Signature": "UNSIGNED",
            "SigningCertUrl": "",
            "UnsubscribeUrl": "",
            "MessageAttributes": message_attributes or {},
        }
        self._send(subscription, notification)

    def _send(self, subscription: Any, notification: Mapping[str, Any]) -> None:
        refusal = self._may_invoke(subscription.endpoint, _TOPICS, subscription.topic_arn)
        record = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription.arn,
            "Sns": notification,
        }
        try:
            if refusal:
                raise NotPermitted(refusal)
            self._invoke_later(subscription.endpoint, json.dumps({"Records": [record]}).encode())
        except EmulatorError as error:
            _log.warning("%s does not reach %s: %s", subscription.topic_arn, subscription.endpoint, error)
            redrive = json.loads(subscription.attributes.get("RedrivePolicy") or "{}")
            if redrive.get("deadLetterTargetArn"):
                self._bury(redrive["deadLetterTargetArn"], json.dumps(notification))
