"""Items stay within what the store takes, however hot the entity and however wide the view."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from tidemill import Entity, FeatureView, Float, Source, String, Timestamp, col, count, mean
from tidemill.errors import DeclarationError
from tidemill.expressions import Column, Columns, column
from tidemill.features.definitions import define
from tidemill.features.items import MAX_ITEM_BYTES
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.features.online import OnlineItem, read_views
from tidemill.memory.online import MemoryOnlineStore
from tidemill.project import item_sizes
from tidemill.project.item_sizes import hop_sizes
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


@pytest.mark.parametrize("kind", ["count", "sum", "var", "max"])
@pytest.mark.parametrize("rows_a_tile", [2, 100])
def test_the_widest_item_takes_what_was_reckoned_from_the_declaration(kind: str, rows_a_tile: int) -> None:
    n_columns, n_tiles, hop_us = 12, 280, 3600 * 1_000_000
    features = wide_features(n_columns, [kind], [n_tiles * 3600])
    view = FeatureView("wide", ENTITY, source_of(n_columns), features)
    generator, store = np.random.default_rng(1), MemoryOnlineStore()
    n = n_tiles * rows_a_tile
    happened = START_US // hop_us * hop_us + np.repeat(np.arange(n_tiles) * hop_us, rows_a_tile)
    history = dict(readings(np.sort(happened + generator.integers(0, hop_us, n)), n_columns))
    for number in range(n_columns):
        history[f"x{number}"] = Column(Float, generator.normal(10, 5, n), generator.random(n) < 0.7)
    materialize(replace(define(view), grace_us=0), history, sequence=1, store=store)
    (item,) = store._items.values()
    (size,) = hop_sizes([view.windowed(feature) for feature in features.values()])  # type: ignore[arg-type]  # no latest values
    assert 0.4 * size.n_bytes <= len(item.value) <= size.n_bytes


def test_a_view_whose_widest_item_would_not_fit_is_refused_with_the_sum() -> None:
    features = {**wide_features(40, ["std"], [11 * DAY_SECONDS]), **wide_features(1, ["mean"], [3600])}
    with pytest.raises(DeclarationError) as refusal:
        FeatureView("wide", ENTITY, source_of(40), features)
    assert str(refusal.value) == (
        "view `wide` is too wide: an entity with rows in every tile would take 429,450 bytes of the online "
        "store, and 390,000 fit (40 figures over up to 11d, 266 tiles of 1h: 429,058 bytes; 1 figures over "
        "up to 1h, 14 tiles of 5min: 392 bytes); give the windows of the first of these a longer hop=, or "
        "spread the features over several views"
    )
    by_day = [Aggregate("std", col(f"x{number}"), 11 * DAY_SECONDS, DAY_SECONDS) for number in range(40)]
    FeatureView("wide", ENTITY, source_of(40), {f"std_{n}": each for n, each in enumerate(by_day)})


def test_what_is_stored_is_what_declarations_are_held_to() -> None:
    assert MAX_ITEM_BYTES == item_sizes.MAX_ITEM_BYTES
