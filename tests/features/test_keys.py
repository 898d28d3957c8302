"""Entities are told apart by keys of any type but float, offline as online, however strings are held."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill import Entity, FeatureView, Float, Source, Timestamp, Type, count, latest
from tidemill.datasets.arrow import ARROW_TYPES, to_columns
from tidemill.errors import DeclarationError, ExpressionError
from tidemill.expressions import Column, Columns, column
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.features.online import read_views
from tidemill.memory.online import MemoryOnlineStore

START = datetime(2013, 1, 1, tzinfo=UTC)
KEYS: dict[Type, st.SearchStrategy[Any]] = {
    Type.STRING: st.sampled_from(["", "a", "b", "ü", '"', "a,b"]),
    Type.INT: st.sampled_from([0, 1, 5, -(2**63), 2**63 - 1, 10**15]),
    Type.BOOL: st.booleans(),
    Type.TIMESTAMP: st.sampled_from(
        [START, START + timedelta(microseconds=1), datetime(1960, 5, 1, tzinfo=UTC)]
    ),
}
KEY_TYPES: list[tuple[Type, ...]] = [
    *((type_,) for type_ in KEYS),
    (Type.STRING, Type.STRING),
    (Type.BOOL, Type.TIMESTAMP, Type.INT, Type.STRING),
]
Moment = tuple[tuple[Any, ...], int]
"""A key, and seconds since ``START``."""


def moments(types: Sequence[Type], n_least: int) -> st.SearchStrategy[list[Moment]]:
    """Draw keys, some of them null, with times."""
    keys = st.tuples(*(KEYS[type_] | st.none() for type_ in types))
    return st.lists(st.tuples(keys, st.integers(0, 50)), min_size=n_least, max_size=12)


def a_view(types: Sequence[Type]) -> FeatureView:
    """Declare a view whose keys are of these types."""
    schema = {**{f"k{place}": type_ for place, type_ in enumerate(types)}, "at": Timestamp, "x": Float}
    source = Source("events", schema, ["k0", "at"], "at")
    features = {"n": count(over="1h"), **latest("x")}
    return FeatureView("view", Entity("thing", [name for name in schema if name[0] == "k"]), source, features)


def as_columns(types: Sequence[Type], rows: Sequence[Moment], *, by_arrow: bool) -> Columns:
    """Write keys and times as columns, as the tables give them or one Python value after the other."""
    schema = {**{f"k{place}": type_ for place, type_ in enumerate(types)}, "at": Timestamp, "x": Float}
    values = {
        **{f"k{place}": [key[place] for key, _ in rows] for place in range(len(types))},
        "at": [START + timedelta(seconds=seconds) for _, seconds in rows],
        "x": [float(seconds) for _, seconds in rows],
    }
    if by_arrow:
        table = {name: pa.array(values[name], type=ARROW_TYPES[type_]) for name, type_ in schema.items()}
        return to_columns(pa.table(table), schema)
    return {name: column(type_, values[name]) for name, type_ in schema.items()}


@pytest.mark.parametrize("types", KEY_TYPES, ids=lambda types: "-".join(each.value for each in types))
def test_rows_of_the_same_key_are_one_entity_offline_and_online(types: tuple[Type, ...]) -> None:
    view = a_view(types)

    @settings(deadline=None, max_examples=40)
    @given(moments(types, 0), moments(types, 1), st.booleans(), st.booleans())
    def holds(history: list[Moment], asked: list[Moment], rows_by_arrow: bool, asked_by_arrow: bool) -> None:  # noqa: FBT001  # hypothesis passes by position
        rows = as_columns(types, history, by_arrow=rows_by_arrow)
        request = as_columns(types, asked, by_arrow=asked_by_arrow)
        offline = join_features(request, [view], {"events": rows}, "at")
        store = MemoryOnlineStore()
        materialize(view, rows, sequence=1, store=store)
        online, _ = read_views([view], request, request["at"], store)
        expected = [answer(history, key, seconds) for key, seconds in asked]
        for found in (offline, online):
            assert list(zip(found["n"].to_list(), found["x"].to_list(), strict=True)) == expected

    holds()


def answer(history: Sequence[Moment], key: tuple[Any, ...], seconds: int) -> tuple[int, float | None]:
    """Count the rows of a key before a moment, and take the newest."""
    seen = [when for other, when in history if other == key and None not in key and when < seconds]
    return len(seen), float(max(seen)) if seen else None


def test_a_float_is_no_key() -> None:
    with pytest.raises(DeclarationError, match="key `k0` is float"):
        a_view([Type.FLOAT])


def test_a_key_column_of_another_type_is_refused_by_name() -> None:
    view = a_view([Type.BOOL])
    rows = as_columns([Type.BOOL], [((True,), 1)], by_arrow=False)
    request: dict[str, Column] = {**rows, "k0": column(Type.INT, [1])}
    with pytest.raises(ExpressionError, match="key `k0` is bool, but the column is int"):
        join_features(request, [view], {"events": rows}, "at")
