"""What buckets tell: events for EventBridge, and notifications straight to queues and topics.

moto names fewer fields, knows no delete markers here, stamps the wall's time, and passes over in silence
what it cannot deliver. Notifications to functions are looked after where functions' policies are.
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from moto.s3 import notifications as s3_notifications
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket

from emulator.events.clock import Clock
from emulator.events.hooks import Hooks
from emulator.events.targets import Delivery, Targets
from emulator.identity.service_access import BUCKETS, Sending, ServiceAccess

_log = logging.getLogger(__name__)

_CREATED_REASONS = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}
_DELETION_TYPES = {
    "s3:ObjectRemoved:Delete": "Permanently Deleted",
    "s3:ObjectRemoved:DeleteMarkerCreated": "Delete Marker Created",
    "s3:LifecycleExpiration:Delete": "Permanently Deleted",
    "s3:LifecycleExpiration:DeleteMarkerCreated": "Delete Marker Created",
}
_LIFECYCLE = "s3:LifecycleExpiration:"
_SERVICE = "s3.amazonaws.com"
_DESTINATIONS = (("QueueConfiguration", "Queue"), ("TopicConfiguration", "Topic"))
_SOURCE_IP = "127.0.0.1"


class Buckets:
    """Tells of changes in moto's buckets.

    Parameters
    ----------
    clock
        Dates events.
    targets
        Delivers notifications.
    access
        Says where buckets may deliver.
    publish
        Puts an event on the default bus of an account and region.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        targets: Targets,
        access: ServiceAccess,
        publish: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        self._clock = clock
        self._targets = targets
        self._access = access
        self._publish = publish
        self._sequence = 0
        self._lock = threading.Lock()

    def install(self, hooks: Hooks) -> None:
        """Take over S3's events and notifications from moto."""
        configure = FakeBucket.set_notification_configuration

        def set_checked(bucket: Any, configuration: dict[str, Any] | None) -> None:
            self._check(bucket, configuration or {})
            configure(bucket, configuration)

        hooks.replace(FakeBucket, "set_notification_configuration", set_checked)
        hooks.replace(s3_notifications, "_send_event_bridge_message", self._to_bus)
        hooks.replace(s3_notifications, "_get_s3_event", self._notification)
        hooks.replace(s3_notifications, "_get_test_event", self._test_event)
        hooks.replace(s3_notifications, "_send_sqs_message", self._to_queue)
        hooks.replace(s3_notifications, "_send_sns_message", self._to_topic)

    def _check(self, bucket: Any, configuration: Mapping[str, Any]) -> None:
        for kind, field in _DESTINATIONS:
            entries = configuration.get(kind) or []
            for entry in entries if isinstance(entries, list) else [entries]:
                refusal = self._access.refusal(Sending(BUCKETS, bucket.arn, entry[field]))
                if refusal:
                    raise S3ClientError(
                        "InvalidArgument",
                        f"Unable to validate the following destination configurations. {refusal}",
                    )

    def _to_bus(self, account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": s3_notifications._detail_type(event_name),  # noqa: SLF001  the names are moto's table
            "source": "aws.s3",
            "account": account_id,
            "time": f"{self._clock.now():%Y-%m-%dT%H:%M:%SZ}",
            "region": bucket.region_name,
            "resources": [bucket.arn],
            "detail": self._detail(account_id, bucket, _text(event_name), key),
        }
        self._publish(account_id, bucket.region_name, event)

    def _detail(self, account_id: str, bucket: Any, name: str, key: Any) -> dict[str, Any]:
        changed: dict[str, Any] = {"key": key.name}
        if name in _CREATED_REASONS or "Restore" in name:
            changed["size"] = key.size
        if hasattr(key, "etag"):  # a delete marker has none
            changed["etag"] = key.etag.replace('"', "")
        changed |= _version(bucket, key, "version-id")
        if name in _CREATED_REASONS or name in _DELETION_TYPES:
            changed["sequencer"] = self._next_sequencer()
        detail: dict[str, Any] = {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": changed,
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": account_id,
            "source-ip-address": _SOURCE_IP,
        }
        if name in _CREATED_REASONS:
            detail["reason"] = _CREATED_REASONS[name]
        if name in _DELETION_TYPES:
            detail |= {"reason": "DeleteObject", "deletion-type": _DELETION_TYPES[name]}
        if name.startswith(_LIFECYCLE):
            detail |= {"reason": "Lifecycle Expiration", "requester": _SERVICE}
            del detail["source-ip-address"]
        return detail

    def _notification(self, event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, Any]:
        name = _text(event_name)
        changed: dict[str, Any] = {"key": quote_plus(key.name, safe="/")}
        if name not in _DELETION_TYPES:
            changed |= {"size": key.size, "eTag": key.etag.replace('"', "")}
        changed |= {**_version(bucket, key, "versionId"), "sequencer": self._next_sequencer()}
        record = {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": bucket.region_name,
            "eventTime": _milliseconds(self._clock.now()),
            "eventName": name.removeprefix("s3:"),
            "userIdentity": {"principalId": bucket.account_id},
            "requestParameters": {"sourceIPAddress": _SOURCE_IP},
            "responseElements": {"x-amz-request-id": uuid.uuid4().hex[:16].upper(), "x-amz-id-2": ""},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": notification_id,
                "bucket": {
                    "name": bucket.name,
                    "ownerIdentity": {"principalId": bucket.account_id},
                    "arn": bucket.arn,
                },
                "object": changed,
            },
        }
        return {"Records": [record]}

    def _test_event(self, bucket_name: str) -> dict[str, Any]:
        return {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": _milliseconds(self._clock.now()),
            "Bucket": bucket_name,
            "RequestId": uuid.uuid4().hex[:16].upper(),
            "HostId": "",
        }

    def _to_queue(self, account_id: str, event: dict[str, Any], queue_name: str, region: str) -> None:
        self._send(f"arn:aws:sqs:{region}:{account_id}:{queue_name}", event)

    def _to_topic(self, _account_id: str, event: dict[str, Any], topic_arn: str, _region: str) -> None:
        self._send(topic_arn, event)

    def _send(self, arn: str, event: dict[str, Any]) -> None:
        name = event["Bucket"] if "Bucket" in event else event["Records"][0]["s3"]["bucket"]["name"]
        source_arn = f"arn:aws:s3:::{name}"
        try:
            self._targets.send(Delivery(arn, json.dumps(event), source_arn, service=BUCKETS))
        except Exception as error:  # noqa: BLE001  the change of the object has happened, whoever hears of it
            _log.warning("%s does not notify %s: %s", source_arn, arn, error)

    def _next_sequencer(self) -> str:
        """Give a hexadecimal number that grows with every change of any object."""
        with self._lock:
            self._sequence += 1
            return f"{int(self._clock.epoch_seconds()):08X}{self._sequence:010X}"


def _text(event_name: str) -> str:
    return str(getattr(event_name, "value", event_name))


def _version(bucket: Any, key: Any, name: str) -> dict[str, str]:
    version = key.version_id if bucket.is_versioned else None
    return {} if version in {None, "null"} else {name: str(version)}


def _milliseconds(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
