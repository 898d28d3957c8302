"""DynamoDB: tables, and CDK's TableV2 in one region."""

from dataclasses import replace
from typing import Any

from emulator.resources import table_changes
from emulator.resources.base import Made, Properties, Request, ResourceType, words
from emulator.resources.tagging import retag

_STREAM_VIEW = "StreamViewType"
_FIXED = words("TableName KeySchema LocalSecondaryIndexes")
_REPLICA = words(
    "Region Tags PointInTimeRecoverySpecification DeletionProtectionEnabled ContributorInsightsSpecification "
    "GlobalSecondaryIndexes"
)
_OF_THE_TABLE = words("Region GlobalSecondaryIndexes")
"""What a replica says that the table says too: where it is, and which indexes it has by name."""


def _create_table(request: Request) -> Made:
    properties = request.properties
    arguments: Properties = {
        "TableName": request.name,
        "BillingMode": properties.get("BillingMode", "PROVISIONED"),
        **request.pick(
            "AttributeDefinitions",
            "KeySchema",
            "GlobalSecondaryIndexes",
            "LocalSecondaryIndexes",
            "ProvisionedThroughput",
            "DeletionProtectionEnabled",
        ),
    }
    if "StreamSpecification" in properties:
        arguments["StreamSpecification"] = {
            "StreamEnabled": True,
            _STREAM_VIEW: properties["StreamSpecification"][_STREAM_VIEW],
        }
    if properties.get("SSESpecification", {}).get("SSEEnabled"):
        arguments["SSESpecification"] = table_changes.encryption(properties)
    if request.tags():
        arguments["Tags"] = [{"Key": key, "Value": value} for key, value in request.tags().items()]
    table = request.client("dynamodb").create_table(**arguments)["TableDescription"]
    return Made(request.name, _attributes(table))


def _attributes(table: Properties) -> Properties:
    return {
        "Arn": table["TableArn"],
        "StreamArn": table["LatestStreamArn"] if "StreamSpecification" in table else "",
        "TableId": table.get("TableId", ""),
    }


def _configure(request: Request, made: Made) -> None:
    """Set what DynamoDB takes in calls of its own."""
    client, properties, table = request.client("dynamodb"), request.properties, made.physical_id
    current = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovers = current["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    recovery = properties.get("PointInTimeRecoverySpecification") or {"PointInTimeRecoveryEnabled": False}
    if recovers or recovery["PointInTimeRecoveryEnabled"]:
        client.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=recovery)
    expiry = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    expires = expiry.get("TimeToLiveStatus") == "ENABLED"
    wanted = {"AttributeName": expiry.get("AttributeName"), **properties.get("TimeToLiveSpecification", {})}
    wanted["Enabled"] = bool(wanted.get("Enabled"))
    if wanted["Enabled"] != expires or (expires and wanted["AttributeName"] != expiry["AttributeName"]):
        client.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)


def _update_table(request: Request, made: Made) -> Made:
    table = table_changes.change(request, made.properties, made.physical_id)
    _configure(request, made)
    retag(request, made.attributes["Arn"])
    return replace(made, attributes=_attributes(table))


def _delete_table(request: Request, made: Made) -> None:
    request.client("dynamodb").delete_table(TableName=made.physical_id)


def _as_table(request: Request) -> Request:
    """Read a global table of one replica as the plain table it is."""
    replicas: list[dict[str, Any]] = request.properties.get("Replicas", [])
    if [replica.get("Region") for replica in replicas] != [request.services.region]:
        raise ValueError(
            f"Replicas names {[r.get('Region') for r in replicas]}; the local cloud is one region, "
            f"{request.services.region}"
        )
    unknown = replicas[0].keys() - _REPLICA
    if unknown:
        raise ValueError(f"Replicas has {sorted(unknown)}, which the local cloud does not model")
    return replace(request, properties=_flat(request.properties))


def _flat(properties: Properties) -> Properties:
    """Put what is said of the one replica beside what is said of the table."""
    replica = {key: value for key, value in properties["Replicas"][0].items() if key not in _OF_THE_TABLE}
    return {key: value for key, value in properties.items() if key != "Replicas"} | replica


def _create_global(request: Request) -> Made:
    return _create_table(_as_table(request))


def _configure_global(request: Request, made: Made) -> None:
    _configure(_as_table(request), made)


def _update_global(request: Request, made: Made) -> Made:
    return _update_table(_as_table(request), replace(made, properties=_flat(made.properties)))


TYPES = (
    ResourceType(
        "AWS::DynamoDB::Table",
        honoured=words(
            "TableName AttributeDefinitions KeySchema BillingMode ProvisionedThroughput "
            "GlobalSecondaryIndexes "
            "LocalSecondaryIndexes StreamSpecification TimeToLiveSpecification DeletionProtectionEnabled "
            "PointInTimeRecoverySpecification SSESpecification Tags"
        ),
        accepted={"ContributorInsightsSpecification": "no contributor insights are gathered"},
        attributes=words("Arn StreamArn"),
        create=_create_table,
        finish=_configure,
        update=_update_table,
        delete=_delete_table,
        replaced_by=_FIXED,
        replaced_when=table_changes.retypes_attributes,
        name_property="TableName",
        generated_name_limit=255,
        note="point-in-time recovery is recorded, not performed; expired items are deleted at their second",
    ),
    ResourceType(
        "AWS::DynamoDB::GlobalTable",
        honoured=words(
            "TableName AttributeDefinitions KeySchema BillingMode GlobalSecondaryIndexes "
            "LocalSecondaryIndexes "
            "StreamSpecification TimeToLiveSpecification SSESpecification Replicas"
        ),
        attributes=words("Arn StreamArn TableId"),
        create=_create_global,
        finish=_configure_global,
        update=_update_global,
        delete=_delete_table,
        replaced_by=_FIXED,
        replaced_when=table_changes.retypes_attributes,
        name_property="TableName",
        generated_name_limit=255,
        note="CDK's TableV2, with one replica in the local cloud's region",
    ),
)
