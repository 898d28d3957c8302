"""What is computed holds at the edges too: no rows and many, times ages apart, keys far from each other."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.histories import (
    ENTITY,
    FEATURES,
    SCHEMA,
    START,
    Row,
    a_history,
    a_row,
    every_feature,
    histories,
    randoms,
    to_columns,
    turning_points,
    views,
)
from tests.features.holding import Question, hold, hold_join, to_request
from tidemill import Delay, FeatureView, Source
from tidemill.expressions import take_rows
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.memory.online import MemoryOnlineStore
from tidemill.project.times import KnownRule
from tidemill.project.views import Aggregate, Feature, latest

KNOWN: tuple[KnownRule, ...] = (None, "arrived", Delay("45s"))
FIRST, LAST = datetime(1, 2, 1, tzinfo=UTC), datetime(9999, 11, 1, tzinfo=UTC)


def view_of(known: KnownRule, features: dict[str, Feature]) -> FeatureView:
    return FeatureView("everything", ENTITY, Source("events", SCHEMA, ["shop"], "at", known=known), features)


@pytest.mark.parametrize("known", KNOWN, ids=str)
@pytest.mark.parametrize("n_rows", [0, 1])
def test_no_rows_and_one_row_are_answered_as_any(known: KnownRule, n_rows: int) -> None:
    row = Row("a", 1, START, START, 1.5, "p", 2**53 + 1, good=True)
    places: list[tuple[str | None, int | None]] = [("a", 1), ("a", 2), ("never", 1), (None, None)]
    hold(
        view_of(known, FEATURES),
        [row] * n_rows,
        [(place, at) for place in places for at in turning_points(row)],
    )


def test_no_questions_have_no_answers() -> None:
    asked = to_request([])
    for history in ([], a_history(Random(1), 20)):
        found = join_features(asked, [view_of("arrived", FEATURES)], {"events": to_columns(history)}, "at")
        assert {len(each) for each in found.values()} == {0}


def ages_apart(random: Random, n_rows: int) -> list[Row]:
    """Make rows of all times there are, some together, some long before 1970."""
    span = (LAST - FIRST) // timedelta(microseconds=1)
    made: list[Row] = []
    for _ in range(n_rows):
        at = FIRST + timedelta(microseconds=random.randrange(span))
        at = random.choice([at, at, datetime(1969, 12, 31, 23, 59, random.randrange(60), tzinfo=UTC)])
        if made and random.random() < 0.3:
            at = (random.choice(made).at or at) + timedelta(microseconds=random.choice([0, 0, 1]))
        late = min(timedelta(days=random.choice([0, 0, 1, 100_000])), LAST - at)
        made.append(replace(a_row(random), at=at, arrived=at + late))
    return made


CENTURY = 36_525 * 86_400
LONG: dict[str, Feature] = {
    f"{kind}_{name}_{seconds}": replace(feature, window_seconds=seconds, hop_seconds=hop)
    for seconds, hop in ((10, 1), (3600, 300), (CENTURY, 25 * 86_400), (20 * CENTURY, CENTURY))
    for kind, name in (("count", "x"), ("sum", "x"), ("max", "n"), ("last", "word"), ("distinct", "word"))
    if isinstance(feature := FEATURES[f"{kind}_{name}_60"], Aggregate)
}


@settings(deadline=None, max_examples=20)
@given(known=st.sampled_from(KNOWN), random=randoms(), n_rows=st.integers(1, 25))
def test_times_may_be_ages_apart_and_long_before_1970(known: KnownRule, random: Random, n_rows: int) -> None:
    history = ages_apart(random, n_rows)
    turns = [
        (row.at + timedelta(seconds=seconds) if seconds < CENTURY else row.at, row)
        for row in history
        for seconds in (0, 1, 45, 46, 3600, 3900, CENTURY)
        if row.at is not None
    ]
    arrivals = [(row.arrived, row) for row in history if row.arrived is not None]
    asked = random.sample([*turns, *arrivals], min(40, len(turns)))
    beside = [
        ((row.shop, row.shelf), at + timedelta(microseconds=off)) for at, row in asked for off in (-1, 0, 1)
    ]
    hold(view_of(known, {**LONG, **latest("x", "word")}), history, beside)


def crowd(random: Random, n_rows: int) -> list[Row]:
    """Make many rows, in no order, of one hot entity and of many others whose keys leave gaps."""
    made = []
    for row in range(n_rows):
        key = ("hot", 0) if random.random() < 0.1 else (random.choice("ab"), 7919 * random.randrange(n_rows))
        at = START + timedelta(seconds=random.randrange(10_000), microseconds=random.choice([0, 0, 1, 2]))
        late = timedelta(seconds=random.choice([0, 0, 1, 30, 4000]))
        x = random.choice([None, random.gauss(0, 100), random.gauss(0, 1e-3)])
        n, good = random.choice([None, row, -row]), random.choice([None, True, False])
        made.append(Row(*key, at, at + late, x, random.choice(["p", "q", f"{row}"]), n, good))
    return made


def questions_to(history: Sequence[Row], random: Random) -> list[Question]:
    hot = [START + timedelta(microseconds=random.randrange(12_000 * 10**6)) for _ in range(15)]
    rows = random.sample(history, 30)
    cold = [
        ((row.shop, row.shelf), row.at + timedelta(seconds=random.randrange(70))) for row in rows if row.at
    ]
    return [(("hot", 0), at) for at in hot] + cold


@pytest.mark.parametrize("known", KNOWN, ids=str)
def test_many_rows_are_no_other_than_few(known: KnownRule) -> None:
    random = Random(7)
    history = crowd(random, 40_000)  # more than a block of sums, with windows of several blocks of minima
    features: dict[str, Feature] = {
        f"{name}_{seconds}": replace(feature, window_seconds=seconds, hop_seconds=hop)
        for name, feature in every_feature().items()
        if name.endswith(("_x_7", "_n_7", "_good_7", "_word_7")) and isinstance(feature, Aggregate)
        for seconds, hop in ((70, 5), (600, 50))
    }
    features |= latest("x", "word")
    hold_join(view_of(known, features), history, questions_to(history, random))


@settings(deadline=None, max_examples=20)
@given(view=views(), history=histories(), random=randoms())
def test_the_order_of_rows_in_a_file_changes_no_bit_of_an_answer_and_no_byte_of_an_item(
    view: FeatureView, history: list[Row], random: Random
) -> None:
    rows = to_columns(history)
    order = list(range(len(history)))
    random.shuffle(order)
    shuffled = take_rows(rows, np.array(order, dtype=np.int64))
    moments = [at for row in history[:3] for at in turning_points(row)] or [START]
    asked = to_request([(("a", 1), at) for at in moments])
    answers, items = [], []
    for table in (rows, shuffled):
        found = join_features(asked, [view], {"events": table}, "at")
        answers.append([(name, repr(each.to_list())) for name, each in found.items()])
        store = MemoryOnlineStore()
        materialize(view, table, sequence=1, store=store)
        items.append(store._items)
    assert answers[0] == answers[1]
    assert items[0] == items[1]


def test_sums_of_many_of_the_largest_numbers_of_one_entity_are_exact() -> None:
    random, n_rows = Random(3), 40_000
    numbers = [
        random.choice([-1, 1]) * random.uniform(0.9, 1) * 2.0**62 + random.random() for _ in range(n_rows)
    ]
    history = [
        Row("a", 1, START + timedelta(milliseconds=place), None, x, None, None, None)
        for place, x in enumerate(numbers)
    ]
    features: dict[str, Feature] = {
        kind: replace(feature, window_seconds=3600, hop_seconds=300)
        for kind in ("sum", "mean", "var", "std")
        if isinstance(feature := FEATURES[f"{kind}_x_60"], Aggregate)
    }
    at = START + timedelta(seconds=60)
    hold(view_of(None, features), history, [(("a", 1), at)])
    # At so many moments that the answers are not added up one by one.
    moments = [(("a", 1), at - timedelta(milliseconds=500 * step)) for step in range(100)]
    hold_join(view_of(None, features), history[::100], moments)
