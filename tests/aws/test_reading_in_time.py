"""What consumers are told of time: how fresh features are, when they are too old, and when they are gone."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from tests.serving.feature_consumers import PLACES, SOURCE, call
from tidemill.aws.online import DynamoOnlineStore
from tidemill.expressions import Column, column
from tidemill.features.definitions import define
from tidemill.features.materialization import materialize
from tidemill.serving.features_api import FeaturesApi

NOON = datetime(2013, 1, 2, 12, tzinfo=UTC)
NOBODY = {"mean_1d": None, "rows": 0, "size": None, "seen_at": None}


class Listening:
    """The store, with each of its reads' consistency."""

    def __init__(self, table: str, endpoint: str) -> None:
        client = boto3.client("dynamodb", endpoint_url=endpoint)
        client.meta.events.register("provide-client-params.dynamodb.BatchGetItem", self._hear)
        self.client, self.table = client, table
        self.store = DynamoOnlineStore(table, client=client)
        self.consistent: list[bool] = []

    def _hear(self, params: dict[str, Any], **_: object) -> None:
        self.consistent.append(params["RequestItems"][self.table].get("ConsistentRead", False))


@pytest.fixture
def listening(features_table: str, aws_endpoint: str) -> Listening:
    """Return a store that has seen Oslo this morning."""
    listening = Listening(features_table, aws_endpoint)
    materialize(PLACES, readings(NOON - timedelta(hours=2)), sequence=1, store=listening.store, at=NOON)
    return listening


def readings(at: datetime) -> dict[str, Column]:
    values = {"place": "Oslo", "shelf": 1, "at": at, "x": 4.0, "size": 2.5, "seen_at": at}
    return {name: column(SOURCE.schema[name], [value]) for name, value in values.items()}


def get(listening: Listening, at: datetime) -> dict[str, Any]:
    """Ask for Oslo as of a moment."""
    api = FeaturesApi({PLACES.name: define(PLACES)}, listening.store)
    status, answer = call(api, "GET", "/features/places", query={"key": "Oslo"}, at=at)
    assert status == 200
    return dict(answer)


def statuses(listening: Listening, at: datetime) -> dict[str, str]:
    """Ask in Feast's shape."""
    api = FeaturesApi({PLACES.name: define(PLACES)}, listening.store)
    names = [feature.name for feature in define(PLACES).features]
    body = {"features": [f"places:{name}" for name in names], "entities": {"place": ["Oslo"]}}
    _, answer = call(api, "POST", "/get-online-features", body=body, at=at)
    return {name: each["statuses"][0] for name, each in zip(names, answer["results"][1:], strict=True)}


def test_an_answer_is_as_fresh_as_the_newest_row_it_took(listening: Listening) -> None:
    assert get(listening, NOON)["freshness"] == "2013-01-02T10:00:00Z"
    later = readings(NOON - timedelta(hours=1))
    materialize(PLACES, later, sequence=2, store=listening.store, at=NOON)
    assert get(listening, NOON)["freshness"] == "2013-01-02T11:00:00Z"


def test_latest_values_older_than_the_ttl_are_null_at_read_while_the_item_is_there(
    listening: Listening,
) -> None:
    happened = NOON - timedelta(hours=2)
    within, beyond = happened + timedelta(days=2), happened + timedelta(days=2, seconds=1)
    assert get(listening, within)["features"]["size"] == 2.5
    answer = get(listening, beyond)
    assert (answer["features"]["size"], answer["freshness"]) == (None, None)
    assert statuses(listening, beyond)["size"] == "OUTSIDE_MAX_AGE"
    assert statuses(listening, within)["size"] == "PRESENT"


def test_an_item_is_gone_when_its_time_is_over_whether_or_not_dynamodb_has_dropped_it(
    listening: Listening,
) -> None:
    (item,) = listening.client.scan(TableName=listening.table)["Items"]
    over = datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC)
    assert over > NOON + timedelta(days=2)  # a ttl of two days, a window of one, and the grace
    assert set(statuses(listening, over - timedelta(seconds=1)).values()) != {"NOT_FOUND"}
    there = get(listening, over)
    assert there["features"] == NOBODY
    assert set(statuses(listening, over).values()) == {"NOT_FOUND"}
    listening.client.delete_item(TableName=listening.table, Key={"key": item["key"]})
    assert json.dumps(get(listening, over)) == json.dumps(there)


def test_a_commit_reads_what_the_one_before_it_wrote_and_a_consumer_pays_half(listening: Listening) -> None:
    materialize(PLACES, readings(NOON), sequence=2, store=listening.store, at=NOON)
    assert listening.consistent == [True, True]
    get(listening, NOON)
    statuses(listening, NOON)
    assert listening.consistent[2:] == [False, False]
