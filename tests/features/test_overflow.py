"""What does not fit an item is a null that says so, of that entity alone, and never a failed commit."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np
import pytest

from tidemill import (
    Delay,
    Entity,
    FeatureView,
    Float,
    Int,
    Source,
    String,
    Timestamp,
    count,
    distinct,
    latest,
    mean,
)
from tidemill.expressions import Column, Columns, column, concat_rows
from tidemill.features.definitions import define
from tidemill.features.items import MAX_ITEM_BYTES
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.features.online import look_up
from tidemill.memory.online import MemoryOnlineStore

START_US = 1_357_000_000_000_000
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
ENTITY = Entity("place", ["place"])
SCHEMA = MappingProxyType({"place": String, "at": Timestamp, "n": Int, "x": Float, "word": String})


def moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us // SECOND_US, UTC)


def rows(place: str, happened_us: Sequence[int] | np.ndarray, values: np.ndarray, word: str = "w") -> Columns:
    n, times = len(happened_us), np.asarray(happened_us, dtype=np.int64)
    there = np.ones(n, dtype=np.bool_)
    return {
        "place": column(String, [place] * n),
        "at": Column(Timestamp, times.astype("datetime64[us]"), there),
        "n": Column(Int, values.astype(np.int64), there),
        "x": Column(Float, values.astype(np.float64), there),
        "word": column(String, [word] * n),
    }


def source(known: Delay | None = None) -> Source:
    return Source("readings", SCHEMA, ["place"], "at", known=known)


class Told:
    """A store of a view, the rows it was brought, and what it answers beside what training sees."""

    def __init__(self, view: FeatureView) -> None:
        self._view = view
        self._commits: list[Columns] = []
        self.store = MemoryOnlineStore()

    def commit(self, *parts: Columns, at_us: int) -> None:
        self._commits.append(concat_rows(parts))
        materialize(
            self._view, self._commits[-1], sequence=len(self._commits), store=self.store, at=moment(at_us)
        )

    def answered(self, place: str, at_us: Sequence[int]) -> list[bool]:
        """Tell which questions are answered; those that are have the bits that training has."""
        n = len(at_us)
        times = Column(Timestamp, np.array(at_us).astype("datetime64[us]"), np.ones(n, dtype=np.bool_))
        asked = {"place": column(String, [place] * n), "at": times}
        (answer,) = look_up([self._view], asked, times, self.store)
        expected = join_features(asked, [self._view], {"readings": concat_rows(self._commits)}, "at")
        for name, each in answer.columns.items():
            wanted = [
                value if there else None
                for value, there in zip(expected[name].to_list(), answer.answerable, strict=True)
            ]
            assert each.to_list() == wanted
        assert {answer.newest[place] for place in np.flatnonzero(~answer.answerable)} <= {None}
        return list(map(bool, answer.answerable))

    def is_answered(self, place: str, at_us: int) -> bool:
        """Tell whether a question is answered."""
        return self.answered(place, [at_us])[0]

    def overflowed(self, place: str) -> bool:
        key = f'{define(self._view).reference}#["{place}"]'
        item = self.store.get_many([key])[key]
        assert len(item.value) <= MAX_ITEM_BYTES
        return item.overflowed


def test_rows_known_later_in_their_thousands_leave_the_entity_unanswered_and_others_exact() -> None:
    told = Told(
        FeatureView("hot", ENTITY, source(Delay("30min")), {"m": mean("x", over="1h"), "c": count(over="1h")})
    )
    now_us = START_US + 6 * MINUTE_US
    generator = np.random.default_rng(0)
    hot = rows("Oslo", START_US + np.arange(60_000) * (MINUTE_US // 10_000), generator.normal(size=60_000))
    told.commit(hot, rows("Rome", [START_US, START_US + MINUTE_US], np.array([1.0, 2.0])), at_us=now_us)
    assert (told.overflowed("Oslo"), told.overflowed("Rome")) == (True, False)
    for later_us in (0, 31 * MINUTE_US):
        assert told.is_answered("Rome", now_us + later_us)
    assert not told.is_answered("Oslo", now_us)
    assert told.is_answered("Oslo", now_us + 31 * MINUTE_US)


def test_rows_known_much_later_leave_reads_as_of_now_exact() -> None:
    told = Told(FeatureView("late", ENTITY, source(Delay("9d")), {"m": mean("x", over="1d"), **latest("n")}))
    for day in range(25):
        happened = START_US + day * DAY_US + np.arange(0, DAY_US, HOUR_US)
        told.commit(rows("Oslo", happened, np.arange(24) + 100.0 * day), at_us=START_US + (day + 1) * DAY_US)
        now_us = START_US + (day + 1) * DAY_US
        assert all(told.answered("Oslo", [now_us, now_us + HOUR_US, now_us + 23 * HOUR_US]))
    assert not told.overflowed("Oslo")


def test_too_many_different_values_answer_again_when_the_window_is_past() -> None:
    told = Told(
        FeatureView(
            "wide",
            ENTITY,
            source(),
            {"values": distinct("x", over="90d", at_most=10**6), "c": count(over="1h")},
        )
    )
    values = np.random.default_rng(2).normal(size=52_000)
    now_us = START_US + 52_000 * MINUTE_US
    told.commit(rows("Oslo", START_US + np.arange(52_000) * MINUTE_US, values), at_us=now_us)
    assert told.overflowed("Oslo")
    assert not told.is_answered("Oslo", now_us)
    for day in (10, 50, 89, 92, 100):
        at_us = now_us + day * DAY_US
        told.commit(rows("Oslo", [at_us - 1], np.array([float(day)])), at_us=at_us)
        told.is_answered("Oslo", at_us)
    assert not told.overflowed("Oslo")
    assert told.is_answered("Oslo", now_us + 100 * DAY_US)


def test_latest_values_that_are_too_large_are_unanswered_until_the_next_row() -> None:
    told = Told(FeatureView("words", ENTITY, source(), latest("word", "n"), ttl="30d"))
    told.commit(rows("Oslo", [START_US], np.array([1.0]), word="short"), at_us=START_US + SECOND_US)
    long = "".join(map(chr, np.random.default_rng(3).integers(0x4E00, 0x9FFF, 200_000)))
    told.commit(
        rows("Oslo", [START_US + MINUTE_US], np.array([2.0]), word=long), at_us=START_US + 2 * MINUTE_US
    )
    assert told.overflowed("Oslo")
    assert not told.is_answered("Oslo", START_US + 2 * MINUTE_US)
    told.commit(rows("Oslo", [START_US + 30 * SECOND_US], np.array([3.0])), at_us=START_US + 3 * MINUTE_US)
    assert not told.is_answered("Oslo", START_US + 3 * MINUTE_US)  # a late row is not the newest
    told.commit(rows("Oslo", [START_US + 4 * MINUTE_US], np.array([4.0])), at_us=START_US + 5 * MINUTE_US)
    assert not told.overflowed("Oslo")
    assert told.is_answered("Oslo", START_US + 5 * MINUTE_US)


@pytest.mark.parametrize("at_most", [10, 40_000])
def test_whenever_it_is_asked_an_item_that_let_go_of_something_answers_rightly_or_not_at_all(
    at_most: int,
) -> None:
    told = Told(FeatureView("wide", ENTITY, source(), {"values": distinct("x", over="6h", at_most=at_most)}))
    generator = np.random.default_rng(4)
    answered = []
    for hour in range(1, 13):
        until_us = START_US + hour * HOUR_US
        n = 20_000 if 3 <= hour <= 5 else 50
        happened = until_us - generator.integers(1, HOUR_US, n)
        told.commit(rows("Oslo", happened, generator.normal(size=n) * 100), at_us=until_us)
        at_random = generator.integers(START_US, until_us + 8 * HOUR_US, 20).tolist()
        answered.append(told.answered("Oslo", [until_us, *at_random])[0])
    assert all(answered) == (at_most == 10)
    assert (answered[0], answered[-1]) == (True, True)


def test_a_commit_that_overflows_an_item_counts_once_too() -> None:
    view = FeatureView("wide", ENTITY, source(), {"values": distinct("x", over="90d", at_most=10**6)})
    commit = rows(
        "Oslo", START_US + np.arange(52_000) * MINUTE_US, np.random.default_rng(2).normal(size=52_000)
    )
    store = MemoryOnlineStore()
    assert materialize(view, commit, sequence=1, store=store) == 1
    before = dict(store._items)
    assert materialize(view, commit, sequence=1, store=store) == 0
    assert store._items == before
