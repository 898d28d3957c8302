"""Items whose time to live is over are deleted as the cloud's clock passes, and the stream says by whom."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

PRINT = """
    import json
    def handler(event, context):
        print(json.dumps(event))
"""


@pytest.fixture
def items(bench: Any) -> Any:
    """Make a table whose items expire by `until`; give the client."""
    client = bench("dynamodb")
    client.create_table(
        TableName="items",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    expire(client, enabled=True)
    return client


def expire(client: Any, *, enabled: bool) -> None:
    """Switch expiry."""
    client.update_time_to_live(
        TableName="items", TimeToLiveSpecification={"Enabled": enabled, "AttributeName": "until"}
    )


def put(client: Any, item_id: str, until: datetime | None, kind: str = "N") -> None:
    """Put an item."""
    item: dict[str, Any] = {"id": {"S": item_id}}
    if until is not None:
        item["until"] = {kind: str(int(until.timestamp()))}
    client.put_item(TableName="items", Item=item)


def left(client: Any) -> list[str]:
    """Give the ids of the items that are left."""
    return sorted(item["id"]["S"] for item in client.scan(TableName="items")["Items"])


def test_item_is_deleted_at_its_second_and_no_earlier(bench: Any, items: Any) -> None:
    clock = bench.cloud.clock
    now = clock.now()
    put(items, "soon", now + timedelta(seconds=10))
    put(items, "later", now + timedelta(seconds=20))
    put(items, "never", None)
    put(items, "text", now + timedelta(seconds=10), kind="S")
    clock.advance_to(now + timedelta(seconds=9.9))
    assert left(items) == ["later", "never", "soon", "text"]
    clock.advance_to(now + timedelta(seconds=10))
    assert left(items) == ["later", "never", "text"]
    clock.advance_to(now + timedelta(days=1))
    assert left(items) == ["never", "text"]


def test_expiry_counts_as_it_stands_when_it_is_due(bench: Any, items: Any) -> None:
    clock = bench.cloud.clock
    now = clock.now()
    for name in ("prolonged", "kept", "shortened", "deleted"):
        put(items, name, now + timedelta(seconds=100))
    put(items, "prolonged", now + timedelta(seconds=1000))
    put(items, "kept", None)
    items.update_item(
        TableName="items",
        Key={"id": {"S": "shortened"}},
        UpdateExpression="SET #u = :t",
        ExpressionAttributeNames={"#u": "until"},
        ExpressionAttributeValues={":t": {"N": str(int(now.timestamp()) + 5)}},
    )
    items.delete_item(TableName="items", Key={"id": {"S": "deleted"}})
    clock.advance_to(now + timedelta(seconds=5))
    assert left(items) == ["kept", "prolonged"]
    clock.advance_to(now + timedelta(seconds=500))
    assert left(items) == ["kept", "prolonged"]
    clock.advance_to(now + timedelta(seconds=1000))
    assert left(items) == ["kept"]


def test_items_of_long_ago_stay_as_in_aws(bench: Any, items: Any) -> None:
    clock = bench.cloud.clock
    now = clock.now()
    put(items, "recent", now - timedelta(days=300))
    put(items, "ancient", now - timedelta(days=6 * 365))
    clock.advance_to(now + timedelta(seconds=1))
    assert left(items) == ["ancient"]


def test_expiry_can_be_switched_on_for_items_that_are_there_and_off_again(bench: Any, items: Any) -> None:
    clock = bench.cloud.clock
    now = clock.now()
    expire(items, enabled=False)
    put(items, "a", now + timedelta(seconds=10))
    put(items, "b", now + timedelta(seconds=30))
    clock.advance_to(now + timedelta(seconds=20))
    assert left(items) == ["a", "b"]
    expire(items, enabled=True)
    clock.advance_to(now + timedelta(seconds=21))
    assert left(items) == ["b"]
    expire(items, enabled=False)
    clock.advance_to(now + timedelta(seconds=60))
    assert left(items) == ["b"]


def test_jump_of_the_clock_deletes_what_it_passed(bench: Any, items: Any) -> None:
    clock = bench.cloud.clock
    put(items, "a", clock.now() + timedelta(days=10))
    clock.set(clock.now() + timedelta(days=30))
    assert left(items) == []


def test_stream_says_that_the_service_deleted_the_item(bench: Any, items: Any) -> None:
    bench.function("reader", PRINT)
    stream = items.describe_table(TableName="items")["Table"]["LatestStreamArn"]
    pattern = json.dumps({"userIdentity": {"principalId": ["dynamodb.amazonaws.com"]}})
    bench("lambda").create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName="reader",
        StartingPosition="TRIM_HORIZON",
        FilterCriteria={"Filters": [{"Pattern": pattern}]},
    )
    clock = bench.cloud.clock
    now = clock.now()
    put(items, "mine", now + timedelta(seconds=90))
    put(items, "theirs", now + timedelta(seconds=60))
    items.delete_item(TableName="items", Key={"id": {"S": "mine"}})
    clock.advance_to(now + timedelta(hours=1))
    (event,) = bench.lines("reader")
    (record,) = event["Records"]
    assert record["eventName"] == "REMOVE"
    assert record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert record["dynamodb"]["OldImage"]["id"] == {"S": "theirs"}
    assert record["dynamodb"]["ApproximateCreationDateTime"] == int(now.timestamp()) + 60
