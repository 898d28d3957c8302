"""What DynamoDB alone does to the online store: batches, unread keys, throttling."""

import json
import threading
from typing import Any

import pytest

from tidemill.aws.metrics import count_metric
from tidemill.aws.online import DynamoOnlineStore
from tidemill.errors import Unavailable
from tidemill.features.online import OnlineItem


class Throttled:
    """A DynamoDB that leaves all but some keys of each call unread."""

    def __init__(self, *, reads_per_call: int) -> None:
        self.reads_per_call = reads_per_call
        self.asked: list[int] = []
        self.consistent: list[bool] = []

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803  # boto3's name
        keys = RequestItems["table"]["Keys"]
        self.asked.append(len(keys))
        self.consistent.append(RequestItems["table"].get("ConsistentRead", False))
        read, unread = keys[: self.reads_per_call], keys[self.reads_per_call :]
        items = [{**key, "value": {"B": key["key"]["S"].encode()}, "sequence": {"N": "7"}} for key in read]
        return {
            "Responses": {"table": items},
            "UnprocessedKeys": {"table": {**RequestItems["table"], "Keys": unread}} if unread else {},
        }


def store(client: Any, pauses: list[float]) -> DynamoOnlineStore:
    return DynamoOnlineStore("table", client=client, pause=pauses.append)


def test_keys_left_unread_are_asked_for_again_ever_more_slowly() -> None:
    pauses: list[float] = []
    client = Throttled(reads_per_call=40)
    found = store(client, pauses).get_many([f"k{number}" for number in range(100)])
    assert {key: item.value for key, item in found.items()} == {f"k{n}": f"k{n}".encode() for n in range(100)}
    assert client.asked == [100, 60, 20]
    assert pauses == sorted(pauses)
    assert len(pauses) == 2


@pytest.mark.parametrize("consistent", [True, False])
def test_a_read_is_consistent_where_it_has_to_be_and_cheap_where_not(consistent: bool) -> None:  # noqa: FBT001  # a case
    client = Throttled(reads_per_call=40)
    store(client, []).get_many([f"k{number}" for number in range(150)], consistent=consistent)
    assert len(client.consistent) > 2
    assert set(client.consistent) == {consistent}


def test_more_keys_than_a_batch_takes_are_read_in_several() -> None:
    client = Throttled(reads_per_call=100)
    keys = [f"k{number}" for number in range(250)]
    assert len(store(client, []).get_many(keys * 2)) == 250
    assert sorted(client.asked) == [50, 100, 100]


def test_batches_are_read_side_by_side() -> None:
    class Waiting(Throttled):
        """Answers no call before all three are there."""

        together = threading.Barrier(3, timeout=10)

        def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803  # boto3's name
            self.together.wait()
            return super().batch_get_item(RequestItems)

    assert len(store(Waiting(reads_per_call=100), []).get_many(f"k{number}" for number in range(250))) == 250


def test_items_that_overflowed_are_counted_by_view() -> None:
    class Taking:
        """A DynamoDB that takes every item."""

        def put_item(self, **_: Any) -> None:
            pass

    counted: list[Any] = []
    store = DynamoOnlineStore("table", client=Taking(), count=lambda *each: counted.append(each))  # type: ignore[arg-type]  # as much of a client as it takes
    keys = {f'{view}@1#["{place}"]': view == "hot" for view in ("hot", "cold") for place in ("Oslo", "Rome")}
    written = store.put_many({key: OnlineItem(b"v", 1, None, overflowed) for key, overflowed in keys.items()})
    assert written == 4
    assert counted == [("OnlineItemsOverflowed", 2, {"View": "hot"}, {"example": 'hot@1#["Oslo"]'})]


def test_a_metric_is_a_line_of_the_log_that_cloudwatch_reads(capsys: pytest.CaptureFixture[str]) -> None:
    count_metric("OnlineItemsOverflowed", 2, {"View": "hot"}, {"example": "hot@1#[1]"})
    line = json.loads(capsys.readouterr().out)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Tidemill"
    assert directive["Dimensions"] == [["View"]]
    assert (line["View"], line[directive["Metrics"][0]["Name"]]) == ("hot", 2)


def test_no_keys_are_no_call() -> None:
    client = Throttled(reads_per_call=1)
    assert store(client, []).get_many([]) == {}
    assert client.asked == []


def test_a_table_that_never_answers_is_unavailable_in_the_end() -> None:
    with pytest.raises(Unavailable, match="throttling"):
        store(Throttled(reads_per_call=0), []).get_many(["k"])
