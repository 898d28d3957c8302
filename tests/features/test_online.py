"""The online store answers what training saw, to the last bit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.histories import FEATURES, Row, moments, rows, to_columns, views
from tidemill import FeatureView, Int, String, Timestamp
from tidemill.expressions import Column, Columns, column
from tidemill.features.aggregates import KINDS
from tidemill.features.definitions import define, read_events
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.features.online import read_views
from tidemill.memory.online import MemoryOnlineStore

ENTITIES = [("a", 1), ("a", 2), ("b", 1), ("ü", -(10**15)), ("a", None), ("never", 1)]


@dataclass(frozen=True)
class Story:
    """Commits of rows, and the moments asked about after each."""

    commits: list[list[Row]]
    asked_at: list[list[datetime]]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    shift = timedelta()
    commits, asked_at = [], []
    for _ in range(draw(st.integers(1, 4))):
        shift += timedelta(seconds=draw(st.sampled_from([0, 1, 20, 300, 3500, 3700, 7 * 86_400])))
        commit = draw(st.lists(rows(), max_size=10))
        commits.append(
            [
                replace(row, at=row.at and row.at + shift, arrived=row.arrived and row.arrived + shift)
                for row in commit
            ]
        )
        later = draw(st.sampled_from([timedelta(), timedelta(hours=1), timedelta(days=7)]))
        asked_at.append([at + shift + later for at in draw(st.lists(moments(150), min_size=1, max_size=3))])
    return Story(commits, asked_at)


def ask(moments_asked: Sequence[datetime]) -> dict[str, Column]:
    pairs = [(entity, at) for at in moments_asked for entity in ENTITIES]
    return {
        "shop": column(String, [entity[0] for entity, _ in pairs]),
        "shelf": column(Int, [entity[1] for entity, _ in pairs]),
        "at": column(Timestamp, [at for _, at in pairs]),
    }


def answerable(view: FeatureView, committed: Columns, asked: Columns) -> list[bool]:
    """Say which questions are not too far in the past for what the store keeps."""
    definition = define(view)
    events = read_events(definition, committed)
    keys = list(zip(*(events.columns[name].to_list() for name in ("shop", "shelf")), strict=True))
    newest: dict[object, int] = {}
    for key, visible in zip(keys, events.visible.tolist(), strict=True):
        newest[key] = max(newest.get(key, visible), visible)
    questions = zip(asked["shop"].to_list(), asked["shelf"].to_list(), asked["at"].values, strict=True)
    return [
        int(at.astype(np.int64)) >= newest.get((shop, shelf), -(2**62)) - definition.grace_us
        for shop, shelf, at in questions
    ]


def bits(values: Column, there: Sequence[bool]) -> list[object]:
    """Return values to be compared bit by bit; None where null or not asked for."""
    shown = values.to_list()
    plain = [each.hex() if isinstance(each, float) else each for each in shown]
    return [each if ok else None for each, ok in zip(plain, there, strict=True)]


@settings(deadline=None, max_examples=60)
@given(view=views(), story=stories())
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


def test_every_kind_of_feature_is_among_those_replayed() -> None:
    kinds = {name.split("_")[0] for name in FEATURES}
    assert set(KINDS) <= kinds
