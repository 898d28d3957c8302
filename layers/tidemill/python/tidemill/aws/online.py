"""The online store in one DynamoDB table.

An item is ``key`` (its partition key), binary ``value``, number ``sequence``, and ``expires_at``, DynamoDB's
time to live in seconds since 1970.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tidemill.aws.failures import aws_failures
from tidemill.errors import Conflict, Unavailable
from tidemill.features.online import OnlineItem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BATCH_KEYS = 100
_TRIES = 8
# DynamoDB has no batch of conditional writes but a transaction, which costs twice as much and fails as one.
_WRITERS = 8


class DynamoOnlineStore:
    """One item per (view, entity), written only forwards.

    Parameters
    ----------
    table
        The DynamoDB table.
    client
        A boto3 DynamoDB client.
    pause
        Waits for a number of seconds before keys that DynamoDB left unread are asked for again.
    """

    def __init__(
        self, table: str, *, client: "DynamoDBClient", pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.table = table
        self._client = client
        self._pause = pause

    def get_many(self, keys: Iterable[str]) -> dict[str, OnlineItem]:
        """Return the items there are; a key without one is left out."""
        items: dict[str, OnlineItem] = {}
        distinct = list(dict.fromkeys(keys))
        for start in range(0, len(distinct), _BATCH_KEYS):
            for item in self._batch_get(distinct[start : start + _BATCH_KEYS]):
                items[item["key"]["S"]] = OnlineItem(bytes(item["value"]["B"]), int(item["sequence"]["N"]))
        return items

    def put(self, key: str, value: bytes, *, sequence: int, expires_at: int | None) -> bool:
        """Write an item unless the stored one is as new or newer; False if it is."""
        item: dict[str, Any] = {
            "key": {"S": key},
            "value": {"B": value},
            "sequence": {"N": str(sequence)},
        }
        if expires_at is not None:
            item["expires_at"] = {"N": str(expires_at)}
        try:
            with aws_failures(f"writing online item {key}"):
                self._client.put_item(
                    TableName=self.table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(#key) OR #sequence < :sequence",
                    ExpressionAttributeNames={"#key": "key", "#sequence": "sequence"},
                    ExpressionAttributeValues={":sequence": {"N": str(sequence)}},
                )
        except Conflict:
            return False
        return True

    def put_many(self, values: Mapping[str, bytes], *, sequence: int) -> int:
        """Write items of one commit, several at a time, and return how many were written."""

        def put(key: str) -> bool:
            return self.put(key, values[key], sequence=sequence, expires_at=None)

        with ThreadPoolExecutor(_WRITERS) as writers:
            return sum(writers.map(put, values))

    def _batch_get(self, keys: list[str]) -> Iterator[dict[str, Any]]:
        # Consistently: a commit applied to an item from before the last one would replace what that added.
        wanted = {"Keys": [{"key": {"S": key}} for key in keys], "ConsistentRead": True}
        asked: dict[str, Any] = {self.table: wanted}
        for attempt in range(_TRIES):
            with aws_failures(f"reading {len(keys)} online items"):
                answer = self._client.batch_get_item(RequestItems=asked)
            yield from answer["Responses"].get(self.table, [])
            asked = answer.get("UnprocessedKeys", {})
            if not asked:
                return
            self._pause(0.02 * 2**attempt)
        raise Unavailable(
            f"DynamoDB left items of table {self.table} unread {_TRIES} times; it is throttling, try again"
        )
