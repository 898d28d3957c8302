"""A read says of which moment the newest row is that it took anything from."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.depth import examples
from tests.features.histories import (
    EPOCH,
    FEATURES,
    Row,
    histories,
    known_time,
    randoms,
    to_columns,
    turning_points,
    views,
)
from tests.features.questions import ENTITIES, answerable, ask
from tidemill import FeatureView
from tidemill.features.materialization import materialize
from tidemill.features.online import read_views
from tidemill.memory.online import MemoryOnlineStore
from tidemill.project.views import Aggregate

MICROSECOND = timedelta(microseconds=1)


def newest_taken(view: FeatureView, rows: Sequence[Row], at: datetime) -> datetime | None:
    """Return when the newest row happened that some feature of the view takes in at a moment."""
    seen = [
        row.at
        for row in rows
        if row.at is not None and (known := known_time(view, row)) is not None and row.at < at and known <= at
    ]
    taken: list[datetime] = []
    for feature in view.features.values():
        if isinstance(feature, Aggregate):
            hop = feature.hop_seconds * 1_000_000
            tail = ((at - EPOCH) // MICROSECOND - feature.window_seconds * 1_000_000) // hop * hop
            taken += [each for each in seen if (each - EPOCH) // MICROSECOND >= tail]
        else:
            ttl = view.definition()["ttl_seconds"]
            taken += [each for each in seen if ttl is None or at - max(seen) <= timedelta(seconds=ttl)]
    return max(taken, default=None)


@settings(deadline=None, max_examples=examples(40))
@given(view=views(), history=histories(1), random=randoms(), n_features=st.integers(1, 4))
def test_freshness_is_the_timestamp_of_the_newest_row_that_any_feature_took_in(
    view: FeatureView, history: list[Row], random: Random, n_features: int
) -> None:
    names = random.sample(sorted(FEATURES), n_features)
    view = replace(view, features={name: FEATURES[name] for name in names})
    moments = [at for row in random.sample(history, 1) for at in turning_points(row)]
    asked, store = ask(moments or [datetime(2013, 1, 7, tzinfo=EPOCH.tzinfo)]), MemoryOnlineStore()
    rows = to_columns(history)
    materialize(view, rows, sequence=1, store=store)
    _, freshness = read_views([view], asked, asked["at"], store)
    pairs = [(key, at) for at in asked["at"].to_list()[:: len(ENTITIES)] for key in ENTITIES]
    for (key, at), found, there in zip(
        pairs, freshness["everything"], answerable(view, rows, asked), strict=True
    ):
        own = [row for row in history if (row.shop, row.shelf) == key and None not in key]
        assert found == (newest_taken(view, own, at) if there else None), (names, key, at)
