"""An item keeps what a read it owes an answer can reach, and nothing else."""

from datetime import UTC, datetime, timedelta

import numpy as np

from tidemill import Entity, FeatureView, Float, Source, String, Timestamp, distinct, last, latest, mean
from tidemill import sum as total
from tidemill.expressions import Columns, column
from tidemill.features.definitions import define
from tidemill.features.entries import TILE
from tidemill.features.items import Item, layout_of, unpack_item
from tidemill.features.materialization import materialize
from tidemill.memory.online import MemoryOnlineStore

START = datetime(2013, 1, 1, tzinfo=UTC)
SCHEMA = {"place": String, "at": Timestamp, "x": Float, "y": Float, "word": String}
VIEW = FeatureView(
    "readings",
    Entity("place", ["place"]),
    Source("readings", SCHEMA, ["place"], "at"),
    {
        "long": mean("x", over="1h"),
        "short": total("y", over="10min", hop="5min"),
        "words": distinct("word", over="1h"),
        "last": last("word", over="1h"),
        **latest("x"),
    },
)


def an_hour(number: int) -> Columns:
    """Return a row every twenty seconds of an hour."""
    times = [START + timedelta(hours=number, seconds=20 * step) for step in range(180)]
    return {
        "place": column(String, ["Oslo"] * 180),
        "at": column(Timestamp, times),
        "x": column(Float, [float(step) for step in range(180)]),
        "y": column(Float, [1.0] * 180),
        "word": column(String, [f"w{number} {step}" for step in range(180)]),
    }


def item_after(hours: int) -> Item:
    """Bring the hours to a store, one a commit, and return the item."""
    store = MemoryOnlineStore()
    for number in range(hours):
        materialize(VIEW, an_hour(number), sequence=number + 1, store=store)
    (item,) = store.get_many([f'readings@{VIEW.version}#["Oslo"]']).values()
    return unpack_item(item.value, layout_of(define(VIEW)))


def test_an_item_keeps_its_longest_window_and_the_grace_however_long_the_history() -> None:
    item = item_after(5)
    # From one hour, the grace, before the newest row on reads are exact; they reach an hour and a hop back.
    hop_us, hour_us = 300_000_000, 3_600_000_000
    assert item.newest_us - item.exact_from_us == hour_us
    oldest = (item.exact_from_us - hour_us) // hop_us * hop_us
    words = (each.table for each in item.values)
    for table in (*item.rings, *words):
        assert table[TILE].min() >= oldest
    # What came to be seen before the grace began is one row of latest values, and one entry a tile.
    assert len(item.latest) == 181
    (ring,) = item.rings
    tiles, entries = np.unique(ring[TILE], return_counts=True)
    assert set(entries[tiles + hop_us < item.exact_from_us].tolist()) == {1}


def test_an_item_keeps_nothing_of_a_short_window_where_only_long_ones_reach() -> None:
    item, (ring,) = item_after(5), layout_of(define(VIEW)).rings
    (table,) = item.rings
    short_us = 600_000_000
    (slots,) = [rows for window_us, rows, _ in ring.shorter if window_us == short_us]
    reached = table[TILE] + ring.hop_us + short_us > item.exact_from_us
    assert table[slots][:, reached].any(axis=0).all()
    assert not table[slots][:, ~reached].any()
    assert (~reached).sum() == 10  # tiles of five minutes: an hour less ten minutes
