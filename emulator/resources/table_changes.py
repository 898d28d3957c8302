"""What an update of a template changes at a table that stays, and its items with it."""

from typing import Any

from emulator.resources.base import Properties, Request

_THROUGHPUT = "ProvisionedThroughput"


def retypes_attributes(before: Properties, wanted: Properties) -> bool:
    """Say whether an attribute is to have another type, which takes another table.

    Parameters
    ----------
    before, wanted
        Properties of the table.

    Examples
    --------
    >>> text = {"AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]}
    >>> number = {"AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "N"}]}
    >>> retypes_attributes(text, number), retypes_attributes(text, {"AttributeDefinitions": []})
    (True, False)
    """
    types, wanted_types = (
        {each["AttributeName"]: each["AttributeType"] for each in properties.get("AttributeDefinitions", [])}
        for properties in (before, wanted)
    )
    return any(wanted_types.get(name, kind) != kind for name, kind in types.items())


def change(request: Request, before: Properties, table: str) -> Properties:
    """Change indexes, capacity, stream, encryption and protection of a table to what is wanted.

    Most is compared with the table itself, since a change that failed halfway is undone this way.

    Parameters
    ----------
    request
        The wanted properties.
    before
        The properties until now.
    table
        Its name.

    Returns
    -------
    dict
        The table as DynamoDB describes it afterwards.

    Raises
    ------
    ValueError
        CloudFormation would not make this change.
    """
    client = request.client("dynamodb")
    there = client.describe_table(TableName=table)["Table"]
    calls = [
        _capacity_and_indexes(request, there),
        *_stream(request, there),
        _encryption(request, before),
        _protection(request, there),
    ]
    for call in calls:
        if call:
            client.update_table(TableName=table, **call)
    changed: Properties = client.describe_table(TableName=table)["Table"]
    return changed


def _capacity_and_indexes(request: Request, there: Properties) -> Properties:
    wanted = request.properties
    mode = wanted.get("BillingMode", "PROVISIONED")
    call: Properties = {}
    if mode != there["BillingModeSummary"]["BillingMode"]:
        call["BillingMode"] = mode
    if _THROUGHPUT in wanted and not _same_capacity(wanted, there):
        call[_THROUGHPUT] = _units(wanted[_THROUGHPUT])
    changes = _index_changes(
        {index["IndexName"]: index for index in there.get("GlobalSecondaryIndexes", [])},
        {index["IndexName"]: index for index in wanted.get("GlobalSecondaryIndexes", [])},
    )
    if changes:
        call["GlobalSecondaryIndexUpdates"] = changes
        call["AttributeDefinitions"] = wanted["AttributeDefinitions"]
    return call


def _index_changes(there: dict[str, Properties], wanted: dict[str, Properties]) -> list[Properties]:
    """List what makes the indexes those that are wanted; one may come or go at a time."""
    for name in there.keys() & wanted.keys():
        if _shape(there[name]) != _shape(wanted[name]):
            raise ValueError(
                f"index {name}: Cannot update GSI's properties other than Provisioned Throughput and "
                "Contributor Insights Specification. You can create a new GSI with a different name."
            )
    gone, new = sorted(there.keys() - wanted.keys()), sorted(wanted.keys() - there.keys())
    if len(gone) + len(new) > 1:
        raise ValueError(
            "Cannot perform more than one GSI creation or deletion in a single update: "
            f"to be created {new}, to be deleted {gone}; deploy them one after the other"
        )
    changed = [
        {"IndexName": name, _THROUGHPUT: _units(wanted[name][_THROUGHPUT])}
        for name in sorted(there.keys() & wanted.keys())
        if _THROUGHPUT in wanted[name] and not _same_capacity(wanted[name], there[name])
    ]
    return [
        *({"Update": each} for each in changed),
        *({"Delete": {"IndexName": name}} for name in gone),
        *({"Create": wanted[name]} for name in new),
    ]


def _shape(index: Properties) -> tuple[Any, ...]:
    projection = index["Projection"]
    keys = sorted((key["KeyType"], key["AttributeName"]) for key in index["KeySchema"])
    return keys, projection.get("ProjectionType"), sorted(projection.get("NonKeyAttributes", []))


def _units(throughput: Properties) -> dict[str, int]:
    return {name: int(throughput[name]) for name in ("ReadCapacityUnits", "WriteCapacityUnits")}


def _same_capacity(wanted: Properties, there: Properties) -> bool:
    return _units(wanted[_THROUGHPUT]) == _units(there[_THROUGHPUT])


def _stream(request: Request, there: Properties) -> list[Properties]:
    """Turn the stream on or off; one with another view is another stream."""
    before = there.get("StreamSpecification", {}).get("StreamViewType")
    wanted = request.properties.get("StreamSpecification", {}).get("StreamViewType")
    if before == wanted:
        return []
    off: Properties = {"StreamSpecification": {"StreamEnabled": False}}
    on: Properties = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": wanted}}
    return [*([off] if before else []), *([on] if wanted else [])]


def encryption(properties: Properties) -> Properties:
    """Spell ``SSESpecification`` of a template as the API does.

    Parameters
    ----------
    properties
        Properties of the table.

    Returns
    -------
    dict
        Encryption by DynamoDB's own key where the template asks for nothing else.
    """
    given = properties.get("SSESpecification", {})
    if not given.get("SSEEnabled"):
        return {"Enabled": False}
    return {"Enabled": True, **{name: given[name] for name in ("SSEType", "KMSMasterKeyId") if name in given}}


def _encryption(request: Request, before: Properties) -> Properties:
    wanted = encryption(request.properties)
    return {} if wanted == encryption(before) else {"SSESpecification": wanted}


def _protection(request: Request, there: Properties) -> Properties:
    wanted = bool(request.properties.get("DeletionProtectionEnabled"))
    return {} if there["DeletionProtectionEnabled"] == wanted else {"DeletionProtectionEnabled": wanted}
