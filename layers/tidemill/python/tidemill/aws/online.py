"""The online store in one DynamoDB table.

An item is ``key`` (its partition key), binary ``value``, number ``sequence``, and ``expires_at``, DynamoDB's
time to live in seconds since 1970; one that does not answer as of now, because it would not fit, has
``overflowed``, so that a scan finds them.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tidemill.aws.batch_reads import BATCH_KEYS, batch_get
from tidemill.aws.failures import aws_failures
from tidemill.aws.metrics import Count, count_metric
from tidemill.errors import Conflict
from tidemill.features.online import OnlineItem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# DynamoDB has no batch of conditional writes but a transaction, which costs twice as much and fails as one.
_CALLS_AT_ONCE = 8


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
    count
        Counts something as a metric.
    """

    def __init__(
        self,
        table: str,
        *,
        client: "DynamoDBClient",
        pause: Callable[[float], None] = time.sleep,
        count: Count = count_metric,
    ) -> None:
        self.table = table
        self._client = client
        self._pause = pause
        self._count = count

    def get_many(self, keys: Iterable[str], *, consistent: bool = False) -> dict[str, OnlineItem]:
        """Return the items there are; a key without one is left out.

        One BatchGetItem takes a hundred keys; more are read by several, side by side.
        """
        distinct = list(dict.fromkeys(keys))
        batches = [distinct[start : start + BATCH_KEYS] for start in range(0, len(distinct), BATCH_KEYS)]
        if len(batches) <= 1:
            return {key: item for batch in batches for key, item in self._batch_get(batch, consistent)}
        with ThreadPoolExecutor(min(len(batches), _CALLS_AT_ONCE)) as readers:
            answers = readers.map(lambda batch: list(self._batch_get(batch, consistent)), batches)
            return {key: item for answer in answers for key, item in answer}

    def put(self, key: str, item: OnlineItem) -> bool:
        """Write an item unless the stored one is as new or newer; False if it is."""
        attributes: dict[str, Any] = {
            "key": {"S": key},
            "value": {"B": item.value},
            "sequence": {"N": str(item.sequence)},
        }
        if item.expires_at is not None:
            attributes["expires_at"] = {"N": str(item.expires_at)}
        if item.overflowed:
            attributes["overflowed"] = {"BOOL": True}
        try:
            with aws_failures(f"writing online item {key}"):
                self._client.put_item(
                    TableName=self.table,
                    Item=attributes,
                    ConditionExpression="attribute_not_exists(#key) OR #sequence < :sequence",
                    ExpressionAttributeNames={"#key": "key", "#sequence": "sequence"},
                    ExpressionAttributeValues={":sequence": attributes["sequence"]},
                )
        except Conflict:
            return False
        return True

    def put_many(self, items: Mapping[str, OnlineItem]) -> int:
        """Write items, several at a time, and return how many were written.

        Those that overflowed are counted as a metric, by view.
        """
        by_view: dict[str, list[str]] = {}
        for key, item in items.items():
            if item.overflowed:
                by_view.setdefault(key.partition("@")[0], []).append(key)
        for view, keys in by_view.items():
            self._count("OnlineItemsOverflowed", len(keys), {"View": view}, {"example": min(keys)})
        with ThreadPoolExecutor(_CALLS_AT_ONCE) as writers:
            return sum(writers.map(lambda entry: self.put(*entry), items.items()))

    def _batch_get(self, keys: list[str], consistent: bool) -> Iterator[tuple[str, OnlineItem]]:  # noqa: FBT001  # private
        wanted = [{"key": {"S": key}} for key in keys]
        for item in batch_get(self._client, self.table, wanted, consistent=consistent, pause=self._pause):
            yield item["key"]["S"], _read_item(item)


def _read_item(attributes: Mapping[str, Any]) -> OnlineItem:
    expires_at = attributes.get("expires_at")
    return OnlineItem(
        bytes(attributes["value"]["B"]),
        int(attributes["sequence"]["N"]),
        None if expires_at is None else int(expires_at["N"]),
        "overflowed" in attributes,
    )
