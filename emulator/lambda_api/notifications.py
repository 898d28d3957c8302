"""Buckets that notify functions: only those that let S3 invoke them, and each under the name it was given."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from moto.s3 import notifications as s3_notifications
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket

from emulator.errors import UnknownFunction
from emulator.events.hooks import Hooks

_log = logging.getLogger(__name__)

_PRINCIPAL = "s3.amazonaws.com"

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
            refusal = self._may_invoke(entry["CloudFunction"], _PRINCIPAL, bucket.arn)
            if refusal:
                _log.warning("bucket %s cannot notify: %s", bucket.name, refusal)
                raise S3ClientError(
                    "InvalidArgument",
                    f"Unable to validate the following destination configurations. {refusal}",
                )

    def _send(self, _account: str, event: dict[str, Any], function_arn: str, _region: str) -> None:
        bucket_arn = event["Records"][0]["s3"]["bucket"]["arn"]
        refusal = self._may_invoke(function_arn, _PRINCIPAL, bucket_arn)
        if refusal:
            _log.warning("a notification is lost: %s", refusal)
            return
        try:
            self._invoke_later(function_arn, json.dumps(event).encode())
        except UnknownFunction as gone:  # uploads succeed all the same, as in AWS
            _log.warning("%s notifies nobody: %s", bucket_arn, gone)
