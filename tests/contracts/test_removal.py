"""What every implementation of ItemRemoval and BlobRemoval must hold."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from tidemill.aws.blobs import S3Blobs
from tidemill.aws.clients import client
from tidemill.aws.online import DynamoOnlineStore
from tidemill.aws.removal import DynamoItemRemoval, S3BlobRemoval
from tidemill.datasets.removal import BlobRemoval, ItemRemoval
from tidemill.features.online import OnlineItem, OnlineStore
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.online import MemoryOnlineStore
from tidemill.ports import Blobs

LATER = datetime.now(UTC) + timedelta(days=1)


class Places(NamedTuple):
    """A store and a bucket, and what removes from them."""

    store: OnlineStore
    items: ItemRemoval
    bucket: Blobs
    blobs: BlobRemoval


def on_aws() -> Places:
    name = f"removal-{uuid.uuid4().hex}"
    client("s3").create_bucket(Bucket=name)
    client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
    )
    dynamodb, s3 = client("dynamodb"), client("s3")
    return Places(
        DynamoOnlineStore(name, client=dynamodb),
        DynamoItemRemoval(name, client=dynamodb),
        S3Blobs(name, client=s3),
        S3BlobRemoval(name, client=s3),
    )


@pytest.fixture(params=["memory", "aws"])
def places(request: pytest.FixtureRequest) -> Places:
    """Return an empty store and bucket."""
    if request.param == "aws":
        request.getfixturevalue("aws_endpoint")
        return on_aws()
    store, bucket = MemoryOnlineStore(), MemoryBlobs()
    return Places(store, store, bucket, bucket)


def test_items_of_a_generation_go_and_those_of_others_and_pointers_stay(places: Places) -> None:
    gone = {f'plane@abc#["N{number}"]': OnlineItem(b"1", 1) for number in range(30)}
    stay = {
        'plane@abc~2#["N1"]': OnlineItem(b"2", 1),
        'plane@abcd#["N1"]': OnlineItem(b"3", 1),
        "plane@abc": OnlineItem(b"{}", 1),
    }
    places.store.put_many(gone | stay)
    assert places.items.remove(["plane@abc", "never@was"]) == 30
    assert places.store.get_many([*gone, *stay]) == stay
    assert places.items.remove(["plane@abc"]) == 0
    assert places.items.remove([]) == 0


def test_blobs_below_a_prefix_go_but_those_that_are_named(places: Places) -> None:
    for key in ("keys/a", "keys/b", "keys/c", "other/a"):
        places.bucket.put(key, b"1")
    places.bucket.put("keys/a", b"2")
    assert places.blobs.remove("keys/", keep=["keys/b"], written_before=LATER) == 2
    assert [info.key for info in places.bucket.list("")] == ["keys/b", "other/a"]
    assert places.blobs.remove("keys/", keep=["keys/b"], written_before=LATER) == 0
    places.bucket.put("keys/a", b"3")
    assert places.bucket.get("keys/a") == b"3"


def test_what_was_written_later_stays(aws_endpoint: str) -> None:
    """Also where an older file of the same name is removed at that moment."""
    assert aws_endpoint
    places = on_aws()
    places.bucket.put("keys/a", b"1")
    long_ago = datetime(2013, 1, 1, tzinfo=UTC)
    assert places.blobs.remove("keys/", keep=[], written_before=long_ago) == 0
    assert places.bucket.get("keys/a") == b"1"
