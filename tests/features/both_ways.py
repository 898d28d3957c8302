"""One question answered by both halves of the feature engine, which must agree to the last bit."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.features.questions import bits
from tidemill import Bool, Entity, FeatureView, Float, Int, Source, String, Timestamp, Type
from tidemill.expressions import Columns, column
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.features.online import read_views
from tidemill.memory.online import MemoryOnlineStore
from tidemill.project.times import KnownRule
from tidemill.project.views import Feature

NOON = datetime(2013, 1, 9, 12, tzinfo=UTC)
SCHEMA = {
    "place": String,
    "at": Timestamp,
    "arrived": Timestamp,
    "x": Float,
    "n": Int,
    "word": String,
    "good": Bool,
}


def after(seconds: float, *, us: int = 0) -> datetime:
    """Return a moment some seconds, and microseconds, after noon."""
    return NOON + timedelta(seconds=seconds, microseconds=us)


def a_row(at: datetime | None, **values: Any) -> dict[str, Any]:
    """Return a row of Oslo, all null but what is given."""
    return {**dict.fromkeys(SCHEMA), "place": "Oslo", "at": at, **values}


def as_columns(rows: Sequence[Mapping[str, Any]], schema: Mapping[str, Type]) -> Columns:
    """Write rows as columns."""
    return {name: column(type_, [row[name] for row in rows]) for name, type_ in schema.items()}


def a_view(known: KnownRule = None, /, **features: Feature) -> FeatureView:
    """Declare a view of places."""
    source = Source("readings", SCHEMA, ["place"], "at", known=known)
    return FeatureView("readings", Entity("place", ["place"]), source, features)


def answers(
    view: FeatureView,
    rows: Sequence[Mapping[str, Any]],
    times: Sequence[datetime | None],
    place: str | None = "Oslo",
) -> dict[str, list[Any]]:
    """Ask for a place at some times: in the join, and in an online store brought to the rows.

    Times are to be within the view's grace of the newest row, where the online store owes an answer.
    """
    asked = {"place": column(String, [place] * len(times)), "at": column(Timestamp, times)}
    table, store = as_columns(rows, view.source.schema), MemoryOnlineStore()
    offline = join_features(asked, [view], {"readings": table}, "at")
    materialize(view, table, sequence=1, store=store)
    online, _ = read_views([view], asked, asked["at"], store)
    for name, expected in offline.items():
        assert bits(online[name], [True] * len(times)) == bits(expected, [True] * len(times)), name
    return {name: values.to_list() for name, values in offline.items()}


def answer(view: FeatureView, rows: Sequence[Mapping[str, Any]], at: datetime) -> Any:
    """Ask for the one feature of a view at one time."""
    ((value,),) = answers(view, rows, [at]).values()
    return value
