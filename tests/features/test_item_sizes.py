"""Items stay within what the store takes, however hot the entity and however wide the view."""

from collections.abc import Mapping

import numpy as np
import pytest

from tidemill import Entity, FeatureView, Float, Source, String, Timestamp, col, count, mean
from tidemill.expressions import Column, Columns, column
from tidemill.features.items import MAX_ITEM_BYTES
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.features.online import OnlineItem, read_views
from tidemill.memory.online import MemoryOnlineStore
from tidemill.project.views import Aggregate, Feature, default_hop_seconds

START_US = 1_357_000_000_000_000
MINUTE_US = 60_000_000
DAY_SECONDS = 86_400
ENTITY = Entity("place", ["place"])


class CountingStore(MemoryOnlineStore):
    """Counts the items written."""

    writes = 0

    def put(self, key: str, item: OnlineItem) -> bool:
        """Count and write."""
        self.writes += 1
        return super().put(key, item)


def source_of(n_columns: int) -> Source:
    values = {f"x{number}": Float for number in range(n_columns)}
    return Source("readings", {"place": String, "at": Timestamp, **values}, ["place"], "at")


def readings(happened_us: np.ndarray, n_columns: int) -> Columns:
    n, generator = len(happened_us), np.random.default_rng(0)
    places, there = np.full(n, "Oslo", dtype=object), np.ones(n, dtype=np.bool_)
    values = {
        f"x{number}": Column(Float, generator.normal(10, 5, n).round(2), there) for number in range(n_columns)
    }
    at = Column(Timestamp, happened_us.astype("datetime64[us]"), there)
    return {"place": Column(String, places, there), "at": at, **values}


def questions(at_us: int) -> dict[str, Column]:
    at = np.array([at_us]).astype("datetime64[us]")
    return {"place": column(String, ["Oslo"]), "at": Column(Timestamp, at, np.ones(1, dtype=np.bool_))}


def answers(columns: Mapping[str, Column]) -> list[object]:
    return [each.to_list() for each in columns.values()]


def test_ten_thousand_updates_a_minute_are_one_write_a_commit_and_read_exactly_now() -> None:
    features: dict[str, Feature] = {"rows": count(over="1h"), "x_mean": mean("x0", over="1h")}
    view, store = FeatureView("hot", ENTITY, source_of(1), features), CountingStore()
    commits = []
    for minute in range(10):
        happened = START_US + minute * MINUTE_US + np.arange(10_000) * (MINUTE_US // 10_000)
        commits.append(readings(happened, 1))
        materialize(view, commits[-1], sequence=minute + 1, store=store)
        (item,) = store._items.values()
        assert len(item.value) <= MAX_ITEM_BYTES
    assert store.writes == len(commits)
    history = {
        name: Column(
            commits[0][name].type,
            np.concatenate([commit[name].values for commit in commits]),
            np.concatenate([commit[name].valid for commit in commits]),
        )
        for name in commits[0]
    }
    for later_us in (0, 1, MINUTE_US, 30 * MINUTE_US, 59 * MINUTE_US, 70 * MINUTE_US):
        asked = questions(START_US + 10 * MINUTE_US + later_us)
        found, _ = read_views([view], asked, asked["at"], store)
        assert answers(found) == answers(join_features(asked, [view], {"readings": history}, "at"))


def windows(number: int) -> list[int]:
    """Return so many windows between an hour and 90 days, in seconds."""
    spread = np.geomspace(3600, 90 * DAY_SECONDS, number) // 3600 * 3600
    return [int(seconds) + 3600 * place for place, seconds in enumerate(spread)]


def wide_features(n_columns: int, kinds: list[str], spans: list[int]) -> dict[str, Feature]:
    """Return features of each kind, column and span."""
    return {
        f"{kind}_{number}_{seconds}": Aggregate(
            kind,  # type: ignore[arg-type]  # one of those there are
            col(f"x{number}"),
            seconds,
            default_hop_seconds(seconds),
        )
        for number in range(n_columns)
        for kind in kinds
        for seconds in spans
    }


def two_hundred_columns() -> dict[str, Feature]:
    """Return a mean of each of 200 columns, each over one of 40 windows."""
    spans = windows(40)
    return {
        f"mean_{number}": Aggregate(
            "mean", col(f"x{number}"), spans[number % 40], default_hop_seconds(spans[number % 40])
        )
        for number in range(200)
    }


@pytest.mark.parametrize(
    ("n_columns", "features"),
    [
        (1, wide_features(1, ["count", "sum", "mean", "min", "max"], windows(40))),
        (5, wide_features(5, ["mean"], windows(40))),
        (40, wide_features(40, ["mean"], windows(40)[::8])),
        (200, two_hundred_columns()),
    ],
    ids=["a column in five figures", "five columns", "forty columns", "two hundred columns"],
)
def test_two_hundred_features_over_forty_windows_fit(n_columns: int, features: dict[str, Feature]) -> None:
    assert len(features) == 200
    view, store = FeatureView("wide", ENTITY, source_of(n_columns), features), MemoryOnlineStore()
    generator = np.random.default_rng(1)
    happened = START_US + np.sort(generator.integers(0, 100 * DAY_SECONDS * 1_000_000, 20_000))
    history = readings(happened, n_columns)
    materialize(view, history, sequence=1, store=store)
    again = MemoryOnlineStore()
    materialize(view, history, sequence=1, store=again)
    assert store._items == again._items
    (item,) = store._items.values()
    assert len(item.value) <= MAX_ITEM_BYTES
    asked = questions(int(happened[-1]) + 1)
    found, _ = read_views([view], asked, asked["at"], store)
    assert answers(found) == answers(join_features(asked, [view], {"readings": history}, "at"))
