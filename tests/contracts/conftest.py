"""Both implementations of every port, new and empty for each test."""

import uuid

import pytest

from tidemill.aws.blobs import S3Blobs
from tidemill.aws.clients import client
from tidemill.aws.documents import DynamoDocuments
from tidemill.aws.online import DynamoOnlineStore
from tidemill.aws.tables import IcebergTables, glue_catalog
from tidemill.datasets.tables import Tables
from tidemill.features.online import OnlineStore
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.online import MemoryOnlineStore
from tidemill.memory.tables import MemoryTables
from tidemill.ports import Blobs, Documents

implementations = pytest.fixture(params=["memory", "aws"])


def _new_name() -> str:
    return f"test-{uuid.uuid4()}"


def _endpoint(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("aws_endpoint")


@implementations
def blobs(request: pytest.FixtureRequest) -> Blobs:
    """Return an empty, versioned bucket."""
    if request.param == "memory":
        return MemoryBlobs()
    _endpoint(request)
    bucket = _new_name()
    client("s3").create_bucket(Bucket=bucket)
    client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return S3Blobs(bucket, client=client("s3"))


@implementations
def documents(request: pytest.FixtureRequest) -> Documents:
    """Return an empty table of documents."""
    if request.param == "memory":
        return MemoryDocuments()
    _endpoint(request)
    table = _new_name()
    client("dynamodb").create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "partition", "KeyType": "HASH"},
            {"AttributeName": "sort", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "partition", "AttributeType": "S"},
            {"AttributeName": "sort", "AttributeType": "S"},
        ],
    )
    return DynamoDocuments(table, client=client("dynamodb"))


@implementations
def tables(request: pytest.FixtureRequest) -> Tables:
    """Return an empty database."""
    if request.param == "memory":
        return MemoryTables()
    _endpoint(request)
    bucket, database = _new_name(), f"test_{uuid.uuid4().hex}"
    client("s3").create_bucket(Bucket=bucket)
    client("glue").create_database(DatabaseInput={"Name": database})
    return IcebergTables(glue_catalog(), database=database, warehouse=f"s3://{bucket}/warehouse")


@implementations
def store(request: pytest.FixtureRequest) -> OnlineStore:
    """Return an empty online store."""
    if request.param == "memory":
        return MemoryOnlineStore()
    _endpoint(request)
    table = _new_name()
    client("dynamodb").create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
    )
    return DynamoOnlineStore(table, client=client("dynamodb"))
