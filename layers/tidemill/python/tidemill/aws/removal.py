"""Removing what nothing needs any more: items of the online store, and files in a bucket."""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from tidemill.aws.failures import aws_failures
from tidemill.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

_CALLS_AT_ONCE = 8
_DELETED_AT_ONCE = 1000


class DynamoItemRemoval:
    """Removes items of the online store by what they lie under.

    DynamoDB finds items by their whole key only; so the table is scanned, by its keys alone.
    """

    def __init__(self, table: str, *, client: "DynamoDBClient") -> None:
        self.table = table
        self._client = client

    def remove(self, references: Collection[str]) -> int:
        """Remove every item that lies under one of some references, and return how many."""
        if not references:
            return 0
        keys, removed = self._keys(frozenset(references)), 0
        with (
            aws_failures(f"removing items of views that nobody needs from table {self.table}"),
            ThreadPoolExecutor(_CALLS_AT_ONCE) as workers,
        ):
            while batch := list(islice(keys, _DELETED_AT_ONCE)):
                removed += sum(workers.map(self._delete, batch))
        return removed

    def _keys(self, references: frozenset[str]) -> Iterator[str]:
        pages = self._client.get_paginator("scan").paginate(
            TableName=self.table,
            ProjectionExpression="#key",
            ExpressionAttributeNames={"#key": "key"},
        )
        for page in pages:
            for item in page["Items"]:
                reference, is_item, _ = item["key"]["S"].partition("#")
                if is_item and reference in references:
                    yield item["key"]["S"]

    def _delete(self, key: str) -> int:
        self._client.delete_item(TableName=self.table, Key={"key": {"S": key}})
        return 1


class S3BlobRemoval:
    """Removes files of one bucket, version by version: what is written meanwhile stays."""

    def __init__(self, bucket: str, *, client: "S3Client") -> None:
        self.bucket = bucket
        self._client = client

    def remove(self, prefix: str, *, keep: Collection[str], written_before: datetime) -> int:
        """Remove what lies below a prefix under other keys than some, and return how many files."""
        kept = frozenset(keep)
        with aws_failures(f"removing files below s3://{self.bucket}/{prefix}"):
            stale = self._versions(prefix, kept, written_before)
            removed: set[str] = set()
            while batch := list(islice(stale, _DELETED_AT_ONCE)):
                answer = self._client.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": batch, "Quiet": True}
                )
                if errors := answer.get("Errors"):
                    raise Unavailable(
                        f"S3 kept {len(errors)} of {len(batch)} files below s3://{self.bucket}/{prefix}: "
                        f"{errors[0].get('Code')} ({errors[0].get('Message')}); the next upkeep tries again"
                    )
                removed |= {each["Key"] for each in batch}
            return len(removed)

    def _versions(self, prefix: str, kept: frozenset[str], written_before: datetime) -> Iterator[Any]:
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
        for page in pages:
            for each in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                if each["Key"] not in kept and each["LastModified"] < written_before:
                    yield {"Key": each["Key"], "VersionId": each["VersionId"]}
