"""Holds the join to the oracle, and the online store to the join."""

from collections.abc import Sequence
from datetime import datetime

from tests.features.histories import Row, oracle, to_columns
from tests.features.questions import answerable, bits, bits_of
from tidemill import FeatureView, Int, String, Timestamp
from tidemill.expressions import Column, column
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.features.online import read_views
from tidemill.memory.online import MemoryOnlineStore

Question = tuple[tuple[str | None, int | None], datetime]
"""A shop and a shelf, and when they are asked about."""


def hold(view: FeatureView, history: Sequence[Row], questions: Sequence[Question]) -> None:
    """Ask for every feature: the join has the oracle's bits, and the store the join's where it owes them."""
    offline = hold_join(view, history, questions)
    asked, rows, store = to_request(questions), to_columns(history), MemoryOnlineStore()
    materialize(view, rows, sequence=1, store=store)
    online, _ = read_views([view], asked, asked["at"], store)
    there = answerable(view, rows, asked)
    for name, found in offline.items():
        assert bits(online[name], there) == bits(found, there), name


def hold_join(view: FeatureView, history: Sequence[Row], questions: Sequence[Question]) -> dict[str, Column]:
    """Ask the join for every feature; it has the oracle's bits."""
    found = join_features(to_request(questions), [view], {"events": to_columns(history)}, "at")
    by_key: dict[object, list[Row]] = {}
    for row in history:
        by_key.setdefault((row.shop, row.shelf), []).append(row)
    expected = [oracle(view, by_key.get(key, []), key, at) for key, at in questions]
    for name, values in found.items():
        assert bits(values, [True] * len(questions)) == bits_of([each[name] for each in expected]), name
    return found


def to_request(questions: Sequence[Question]) -> dict[str, Column]:
    """Write questions as columns."""
    return {
        "shop": column(String, [key[0] for key, _ in questions]),
        "shelf": column(Int, [key[1] for key, _ in questions]),
        "at": column(Timestamp, [at for _, at in questions]),
    }
