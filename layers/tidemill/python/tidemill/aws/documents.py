"""Documents in one DynamoDB table: partition key ``partition``, sort key ``sort``.

A document is stored as canonical JSON in one string attribute, ``document``, beside the numbers
``revision`` and ``expires_at``, DynamoDB's time to live in seconds since 1970. JSON keeps integers,
floats, nulls and empty strings exactly as they were; DynamoDB's own numbers would come back as
decimals, and nothing here asks DynamoDB to look inside.
"""

import json
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from tidemill.aws.batch_reads import BATCH_KEYS, batch_get
from tidemill.aws.failures import aws_failures
from tidemill.canonical import canonical_json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDocuments:
    """One table of JSON documents with conditional writes and strongly consistent reads.

    Parameters
    ----------
    table
        The DynamoDB table.
    client
        A boto3 DynamoDB client.
    pause
        Waits for a number of seconds before documents that DynamoDB left unread are asked for again.
    """

    def __init__(
        self, table: str, *, client: "DynamoDBClient", pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.table = table
        self._client = client
        self._pause = pause

    def get(self, partition: str, sort: str) -> tuple[dict[str, Any], int] | None:
        """Return (document, revision), strongly consistent, or None."""
        with aws_failures(f"reading document {partition} / {sort}"):
            answer = self._client.get_item(
                TableName=self.table, Key=_key(partition, sort), ConsistentRead=True
            )
        item = answer.get("Item")
        return None if item is None else (json.loads(item["document"]["S"]), int(item["revision"]["N"]))

    def get_many(self, partition: str, sorts: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return by sort those of some documents of a partition that there are, strongly consistent."""
        keys = [_key(partition, sort) for sort in dict.fromkeys(sorts)]
        batches = (keys[start : start + BATCH_KEYS] for start in range(0, len(keys), BATCH_KEYS))
        found = (
            item
            for batch in batches
            for item in batch_get(self._client, self.table, batch, consistent=True, pause=self._pause)
        )
        return {item["sort"]["S"]: json.loads(item["document"]["S"]) for item in found}

    def put(
        self,
        partition: str,
        sort: str,
        document: Mapping[str, Any],
        *,
        revision: int | None = None,
        expires_at: int | None = None,
    ) -> int:
        """Write a document and return its new revision; Conflict on a stale one."""
        condition: dict[str, Any] = {}
        values: dict[str, Any] = {
            ":document": {"S": canonical_json(dict(document)).decode()},
            ":one": {"N": "1"},
            ":zero": {"N": "0"},
        }
        if revision == 0:
            condition = {"ConditionExpression": "attribute_not_exists(revision)"}
        elif revision is not None:
            condition = {"ConditionExpression": "revision = :revision"}
            values[":revision"] = {"N": str(revision)}
        change = "SET document = :document, revision = if_not_exists(revision, :zero) + :one"
        if expires_at is None:
            change += " REMOVE expires_at"
        else:
            change += ", expires_at = :expires_at"
            values[":expires_at"] = {"N": str(expires_at)}
        with aws_failures(f"writing document {partition} / {sort}"):
            answer = self._client.update_item(
                TableName=self.table,
                Key=_key(partition, sort),
                UpdateExpression=change,
                ExpressionAttributeValues=values,
                ReturnValues="UPDATED_NEW",
                **condition,
            )
        return int(answer["Attributes"]["revision"]["N"])

    def query(
        self, partition: str, prefix: str = "", *, descending: bool = False, limit: int | None = None
    ) -> list[tuple[str, dict[str, Any]]]:
        """Return (sort, document) of a partition whose sort starts with the prefix, in sort order."""
        expression = "#partition = :partition"
        values: dict[str, Any] = {":partition": {"S": partition}}
        names = {"#partition": "partition"}
        if prefix:
            expression += " AND begins_with(#sort, :prefix)"
            values[":prefix"] = {"S": prefix}
            names["#sort"] = "sort"
        pages = self._client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression=expression,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
            ScanIndexForward=not descending,
            PaginationConfig={} if limit is None else {"MaxItems": limit, "PageSize": max(1, limit)},
        )
        with aws_failures(f"querying documents {partition} / {prefix}"):
            return [
                (item["sort"]["S"], json.loads(item["document"]["S"]))
                for page in pages
                for item in page["Items"]
            ]

    def delete(self, partition: str, sort: str) -> None:
        """Remove a document; removing one that is not there is no error."""
        with aws_failures(f"deleting document {partition} / {sort}"):
            self._client.delete_item(TableName=self.table, Key=_key(partition, sort))


def _key(partition: str, sort: str) -> dict[str, Any]:
    return {"partition": {"S": partition}, "sort": {"S": sort}}
