"""A cloud holds what is stored in it, and not what once was."""

import gc
from collections import Counter

from moto.dynamodb.models.dynamo_type import Item
from moto.s3.models import FakeKey

from emulator.cloud import Cloud


def held(*kinds: type) -> Counter[type]:
    gc.collect()
    return Counter(type(each) for each in gc.get_objects() if type(each) in kinds)


def test_a_listing_of_versions_leaves_no_copies(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="versions", Key="a", Body=b"one")
    second = s3.put_object(Bucket="versions", Key="a", Body=b"two more")
    before = held(FakeKey)
    for _ in range(3):
        listed = s3.list_object_versions(Bucket="versions")["Versions"]
    assert [(each["Size"], each["IsLatest"]) for each in listed] == [(8, True), (3, False)]
    assert listed[0]["ETag"] == second["ETag"]
    assert held(FakeKey) == before
    assert s3.get_object(Bucket="versions", Key="a")["Body"].read() == b"two more"


def test_what_is_overwritten_is_forgotten(cloud: Cloud) -> None:
    s3, dynamodb = cloud.client("s3"), cloud.client("dynamodb")
    s3.create_bucket(Bucket="overwritten")
    dynamodb.create_table(
        TableName="overwritten",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def write() -> Counter[type]:
        s3.put_object(Bucket="overwritten", Key="a", Body=b"words")
        dynamodb.put_item(TableName="overwritten", Item={"id": {"S": "a"}, "value": {"B": b"words"}})
        return held(FakeKey, Item)

    assert write() == write() == write()
