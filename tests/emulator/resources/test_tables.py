"""Tables that change with their template: in place with their items, and only as AWS lets them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.cloud import Cloud

ITEM = {"k": {"S": "kept"}, "colour": {"S": "red"}, "size": {"N": "3"}}
TYPES = {"k": "S", "colour": "S", "size": "N"}


class Refused(Exception):
    """An update was rolled back."""


class OneTable:
    """A stack of one table with one item; `change` updates it."""

    def __init__(self, cloud: Cloud, stack: str, kind: str = "Table") -> None:
        self.cloud, self.stack, self.kind = cloud, stack, kind
        self.client = cloud.client("dynamodb")
        self.change(client_call="create_stack")
        self.client.put_item(TableName=self.name, Item=ITEM)

    def change(self, *, client_call: str = "update_stack", types: Any = None, **properties: Any) -> None:
        """Bring the stack to a table with these properties beside its key."""
        keyed = {"k", *(key["AttributeName"] for key in _keys_of(properties))}
        defined = {**TYPES, **(types or {})}
        table = {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": defined[name]} for name in sorted(keyed)
            ],
            **({"Replicas": [{"Region": "us-east-1"}]} if self.kind == "GlobalTable" else {}),
            **properties,
        }
        wanted = {key: value for key, value in table.items() if value is not None}
        outputs = {"Name": {"Value": {"Ref": "T"}}, "Stream": {"Value": {"Fn::GetAtt": ["T", "StreamArn"]}}}
        resources = {"T": {"Type": f"AWS::DynamoDB::{self.kind}", "Properties": wanted}}
        formation = self.cloud.client("cloudformation")
        getattr(formation, client_call)(
            StackName=self.stack, TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs})
        )
        stack = formation.describe_stacks(StackName=self.stack)["Stacks"][0]
        if "ROLLBACK" in stack["StackStatus"]:
            raise Refused(stack["StackStatusReason"])
        out = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        self.name, self.stream = out["Name"], out["Stream"]

    @property
    def described(self) -> dict[str, Any]:
        description: dict[str, Any] = self.client.describe_table(TableName=self.name)["Table"]
        return description

    def indexes(self) -> list[str]:
        return [index["IndexName"] for index in self.described.get("GlobalSecondaryIndexes", [])]

    def has_item(self) -> bool:
        return "Item" in self.client.get_item(TableName=self.name, Key={"k": ITEM["k"]})

    def found_by(self, attribute: str) -> int:
        """Count items that the index over an attribute finds."""
        answer = self.client.query(
            TableName=self.name,
            IndexName=f"by-{attribute}",
            KeyConditionExpression="#a = :a",
            ExpressionAttributeNames={"#a": attribute},
            ExpressionAttributeValues={":a": ITEM[attribute]},
        )
        return int(answer["Count"])


def _keys_of(properties: dict[str, Any]) -> Iterator[dict[str, str]]:
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for index in properties.get(kind, []):
            yield from index["KeySchema"]


def over(attribute: str, **more: Any) -> dict[str, Any]:
    """Describe an index over an attribute."""
    return {
        "IndexName": f"by-{attribute}",
        "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        **more,
    }


@pytest.mark.parametrize("kind", ["Table", "GlobalTable"])
def test_an_index_comes_and_goes_and_the_items_stay(cloud: Cloud, kind: str) -> None:
    table = OneTable(cloud, f"Indexed{kind}", kind)
    name = table.name
    table.change(GlobalSecondaryIndexes=[over("colour")])
    assert table.found_by("colour") == 1
    table.change(GlobalSecondaryIndexes=[over("colour"), over("size")])
    assert (table.found_by("colour"), table.found_by("size")) == (1, 1)
    table.change(GlobalSecondaryIndexes=[over("size")])
    assert (table.indexes(), table.name, table.has_item()) == (["by-size"], name, True)
    assert [each["AttributeName"] for each in table.described["AttributeDefinitions"]] == ["k", "size"]


def test_two_indexes_at_once_are_refused_and_nothing_has_changed(cloud: Cloud) -> None:
    table = OneTable(cloud, "TwoIndexes")
    with pytest.raises(Refused, match="Cannot perform more than one GSI creation or deletion in a single"):
        table.change(GlobalSecondaryIndexes=[over("colour"), over("size")])
    assert (table.indexes(), table.has_item()) == ([], True)


def test_an_index_cannot_become_another_one_under_its_name(cloud: Cloud) -> None:
    table = OneTable(cloud, "Reshaped")
    table.change(GlobalSecondaryIndexes=[over("colour")])
    with pytest.raises(Refused, match="create a new GSI with a different name"):
        table.change(GlobalSecondaryIndexes=[over("colour", Projection={"ProjectionType": "KEYS_ONLY"})])
    assert table.found_by("colour") == 1


@pytest.mark.parametrize("kind", ["Table", "GlobalTable"])
def test_a_stream_is_turned_on_changed_and_turned_off_under_the_items(cloud: Cloud, kind: str) -> None:
    table = OneTable(cloud, f"Streaming{kind}", kind)
    table.change(StreamSpecification={"StreamViewType": "KEYS_ONLY"})
    keys_only = table.stream
    table.change(StreamSpecification={"StreamViewType": "NEW_IMAGE"})
    streams = cloud.client("dynamodbstreams")
    assert table.stream not in {"", keys_only}
    table.client.put_item(TableName=table.name, Item={**ITEM, "k": {"S": "another"}})
    table.change()
    table.client.put_item(TableName=table.name, Item={**ITEM, "k": {"S": "unseen"}})
    arn = table.described["LatestStreamArn"]
    stream = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=stream["Shards"][0]["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = streams.get_records(ShardIterator=iterator)["Records"]
    assert [record["dynamodb"]["NewImage"]["k"]["S"] for record in records] == ["another"]
    assert (stream["StreamStatus"], table.stream, table.has_item()) == ("DISABLED", "", True)


def test_expiry_encryption_recovery_and_protection_are_set_and_taken_back(cloud: Cloud) -> None:
    table = OneTable(cloud, "Configured")
    settings: tuple[dict[str, Any], ...] = (
        {
            "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": True},
            "SSESpecification": {"SSEEnabled": True},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "DeletionProtectionEnabled": True,
        },
        {},
    )
    for wanted in settings:
        table.change(**wanted)
        expiry = table.client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
        backups = table.client.describe_continuous_backups(TableName=table.name)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        states = (
            expiry["TimeToLiveStatus"] == "ENABLED",
            "SSEDescription" in table.described,
            recovery["PointInTimeRecoveryStatus"] == "ENABLED",
            table.described["DeletionProtectionEnabled"],
        )
        assert states == (bool(wanted),) * 4
    assert table.has_item()


def test_items_expire_by_another_attribute_only_when_expiry_was_off_between(cloud: Cloud) -> None:
    table = OneTable(cloud, "Expiring")
    table.change(TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
    with pytest.raises(Refused, match="current AttributeName is until"):
        table.change(TimeToLiveSpecification={"AttributeName": "end", "Enabled": True})
    table.change()
    table.change(TimeToLiveSpecification={"AttributeName": "end", "Enabled": True})
    expiry = table.client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "end"}


def test_a_provisioned_table_and_its_index_become_on_demand_and_back(cloud: Cloud) -> None:
    units = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 2}
    provisioned: dict[str, Any] = {
        "BillingMode": None,
        "ProvisionedThroughput": units,
        "GlobalSecondaryIndexes": [over("colour", ProvisionedThroughput=units)],
    }
    table = OneTable(cloud, "Paid")
    table.change(GlobalSecondaryIndexes=[over("colour")])
    with pytest.raises(Refused, match="must both be specified for index by-colour, the table"):
        table.change(BillingMode="PROVISIONED", GlobalSecondaryIndexes=[over("colour")])
    table.change(**provisioned)
    described = table.described
    index = described["GlobalSecondaryIndexes"][0]
    for each in (described, index):
        assert {name: each["ProvisionedThroughput"][name] for name in units} == units
    table.change(GlobalSecondaryIndexes=[over("colour")])
    assert table.described["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    assert table.has_item()


@pytest.mark.parametrize(
    "properties",
    [
        {"types": {"k": "N"}},
        {
            "KeySchema": [
                {"AttributeName": "k", "KeyType": "HASH"},
                {"AttributeName": "size", "KeyType": "RANGE"},
            ],
            "LocalSecondaryIndexes": [
                {
                    "IndexName": "local",
                    "KeySchema": [
                        {"AttributeName": "k", "KeyType": "HASH"},
                        {"AttributeName": "size", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        },
    ],
)
def test_another_key_takes_another_table(cloud: Cloud, properties: dict[str, Any]) -> None:
    table = OneTable(cloud, f"Keyed{len(properties)}")
    before = table.name
    table.change(**properties)
    assert table.name != before
    with pytest.raises(ClientError, match="not found"):
        table.client.describe_table(TableName=before)


def test_an_update_that_fails_elsewhere_takes_the_index_back(cloud: Cloud) -> None:
    table = OneTable(cloud, "Undone")
    table.change(TimeToLiveSpecification={"AttributeName": "until", "Enabled": True})
    with pytest.raises(Refused, match="current AttributeName"):
        table.change(
            GlobalSecondaryIndexes=[over("colour")],
            StreamSpecification={"StreamViewType": "NEW_IMAGE"},
            TimeToLiveSpecification={"AttributeName": "end", "Enabled": True},
        )
    assert (table.indexes(), table.has_item()) == ([], True)
    assert "StreamSpecification" not in table.described


def test_the_api_refuses_what_dynamodb_refuses(cloud: Cloud) -> None:
    table = OneTable(cloud, "Direct")
    creation = {"Create": over("colour")}
    defined = [{"AttributeName": name, "AttributeType": kind} for name, kind in TYPES.items()]
    cases: tuple[tuple[str, dict[str, Any]], ...] = (
        ("LimitExceeded.*Only 1", {"GlobalSecondaryIndexUpdates": [creation, {"Create": over("size")}]}),
        ("not defined in AttributeDefinitions", {"GlobalSecondaryIndexUpdates": [creation]}),
        ("no index gone", {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "gone"}}]}),
        ("no enabled stream", {"StreamSpecification": {"StreamEnabled": False}}),
        ("must both be specified", {"BillingMode": "PROVISIONED"}),
    )
    for message, call in cases:
        with pytest.raises(ClientError, match=message):
            table.client.update_table(TableName=table.name, **call)
    table.client.update_table(
        TableName=table.name, GlobalSecondaryIndexUpdates=[creation], AttributeDefinitions=defined
    )
    with pytest.raises(ClientError, match="an index which already exists"):
        table.client.update_table(TableName=table.name, GlobalSecondaryIndexUpdates=[creation])
