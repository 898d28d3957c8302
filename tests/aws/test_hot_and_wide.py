"""A hot entity and a wide one in DynamoDB: one write a commit, within an item, and the bits of the join."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest

from tidemill import (
    Entity,
    FeatureView,
    Float,
    Source,
    String,
    Timestamp,
    col,
    count,
    distinct,
    last,
    latest,
    mean,
    std,
)
from tidemill.aws.clients import client
from tidemill.aws.online import DynamoOnlineStore
from tidemill.expressions import Column, Columns, column, concat_rows
from tidemill.features.items import MAX_ITEM_BYTES
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.features.online import OnlineItem, look_up
from tidemill.project.views import Aggregate, Feature, default_hop_seconds

START_US = 1_357_000_000_000_000
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
ROWS_A_MINUTE = 10_000
N_FEATURES, N_WINDOWS = 200, 40
ENTITY = Entity("place", ["place"])


class Counting(DynamoOnlineStore):
    """Counts the items that were written."""

    writes = 0

    def put(self, key: str, item: OnlineItem) -> bool:
        """Write, and count it if it was."""
        written = super().put(key, item)
        self.writes += written
        return written


@pytest.fixture
def store(features_table: str) -> Counting:
    """Return an empty store."""
    return Counting(features_table, client=client("dynamodb"))


def source(names: Sequence[str]) -> Source:
    schema = {"place": String, "at": Timestamp, **dict.fromkeys(names, Float)}
    return Source("readings", schema, ["place"], "at")


def rows(place: str, happened_us: np.ndarray, values: Mapping[str, np.ndarray]) -> Columns:
    there = np.ones(len(happened_us), dtype=np.bool_)
    return {
        "place": Column(String, np.full(len(happened_us), place, dtype=object), there),
        "at": Column(Timestamp, happened_us.astype("datetime64[us]"), there),
        **{name: Column(Float, each, there) for name, each in values.items()},
    }


def moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us // SECOND_US, UTC)


def hold(view: FeatureView, store: Counting, history: Columns, places: Sequence[str], at_us: int) -> None:
    """Ask as of a moment: every entity is answered, with the bits that training has."""
    n = len(places)
    times = Column(Timestamp, np.full(n, at_us).astype("datetime64[us]"), np.ones(n, dtype=np.bool_))
    asked = {"place": column(String, places), "at": times}
    (answer,) = look_up([view], asked, times, store, now=moment(at_us))
    assert answer.answerable.all()
    expected = join_features(asked, [view], {"readings": history}, "at")
    assert {name: each.to_list() for name, each in answer.columns.items()} == {
        name: each.to_list() for name, each in expected.items()
    }


def test_ten_thousand_updates_a_minute_of_one_entity_are_one_write_a_commit(store: Counting) -> None:
    features: dict[str, Feature] = {
        "rows": count(over="1h"),
        "x_mean": mean("x", over="1h"),
        "x_std": std("x", over="10min"),
        "kinds": distinct("kind", over="1d"),
        "x_last": last("x", over="1h"),
        **latest("x"),
    }
    view, generator = (
        FeatureView("hot", ENTITY, source(["x", "kind"]), features, ttl="1h"),
        np.random.default_rng(0),
    )
    commits: list[Columns] = []
    for minute in range(4):
        n, begins_us = ROWS_A_MINUTE, START_US + minute * MINUTE_US
        values = {"x": generator.normal(size=n), "kind": generator.integers(0, 40, n).astype(np.float64)}
        hot = rows("Oslo", begins_us + generator.integers(0, MINUTE_US, n), values)
        quiet = rows("Rome", np.array([begins_us]), {name: each[:1] for name, each in values.items()})
        commits.append(concat_rows([hot, quiet]))
        at_us = begins_us + MINUTE_US
        with ThreadPoolExecutor(2) as workers:  # delivered twice at once
            deliveries = [
                workers.submit(
                    materialize, view, commits[-1], sequence=minute + 1, store=store, at=moment(at_us)
                )
                for _ in range(2)
            ]
            assert sum(each.result() for each in deliveries) == 2
        hold(view, store, concat_rows(commits), ["Oslo", "Rome"], at_us)
    assert store.writes == 2 * len(commits)
    for later_us in (9 * MINUTE_US, HOUR_US, DAY_US):
        hold(view, store, concat_rows(commits), ["Oslo", "Rome"], START_US + 4 * MINUTE_US + later_us)


def wide_view() -> FeatureView:
    """Return two hundred features: of ten columns, over forty windows from an hour to ninety days."""
    windows = [int(each) // 3600 * 3600 + 3600 for each in np.geomspace(3600, 90 * 86_400, N_WINDOWS)]
    kinds = ["mean", "std", "min", "max", "count"]
    features: dict[str, Feature] = {}
    for place in range(N_FEATURES):
        kind, seconds = kinds[place % len(kinds)], windows[place % N_WINDOWS]
        value = col(f"x{place // len(kinds) % 10}")
        features[f"{kind}_{place}"] = Aggregate(kind, value, seconds, default_hop_seconds(seconds))  # type: ignore[arg-type]  # one of the kinds
    return FeatureView("wide", ENTITY, source([f"x{number}" for number in range(10)]), features)


def test_two_hundred_features_over_forty_windows_are_an_item_read_in_one_call(store: Counting) -> None:
    view, generator = wide_view(), np.random.default_rng(1)
    assert len(view.features) == N_FEATURES
    commits: list[Columns] = []
    for week in range(14):
        begins_us = START_US + week * 7 * DAY_US
        happened = begins_us + np.sort(generator.integers(0, 7 * DAY_US, 1500))
        values = {f"x{number}": generator.normal(10, 5, 1500).round(3) for number in range(10)}
        commits.append(rows("Oslo", happened, values))
        at_us = begins_us + 7 * DAY_US
        materialize(view, commits[-1], sequence=week + 1, store=store, at=moment(at_us))
    (item,) = client("dynamodb").scan(TableName=store.table)["Items"]
    assert len(bytes(item["value"]["B"])) <= MAX_ITEM_BYTES
    assert "overflowed" not in item
    for later_us in (0, HOUR_US, 3 * DAY_US, 80 * DAY_US):
        hold(view, store, concat_rows(commits), ["Oslo"], at_us + later_us)
