"""Tables with streams, and functions that follow them."""

import itertools
from collections.abc import Iterable
from typing import Any

PRINT = """
    import json
    def handler(event, context):
        print(json.dumps(event))
"""


SEEN = """
    import json
    def handler(event, context):
        print(json.dumps({"seen": [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]}))
        bad = [r for r in event["Records"] if r["dynamodb"]["NewImage"].get("bad")]
"""


RAISES = SEEN + "        if bad: raise ValueError('bad')\n"


REPORTS = (
    SEEN
    + "        return {'batchItemFailures': "
    + "[{'itemIdentifier': r['dynamodb']['SequenceNumber']} for r in bad]}\n"
)


def table(bench: Any, name: str = "items", view: str = "NEW_AND_OLD_IMAGES", *, sort: bool = False) -> str:
    """Make a table with a stream; give the stream's ARN."""
    keys = ["id", "at"] if sort else ["id"]
    made = bench("dynamodb").create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )
    return str(made["TableDescription"]["LatestStreamArn"])


def put(bench: Any, *ids: str, **attributes: Any) -> None:
    """Put items into the table."""
    for item_id in ids:
        bench("dynamodb").put_item(TableName="items", Item={"id": {"S": item_id}, **attributes})


def follow(bench: Any, function: str, stream: str, **options: Any) -> str:
    """Map the stream to the function; give the mapping's id."""
    made = bench("lambda").create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName=function,
        **{"StartingPosition": "TRIM_HORIZON"} | options,
    )
    return str(made["UUID"])


def seen(bench: Any, function: str) -> list[list[str]]:
    """Give the batches a function has seen, as ids of items."""
    return [line["seen"] for line in bench.lines(function)]


def flat(batches: Iterable[list[Any]]) -> list[Any]:
    """Give what batches hold, in order."""
    return list(itertools.chain.from_iterable(batches))
