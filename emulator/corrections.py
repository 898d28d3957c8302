"""Where moto's services answer otherwise than AWS documents: statuses and codes of errors, bucket names."""

import ipaddress
import re
from typing import Any

from moto.cognitoidp.models import CognitoIdpBackend
from moto.core.serialize import BaseJSONSerializer, S3Serializer
from moto.dynamodb.responses import DynamoHandler
from moto.logs.models import LogsBackend
from moto.s3.exceptions import InvalidBucketName, S3ClientError
from moto.s3.models import FakeDeleteMarker, S3Backend
from moto.s3.responses import S3Response

from emulator.events.hooks import Hooks

_S3_STATUSES = {
    "AccessDenied": 403,
    "BucketAlreadyExists": 409,
    "BucketAlreadyOwnedByYou": 409,
    "BucketNotEmpty": 409,
    "InvalidBucketState": 409,
    "InvalidObjectState": 403,
    "InvalidRange": 416,
    "MethodNotAllowed": 405,
    "NoSuchBucket": 404,
    "NoSuchBucketPolicy": 404,
    "NoSuchCORSConfiguration": 404,
    "NoSuchKey": 404,
    "NoSuchLifecycleConfiguration": 404,
    "NoSuchPublicAccessBlockConfiguration": 404,
    "NoSuchTagSet": 404,
    "NoSuchUpload": 404,
    "NoSuchVersion": 404,
    "NotImplemented": 501,
    "ObjectLockConfigurationNotFoundError": 404,
    "OwnershipControlsNotFoundError": 404,
    "PreconditionFailed": 412,
    "ReplicationConfigurationNotFoundError": 404,
    "ServerSideEncryptionConfigurationNotFoundError": 404,
}
"""From the list of S3's error codes; moto knows the few that the service's model names, and says 400 else."""

_QUERY_ERROR = "x-amzn-query-error"
_SQS_PREFIX = "AWS.SimpleQueueService."
_SQS_PREFIXED = frozenset(
    {
        "BatchEntryIdsNotDistinct",
        "BatchRequestTooLong",
        "InvalidBatchEntryId",
        "PurgeQueueInProgress",
        "TooManyEntriesInBatchRequest",
    }
)
_SIGN_IN = ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
_BUCKET_NAME = re.compile(r"(?!xn--)[a-z0-9](?:[a-z0-9-]|\.(?!\.))*[a-z0-9]")


def install(hooks: Hooks) -> None:
    """Have these services answer as documented.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    """
    _install_s3(hooks)
    _install_sqs(hooks)
    _install_dynamodb(hooks)
    _install_logs(hooks)
    _install_cognito(hooks)


def is_bucket_name(name: str) -> bool:
    """Say whether S3 takes a name for a general purpose bucket, its length apart.

    Parameters
    ----------
    name
        The name.

    Examples
    --------
    >>> [is_bucket_name(name) for name in ("data-2026.raw", "Data", "data_raw", "a..b", "10.0.0.1", "-data")]
    [True, False, False, False, False, False]
    """
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return _BUCKET_NAME.fullmatch(name) is not None
    return False


def _install_s3(hooks: Hooks) -> None:
    respond = S3Serializer._serialized_error_to_response  # noqa: SLF001  moto has no seam here
    create, read = S3Backend.create_bucket, S3Response._get_key  # noqa: SLF001  likewise

    def with_status(self: Any, resp: Any, error: Exception, shape: Any, serialized: Any) -> Any:
        answer = respond(self, resp, error, shape, serialized)
        answer["status_code"] = _S3_STATUSES.get(shape.error_code, answer["status_code"])
        return answer

    def checked_create(self: Any, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
        if not is_bucket_name(bucket_name):
            raise InvalidBucketName
        return create(self, bucket_name, *args, **kwargs)

    def read_no_marker(self: Any, *args: Any, **kwargs: Any) -> Any:
        version = self.querystring.get("versionId", [None])[0]
        if version is not None and _is_marker(self, version):
            message = "The specified method is not allowed against this resource."
            raise S3ClientError("MethodNotAllowed", message)
        return read(self, *args, **kwargs)

    hooks.replace(S3Serializer, "_serialized_error_to_response", with_status)
    hooks.replace(S3Backend, "create_bucket", checked_create)
    hooks.replace(S3Response, "_get_key", read_no_marker)


def _is_marker(response: Any, version: str) -> bool:
    found = response.backend.get_object(
        response.bucket_name, response.parse_key_name(), version_id=version, return_delete_marker=True
    )
    return isinstance(found, FakeDeleteMarker)


def _install_sqs(hooks: Hooks) -> None:
    add_code = BaseJSONSerializer._serialize_query_compatible_error_to_response  # noqa: SLF001  likewise

    def with_prefix(self: Any, resp: Any, shape: Any) -> None:
        add_code(self, resp, shape)
        if shape.error_code in _SQS_PREFIXED:
            resp["headers"][_QUERY_ERROR] = _SQS_PREFIX + resp["headers"][_QUERY_ERROR]

    hooks.replace(BaseJSONSerializer, "_serialize_query_compatible_error_to_response", with_prefix)


def _install_dynamodb(hooks: Hooks) -> None:
    update = DynamoHandler.update_item

    def without_key(self: Any) -> Any:
        """Leave the key out of what was updated, which moto counts when the update made the item.

        An update that says nothing makes the item of that key, as in AWS; moto fails on it.
        """
        if "UpdateExpression" not in self.body:
            self.body.setdefault("AttributeUpdates", {})
        answer: Any = update(self)
        attributes = answer.result.get("Attributes")
        if self.body.get("ReturnValues") == "UPDATED_NEW" and attributes:
            for name in self.body["Key"]:
                attributes.pop(name, None)
        return answer

    hooks.replace(DynamoHandler, "update_item", without_key)


def _install_logs(hooks: Hooks) -> None:
    put = LogsBackend.put_metric_filter

    def put_over(self: Any, filter_name: str, filter_pattern: str, log_group_name: str, *args: Any) -> None:
        """Put a filter in the place of the group's one of that name: moto keeps both."""
        kept = [
            each
            for each in self.filters.metric_filters
            if (each["filterName"], each["logGroupName"]) != (filter_name, log_group_name)
        ]
        self.filters.metric_filters = kept
        put(self, filter_name, filter_pattern, log_group_name, *args)

    hooks.replace(LogsBackend, "put_metric_filter", put_over)


def _install_cognito(hooks: Hooks) -> None:
    update = CognitoIdpBackend.update_user_pool

    def update_kept(self: Any, user_pool_id: str, extended_config: dict[str, Any]) -> None:
        """Keep what a pool is made with once and for all: moto forgets how its users sign in."""
        pool = self.describe_user_pool(user_pool_id)
        kept = {name: pool.extended_config[name] for name in _SIGN_IN if name in pool.extended_config}
        update(self, user_pool_id, {**extended_config, **kept})
        pool.mfa_config = extended_config.get("MfaConfiguration") or "OFF"

    hooks.replace(CognitoIdpBackend, "update_user_pool", update_kept)
