"""Reading many items of a DynamoDB table in one call, asked again for what it left unread."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidemill.aws.failures import aws_failures
from tidemill.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH_KEYS = 100
"""So many keys one call takes."""
_TRIES = 8


def batch_get(
    client: "DynamoDBClient",
    table: str,
    keys: Sequence[Mapping[str, Any]],
    *,
    consistent: bool,
    pause: Callable[[float], None],
) -> Iterator[Mapping[str, Any]]:
    """Yield the items there are, in any order.

    Parameters
    ----------
    client, table
        Where they are.
    keys
        At most ``BATCH_KEYS``, each once.
    consistent
        Whether what was written before must be seen.
    pause
        Waits for a number of seconds before keys that DynamoDB left unread are asked for again.

    Raises
    ------
    Unavailable
        If DynamoDB leaves keys unread time and again.
    """
    wanted: dict[str, Any] = {"Keys": keys}
    if consistent:
        wanted["ConsistentRead"] = True
    asked: dict[str, Any] = {table: wanted}
    for attempt in range(_TRIES):
        with aws_failures(f"reading {len(keys)} items of table {table}"):
            answer = client.batch_get_item(RequestItems=asked)
        yield from answer["Responses"].get(table, [])
        asked = answer.get("UnprocessedKeys", {})
        if not asked:
            return
        pause(0.02 * 2**attempt)
    raise Unavailable(
        f"DynamoDB left items of table {table} unread {_TRIES} times; it is throttling, try again"
    )
