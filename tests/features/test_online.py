"""The online store answers what training saw, to the last bit."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.depth import TRIED, examples
from tests.features.histories import (
    FEATURES,
    Row,
    a_history,
    a_moment,
    randoms,
    to_columns,
    turning_points,
    views,
)
from tests.features.questions import answerable, ask, bits
from tidemill import Entity, FeatureView, Float, Source, String, Timestamp, latest, mean
from tidemill.errors import Corrupt, Unavailable
from tidemill.expressions import Column, column
from tidemill.features.aggregates import KINDS
from tidemill.features.definitions import define
from tidemill.features.items import layout_of, unpack_item
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.features.online import OnlineItem, read_views
from tidemill.memory.online import MemoryOnlineStore


@dataclass(frozen=True)
class Story:
    """Commits of rows, and the moments asked about after each."""

    commits: list[list[Row]]
    asked_at: list[list[datetime]]


def a_story(random: Random, n_commits: int) -> Story:
    shift = timedelta()
    commits, asked_at = list[list[Row]](), []
    for _ in range(n_commits):
        shift += timedelta(seconds=random.choice([0, 1, 20, 300, 3500, 3700, 7 * 86_400]))
        commit = a_history(random, random.randint(0, 20))
        commits.append(
            [
                replace(row, at=row.at and row.at + shift, arrived=row.arrived and row.arrived + shift)
                for row in commit
            ]
        )
        later = random.choice([timedelta(), timedelta(hours=1), timedelta(days=7)])
        asked = [a_moment(random, 150) + shift + later for _ in range(2)]
        committed = [row for each in commits for row in each]
        if committed:
            asked += turning_points(random.choice(committed))
        asked_at.append(asked)
    return Story(commits, asked_at)


@settings(deadline=None, max_examples=examples(60))
@given(view=views(), story=st.builds(a_story, randoms(), st.integers(1, 4)))
def test_online_equals_offline_to_the_last_bit_for_every_kind_of_feature(
    view: FeatureView, story: Story
) -> None:
    store = MemoryOnlineStore()
    committed: list[Row] = []
    for sequence, (commit, asked_at) in enumerate(zip(story.commits, story.asked_at, strict=True), start=1):
        committed += commit
        materialize(view, to_columns(commit), sequence=sequence, store=store)
        asked = ask(asked_at)
        there = answerable(view, to_columns(committed), asked)
        expected = join_features(asked, [view], {"events": to_columns(committed)}, "at")
        found, freshness = read_views([view], asked, asked["at"], store)
        assert list(found) == list(expected)
        for name, values in expected.items():
            assert bits(found[name], [True] * len(there)) == bits(values, there), name
        assert len(freshness["everything"]) == len(there)
        TRIED["answers of the online store held against the offline join, bit by bit"] += sum(there) * len(
            found
        )
    TRIED["streams brought to the online store"] += 1


def test_every_kind_of_feature_is_among_those_replayed() -> None:
    kinds = {name.split("_")[0] for name in FEATURES}
    assert set(KINDS) <= kinds


def simple_view(ttl: str | None = None) -> FeatureView:
    schema = {"place": String, "at": Timestamp, "x": Float}
    source = Source("readings", schema, ["place"], "at")
    return FeatureView(
        "readings", Entity("place", ["place"]), source, {"mean": mean("x", over="1h"), **latest("x")}, ttl=ttl
    )


def readings(*items: tuple[str, str, float]) -> dict[str, Column]:
    return {
        "place": column(String, [place for place, _, _ in items]),
        "at": column(Timestamp, [at for _, at, _ in items]),
        "x": column(Float, [x for _, _, x in items]),
    }


def look(
    view: FeatureView, store: MemoryOnlineStore, place: str, at: str
) -> tuple[dict[str, object], datetime | None]:
    found, freshness = read_views([view], {"place": column(String, [place])}, column(Timestamp, [at]), store)
    return {name: values.to_list()[0] for name, values in found.items()}, freshness[view.name][0]


def test_a_commit_delivered_again_or_late_changes_nothing() -> None:
    view, store = simple_view(), MemoryOnlineStore()
    first, second = readings(("a", "2013-01-01T00:00:00Z", 1.0)), readings(("a", "2013-01-01T00:01:00Z", 3.0))
    assert [materialize(view, each, sequence=n, store=store) for n, each in ((1, first), (2, second))] == [
        1,
        1,
    ]
    before = look(view, store, "a", "2013-01-01T00:02:00Z")
    assert before[0] == {"mean": 2.0, "x": 3.0}
    assert materialize(view, second, sequence=2, store=store) == 0
    assert materialize(view, first, sequence=1, store=store) == 0
    assert look(view, store, "a", "2013-01-01T00:02:00Z") == before


def test_a_commit_cut_off_half_way_is_completed_by_its_next_delivery() -> None:
    view, store = simple_view(), FailingStore(writes=1)
    rows_committed = readings(("a", "2013-01-01T00:00:00Z", 1.0), ("b", "2013-01-01T00:00:00Z", 5.0))
    with pytest.raises(Unavailable):
        materialize(view, rows_committed, sequence=1, store=store)
    assert materialize(view, rows_committed, sequence=1, store=store) == 1
    for place, x in (("a", 1.0), ("b", 5.0)):
        assert look(view, store, place, "2013-01-01T00:01:00Z")[0] == {"mean": x, "x": x}


class FailingStore(MemoryOnlineStore):
    """Fails once, after so many writes."""

    def __init__(self, writes: int) -> None:
        super().__init__()
        self._left = writes

    def put(self, key: str, item: OnlineItem) -> bool:
        self._left -= 1
        if self._left == -1:
            raise Unavailable("the store is away")
        return super().put(key, item)


def test_two_workers_with_the_same_commit_write_it_once() -> None:
    view, store = simple_view(), MemoryOnlineStore()
    commit = readings(*[(f"p{n}", "2013-01-01T00:00:00Z", float(n)) for n in range(200)])
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(materialize, view, commit, sequence=1, store=store) for _ in range(4)]
    assert sum(job.result() for job in jobs) == 200
    assert look(view, store, "p7", "2013-01-01T00:01:00Z")[0] == {"mean": 7.0, "x": 7.0}


class Counting(MemoryOnlineStore):
    """Remembers the keys of each read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[list[str]] = []

    def get_many(self, keys: Iterable[str], *, consistent: bool = False) -> dict[str, OnlineItem]:
        self.reads.append(list(keys))
        return super().get_many(self.reads[-1], consistent=consistent)


def test_all_views_and_rows_of_a_request_are_one_read_of_each_item_once() -> None:
    views_asked = [replace(simple_view(), name=name) for name in ("one", "two", "three")]
    store = Counting()
    places = {"place": column(String, ["a", "b", "a", None])}
    read_views(views_asked, places, column(Timestamp, ["2013-01-01T00:00:00Z"] * 4), store)
    assert store.reads == [
        sorted(f'{each.name}@{each.version}#["{p}"]' for each in views_asked for p in "ab")
    ]
    store.reads.clear()
    read_views(views_asked, {"place": column(String, [None])}, column(Timestamp, [None]), store)
    assert store.reads == []


def test_freshness_is_the_newest_row_seen_and_nothing_where_none_is() -> None:
    view, store = simple_view(ttl="1h"), MemoryOnlineStore()
    materialize(view, readings(("a", "2013-01-01T00:00:00Z", 1.0)), sequence=1, store=store)
    assert look(view, store, "a", "2013-01-01T00:30:00Z")[1] == datetime(2013, 1, 1, tzinfo=UTC)
    assert look(view, store, "a", "2013-01-01T02:00:00Z") == ({"mean": None, "x": None}, None)
    assert look(view, store, "never", "2013-01-01T00:30:00Z") == ({"mean": None, "x": None}, None)


def test_a_read_too_far_back_is_null_rather_than_wrong() -> None:
    view, store = simple_view(), MemoryOnlineStore()
    commit = readings(("a", "2013-01-01T00:00:00Z", 1.0), ("a", "2013-01-02T00:00:00Z", 2.0))
    materialize(view, commit, sequence=1, store=store)
    assert look(view, store, "a", "2013-01-01T00:30:00Z") == ({"mean": None, "x": None}, None)


def test_a_row_is_kept_until_the_last_window_that_can_ask_for_it_is_past() -> None:
    view, store = simple_view(), MemoryOnlineStore()
    commit = readings(("a", "2013-01-01T00:00:00Z", 1.0), ("a", "2013-01-01T02:02:00Z", 2.0))
    materialize(view, commit, sequence=1, store=store)
    assert look(view, store, "a", "2013-01-01T01:03:00Z")[0] == {"mean": 1.0, "x": 1.0}
    assert look(view, store, "a", "2013-01-01T01:05:00Z")[0] == {"mean": None, "x": 1.0}


def test_items_do_not_grow_with_what_no_read_can_reach() -> None:
    view, store = simple_view(), MemoryOnlineStore()
    sizes = []
    for day in range(1, 29):
        at = [f"2013-01-{day:02d}T{hour:02d}:00:00Z" for hour in range(24)]
        materialize(view, readings(*[("a", each, 1.0) for each in at]), sequence=day, store=store)
        (item,) = store.get_many([f'readings@{view.version}#["a"]']).values()
        sizes.append(len(item.value))
    assert max(sizes) <= 2 * sizes[0]


@pytest.mark.parametrize(
    ("ttl", "committed", "expected"),
    [
        ("1d", "2013-01-01T00:00:00Z", "2013-01-02T02:05:00.5Z"),
        ("1d", "2026-03-01T00:00:00Z", "2026-03-02T02:05:00Z"),
        (None, "2026-03-01T00:00:00Z", None),
    ],
    ids=["as its rows come", "a history loaded late", "a latest value of any age"],
)
def test_an_item_expires_when_no_read_can_find_anything_in_it(
    ttl: str | None, committed: str, expected: str | None
) -> None:
    # An hour and the hop of five minutes, a day of ttl, an hour of grace.
    view, store = simple_view(ttl=ttl), MemoryOnlineStore()
    rows_committed = readings(("a", "2013-01-01T00:00:00.5Z", 1.0))
    at = datetime.fromisoformat(committed)
    materialize(view, rows_committed, sequence=1, store=store, at=at)
    (item,) = store.get_many([f'readings@{view.version}#["a"]']).values()
    if expected is None or item.expires_at is None:
        assert (item.expires_at, expected) == (None, None)
    else:
        assert 0 <= item.expires_at - datetime.fromisoformat(expected).timestamp() <= 1


def test_an_item_whose_time_is_over_is_as_good_as_gone_before_the_store_drops_it() -> None:
    view, store = simple_view(ttl="1d"), MemoryOnlineStore()
    committed = datetime(2013, 1, 1, 1, tzinfo=UTC)
    rows_committed = readings(("a", "2013-01-01T00:00:00Z", 1.0))
    materialize(view, rows_committed, sequence=1, store=store, at=committed)
    (item,) = store.get_many([f'readings@{view.version}#["a"]']).values()
    over = datetime.fromtimestamp(item.expires_at or 0, UTC)
    asked = {"place": column(String, ["a"])}
    times = column(Timestamp, ["2013-01-01T00:30:00Z"])
    for now, expected in ((over - timedelta(seconds=1), [1.0]), (over, [None])):
        found, _ = read_views([view], asked, times, store, now=now)
        assert found["x"].to_list() == expected


def test_a_damaged_item_is_an_error_and_never_a_value() -> None:
    view = simple_view()
    with pytest.raises(Corrupt):
        unpack_item(b"\x01\x02", layout_of(define(view)))
