"""UpdateTable as DynamoDB documents it: what moto takes in silence is checked, what it forgets is done.

moto deletes indexes that do not exist with a stack trace, knows no change of encryption, and cannot turn a
stream on that was turned off. A stream that is off can be read to its end, as in AWS.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.exceptions import MockValidationException, ResourceNotFoundException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.models import DynamoDBStreamsBackend

from emulator.events.hooks import Hooks

_INVALID = "One or more parameter values were invalid: "
_ON_DEMAND = "PAY_PER_REQUEST"
_NO_CAPACITY = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}


class _LimitExceeded(JsonRESTError):
    """More is asked for at once than DynamoDB does."""

    def __init__(self, message: str) -> None:
        super().__init__("com.amazonaws.dynamodb.v20120810#LimitExceededException", message)


def install(hooks: Hooks) -> None:
    """Have tables change as documented.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    """
    update, expire = DynamoHandler.update_table, DynamoHandler.update_time_to_live
    describe_stream = DynamoDBStreamsBackend.describe_stream

    def update_table(self: Any) -> Any:
        table, body = self.dynamodb_backend.get_table(self.body["TableName"]), self.body
        attributes = _attributes_of(table, body)
        _check_indexes(table, body.get("GlobalSecondaryIndexUpdates", []), attributes)
        _check_capacity(table, body)
        if "SSESpecification" in body:
            _encrypt(table, body["SSESpecification"])
        answer: Any = update(self)
        if table.billing_mode == _ON_DEMAND:
            table.throughput = {**_NO_CAPACITY, "NumberOfDecreasesToday": 0}
        table.attr = [attributes[name] for name in dict.fromkeys(table.attribute_keys)]
        answer.result.update(table.describe())
        return answer

    def update_time_to_live(self: Any) -> Any:
        table = self.dynamodb_backend.get_table(self.body["TableName"])
        _check_expiry(table.ttl, self.body["TimeToLiveSpecification"])
        return expire(self)

    def with_status(self: Any, arn: str) -> Any:
        stream = describe_stream(self, arn)
        enabled = self._get_table_from_arn(arn).stream_specification["StreamEnabled"]
        return {**stream, "StreamStatus": "ENABLED" if enabled else "DISABLED"}

    hooks.replace(DynamoHandler, "update_table", update_table)
    hooks.replace(DynamoHandler, "update_time_to_live", update_time_to_live)
    hooks.replace(DynamoDBBackend, "update_table_streams", _update_stream)
    hooks.replace(DynamoDBStreamsBackend, "describe_stream", with_status)


def _attributes_of(table: Any, body: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Give the definitions of attributes by name: those the table has, and those the request brings."""
    known = {each["AttributeName"]: each for each in table.attr}
    given = {each["AttributeName"]: each for each in body.get("AttributeDefinitions", [])}
    for name, definition in given.items():
        if name in table.attribute_keys and known[name] != definition:
            raise MockValidationException(
                f"{_INVALID}Table key or index key attribute {name} cannot change its type from "
                f"{known[name]['AttributeType']} to {definition['AttributeType']}"
            )
    return known | given


def _check_indexes(
    table: Any, updates: Iterable[Mapping[str, Any]], attributes: Mapping[str, Mapping[str, str]]
) -> None:
    changes = [(kind, each) for update in updates for kind, each in update.items()]
    if sum(kind != "Update" for kind, _ in changes) > 1:
        raise _LimitExceeded(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously "
            f"per table; table {table.name} is asked for {len(changes)} changes"
        )
    present = {index.name for index in table.global_indexes}
    for kind, index in changes:
        if kind == "Create":
            _check_new_index(index, present | {each.name for each in table.indexes}, attributes)
        elif index["IndexName"] not in present:
            raise ResourceNotFoundException(
                f"Requested resource not found: Table {table.name} has no index {index['IndexName']}"
            )


def _check_new_index(
    index: Mapping[str, Any], present: set[str], attributes: Mapping[str, Mapping[str, str]]
) -> None:
    if index["IndexName"] in present:
        raise MockValidationException("Attempting to create an index which already exists")
    missing = [key["AttributeName"] for key in index["KeySchema"] if key["AttributeName"] not in attributes]
    if missing:
        raise MockValidationException(
            f"{_INVALID}Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(missing)}], AttributeDefinitions: [{', '.join(sorted(attributes))}]"
        )


def _check_capacity(table: Any, body: Mapping[str, Any]) -> None:
    """Hold table and indexes against the way they are to be paid for."""
    given, needing = _with_capacity(body), _needing_capacity(table, body)
    if body.get("BillingMode", table.billing_mode) == _ON_DEMAND:
        if given:
            raise MockValidationException(
                f"{_INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for "
                f"{', '.join(sorted(given))} when BillingMode is PAY_PER_REQUEST"
            )
    elif needing - given:
        raise MockValidationException(
            f"{_INVALID}ReadCapacityUnits and WriteCapacityUnits must both be specified for "
            f"{', '.join(sorted(needing - given))} when BillingMode is PROVISIONED"
        )


def _with_capacity(body: Mapping[str, Any]) -> set[str]:
    """Name what the request gives capacity to."""
    indexes = {
        f"index {index['IndexName']}"
        for update in body.get("GlobalSecondaryIndexUpdates", [])
        for index in update.values()
        if "ProvisionedThroughput" in index
    }
    return indexes | ({"the table"} if "ProvisionedThroughput" in body else set())


def _needing_capacity(table: Any, body: Mapping[str, Any]) -> set[str]:
    """Name what has no capacity so far, should it be provisioned after the request."""
    updates = body.get("GlobalSecondaryIndexUpdates", [])
    new = {f"index {update['Create']['IndexName']}" for update in updates if "Create" in update}
    gone = {f"index {update['Delete']['IndexName']}" for update in updates if "Delete" in update}
    if table.billing_mode != _ON_DEMAND:
        return new
    return (new | {"the table"} | {f"index {index.name}" for index in table.global_indexes}) - gone


def _encrypt(table: Any, wanted: Mapping[str, Any]) -> None:
    encryption = dict(wanted)
    if encryption.get("Enabled") and "KMSMasterKeyId" not in encryption:
        encryption["KMSMasterKeyId"] = table._get_default_encryption_key(  # noqa: SLF001  moto has no seam here
            table.account_id, table.region_name
        )
    table.sse_specification = encryption


def _check_expiry(current: Mapping[str, str], wanted: Mapping[str, Any]) -> None:
    enabled, name = current.get("TimeToLiveStatus") == "ENABLED", current.get("AttributeName")
    if enabled and name != wanted["AttributeName"]:
        raise MockValidationException(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {name}"
        )
    if enabled == bool(wanted["Enabled"]):
        raise MockValidationException(f"TimeToLive is already {'enabled' if enabled else 'disabled'}")


def _update_stream(_backend: Any, table: Any, wanted: Mapping[str, Any]) -> None:
    enabled = bool((table.stream_specification or {}).get("StreamEnabled"))
    if bool(wanted.get("StreamEnabled")) == enabled:
        state = "an enabled stream" if enabled else "no enabled stream"
        raise MockValidationException(f"Table already has {state}: TableName: {table.name}")
    if enabled:
        table.stream_specification = {**table.stream_specification, "StreamEnabled": False}
    else:
        table.set_stream_specification(dict(wanted))
