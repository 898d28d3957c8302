"""Applying commits to the online store: once in effect, however often or together they are delivered."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from tidemill.expressions import Column, Columns, concat_columns, take_rows
from tidemill.features.aggregates import taken_values
from tidemill.features.definitions import (
    SECOND_US,
    Declared,
    Events,
    Ints,
    ViewDefinition,
    define,
    read_events,
)
from tidemill.features.entities import encode_entities, newest_order
from tidemill.features.entries import TILE, VISIBLE
from tidemill.features.items import (
    Item,
    Layout,
    column_of_plain,
    empty_item,
    key_text,
    layout_of,
    pack_item,
    plain_values,
    unpack_item,
)
from tidemill.features.online import OnlineItem, OnlineStore
from tidemill.features.rings import Ring, merge, tabulate
from tidemill.features.value_rings import apply_events


def materialize(
    view: Declared, rows: Columns, *, sequence: int, store: OnlineStore, at: datetime | None = None
) -> int:
    """Apply one commit's rows to a view's items.

    An item takes a commit only if its sequence is greater than that of the last one it took, so a
    commit delivered twice, or to two workers at once, counts once. Commits must come in order.

    Parameters
    ----------
    view
        The view, or its definition.
    rows
        The rows the commit added to the view's source, in any order.
    sequence
        The commit's number, greater than those of the commits before it.
    store
        The online store.
    at
        When the commit was made. Items may be dropped when no read can find anything in them any more:
        the view's ``kept_us`` after their newest row came to be seen, or after the commit, if a history
        is loaded late. None keeps them.

    Returns
    -------
    int
        How many items were written.
    """
    definition = define(view)
    events = read_events(definition, rows)
    codes, _ = encode_entities(definition, events, events.columns)
    _, firsts, codes = np.unique(codes, return_index=True, return_inverse=True)
    parts = [events.columns[name].take(firsts).to_list() for name, _ in definition.keys]
    keys = [key_text(definition, values) for values in zip(*parts, strict=True)]
    stored = store.get_many(keys, consistent=True) if keys else {}
    due = [key for key in keys if key not in stored or stored[key].sequence < sequence]
    if not due:
        return 0
    layout = layout_of(definition)
    items = [unpack_item(stored[key].value, layout) if key in stored else empty_item(layout) for key in due]
    place = {key: position for position, key in enumerate(due)}
    places = np.array([place.get(key, -1) for key in keys], dtype=np.int64)[codes]
    kept = np.flatnonzero(places >= 0)
    updated = _apply(definition, layout, items, _take_events(events, kept), places[kept])
    return store.put_many(
        {
            key: OnlineItem(pack_item(item), sequence, _expiry(definition, item, at))
            for key, item in zip(due, updated, strict=True)
        }
    )


def _expiry(view: ViewDefinition, item: Item, at: datetime | None) -> int | None:
    """Return when an item may be dropped, in whole seconds since 1970, rounded up."""
    if at is None or view.kept_us is None:
        return None
    newest_us = max(item.newest_us, int(at.timestamp()) * SECOND_US)
    return -(-(newest_us + view.kept_us) // SECOND_US)


def _take_events(events: Events, rows: Ints) -> Events:
    return Events(
        take_rows(events.columns, rows), events.happened[rows], events.known[rows], events.visible[rows]
    )


def _apply(
    view: ViewDefinition, layout: Layout, items: Sequence[Item], events: Events, codes: Ints
) -> list[Item]:
    """Return the items with the events taken in; ``codes`` says which item each event belongs to."""
    newest = np.array([item.newest_us for item in items], dtype=np.int64)
    np.maximum.at(newest, codes, events.visible)
    exact_from = np.array([item.exact_from_us for item in items], dtype=np.int64)
    exact_from = np.maximum(exact_from, newest - view.grace_us)
    latest = _apply_latest(view, items, events, codes, exact_from)
    tables = [
        _apply_ring(ring, [item.rings[position] for item in items], events, codes, exact_from)
        for position, ring in enumerate(layout.rings)
    ]
    values = [
        apply_events(ring, [item.values[position] for item in items], events, codes, exact_from)
        for position, ring in enumerate(layout.value_rings)
    ]
    return [
        Item(
            int(exact_from[place]),
            int(newest[place]),
            latest[place],
            [table[place] for table in tables],
            [table[place] for table in values],
        )
        for place in range(len(items))
    ]


def _apply_ring(
    ring: Ring, tables: Sequence[Ints], events: Events, codes: Ints, exact_from: Ints
) -> list[Ints]:
    sizes = [table.shape[1] for table in tables]
    entry_codes = np.concatenate([np.repeat(np.arange(len(tables)), sizes), codes])
    table = np.concatenate([*tables, tabulate(ring, events)], axis=1)
    # Reads before exact_from get no answer, so what was seen by then may as well be seen from then on.
    table[VISIBLE] = np.maximum(table[VISIBLE], exact_from[entry_codes])
    kept = table[TILE] + ring.hop_us + ring.window_us > exact_from[entry_codes]
    entry_codes, table = merge(ring, entry_codes[kept], table[:, kept])
    ends = np.searchsorted(entry_codes, np.arange(len(tables)), side="right")
    return np.split(table, ends[:-1], axis=1)


def _apply_latest(
    view: ViewDefinition, items: Sequence[Item], events: Events, codes: Ints, exact_from: Ints
) -> list[list[list[object]]]:
    kept: list[list[list[object]]] = [[] for _ in items]
    if not view.latest:
        return kept
    old = [(place, entry) for place, item in enumerate(items) for entry in item.latest]
    codes = np.concatenate([np.array([place for place, _ in old], dtype=np.int64), codes])
    times = np.array([entry[:3] for _, entry in old], dtype=np.int64).reshape(len(old), 3).T
    merged = Events(
        columns={},
        happened=np.concatenate([times[0], events.happened]),
        known=np.concatenate([times[1], events.known]),
        visible=np.maximum(np.concatenate([times[2], events.visible]), exact_from[codes]),
    )
    values = [
        concat_columns(
            [
                column_of_plain(feature.type, [entry[3][position] for _, entry in old]),
                taken_values(feature, events.columns),
            ]
        )
        for position, feature in enumerate(view.latest)
    ]
    chosen = _staircase(codes, merged, values)
    shown = zip(*(plain_values(value.take(chosen)) for value in values), strict=True)
    moments = np.stack([merged.happened, merged.known, merged.visible], axis=1)[chosen].tolist()
    for place, moment, entry in zip(codes[chosen].tolist(), moments, shown, strict=True):
        kept[place].append([*moment, list(entry)])
    return kept


def _staircase(codes: Ints, events: Events, values: Sequence[Column]) -> Ints:
    """Choose the rows that are the newest seen at some moment, by entity and moment of being seen."""
    ranks = np.empty(len(codes), dtype=np.int64)
    ranks[newest_order(codes, events, values)] = np.arange(len(codes))
    order = np.lexsort((ranks, events.visible, codes))
    ranks, codes, visible = ranks[order], codes[order], events.visible[order]
    record = ranks == np.maximum.accumulate(ranks)
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = (codes[1:] != codes[:-1]) | (visible[1:] != visible[:-1])
    chosen: Ints = order[record & last]
    return chosen
