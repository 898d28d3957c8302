"""DynamoDB: tables, and CDK's TableV2 in one region."""

from dataclasses import replace
from typing import Any

from emulator.resources.base import Made, Properties, Request, ResourceType, words

_STREAM_VIEW = "StreamViewType"
_KEY = words("TableName AttributeDefinitions KeySchema GlobalSecondaryIndexes LocalSecondaryIndexes")


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
    encryption = properties.get("SSESpecification", {})
    if encryption.get("SSEEnabled"):
        arguments["SSESpecification"] = {
            "Enabled": True,
            **{k: encryption[k] for k in ("SSEType", "KMSMasterKeyId") if k in encryption},
        }
    if request.tags():
        arguments["Tags"] = [{"Key": key, "Value": value} for key, value in request.tags().items()]
    table = request.client("dynamodb").create_table(**arguments)["TableDescription"]
    _configure(request, request.name)
    return Made(
        request.name,
        {
            "Arn": table["TableArn"],
            "StreamArn": table.get("LatestStreamArn", ""),
            "TableId": table.get("TableId", ""),
        },
    )


def _configure(request: Request, table: str) -> None:
    """Set what a table can be given without being made anew."""
    client, properties = request.client("dynamodb"), request.properties
    recovery = properties.get("PointInTimeRecoverySpecification")
    if recovery:
        client.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=recovery)
    expiry = properties.get("TimeToLiveSpecification")
    if expiry:
        wanted = {"Enabled": bool(expiry["Enabled"]), "AttributeName": expiry["AttributeName"]}
        current = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if (current.get("TimeToLiveStatus") == "ENABLED") != wanted["Enabled"]:
            client.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)


def _update_table(request: Request, made: Made) -> Made:
    if "DeletionProtectionEnabled" in request.properties:
        request.client("dynamodb").update_table(
            TableName=made.physical_id,
            DeletionProtectionEnabled=request.properties["DeletionProtectionEnabled"],
        )
    _set_capacity(request, made)
    _configure(request, made.physical_id)
    if request.properties.get("Tags") != made.properties.get("Tags"):
        _retag(request, made.attributes["Arn"])
    return made


def _set_capacity(request: Request, made: Made) -> None:
    """Change how the table is paid for, which keeps its items."""
    names = ("BillingMode", "ProvisionedThroughput")
    if any(request.properties.get(name) != made.properties.get(name) for name in names):
        wanted = {"BillingMode": "PROVISIONED", **request.pick(*names)}
        request.client("dynamodb").update_table(TableName=made.physical_id, **wanted)


def _retag(request: Request, arn: str) -> None:
    client = request.client("dynamodb")
    before = [tag["Key"] for tag in client.list_tags_of_resource(ResourceArn=arn)["Tags"]]
    if before:
        client.untag_resource(ResourceArn=arn, TagKeys=before)
    tags = [{"Key": key, "Value": value} for key, value in request.tags().items()]
    if tags:
        client.tag_resource(ResourceArn=arn, Tags=tags)


def _delete_table(request: Request, made: Made) -> None:
    request.client("dynamodb").delete_table(TableName=made.physical_id)


def _as_table(request: Request) -> Request:
    """Read a global table of one replica as the plain table it is."""
    properties = {key: value for key, value in request.properties.items() if key != "Replicas"}
    replicas: list[dict[str, Any]] = request.properties.get("Replicas", [])
    if [replica.get("Region") for replica in replicas] != [request.services.region]:
        raise ValueError(
            f"Replicas names {[r.get('Region') for r in replicas]}; the local cloud is one region, "
            f"{request.services.region}"
        )
    replica = {key: value for key, value in replicas[0].items() if key not in {"Region", "Tags"}}
    known = {
        "PointInTimeRecoverySpecification",
        "DeletionProtectionEnabled",
        "ContributorInsightsSpecification",
    }
    if set(replica) - known:
        raise ValueError(f"Replicas has {sorted(set(replica) - known)}, which the local cloud does not model")
    if "Tags" in replicas[0]:
        properties["Tags"] = replicas[0]["Tags"]
    properties |= replica
    return replace(request, properties=properties)


def _create_global(request: Request) -> Made:
    return _create_table(_as_table(request))


def _update_global(request: Request, made: Made) -> Made:
    return _update_table(_as_table(request), made)


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
        update=_update_table,
        delete=_delete_table,
        replaced_by=_KEY | words("StreamSpecification SSESpecification"),
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
        update=_update_global,
        delete=_delete_table,
        replaced_by=_KEY | words("StreamSpecification SSESpecification"),
        name_property="TableName",
        generated_name_limit=255,
        note="CDK's TableV2, with one replica in the local cloud's region",
    ),
)
