"""Taking rows into items, and letting go of what is kept for reads further back."""

from collections.abc import Sequence

import numpy as np

from tidemill.expressions import Column, concat_columns, take_rows
from tidemill.features.aggregates import taken_values
from tidemill.features.definitions import Events, Ints, ViewDefinition
from tidemill.features.entities import newest_order
from tidemill.features.entries import TILE, VISIBLE
from tidemill.features.items import Item, LatestRow, column_of_plain, layout_of, plain_values
from tidemill.features.rings import NOTHING, Ring, clear, merge, tabulate
from tidemill.features.value_rings import apply_events

_NUMBERS_AT_ONCE = 1 << 24
"""What is held of the rows' tables at a time, as numbers of 8 bytes."""


def take_in(
    view: ViewDefinition, items: Sequence[Item], events: Events, places: Ints, committed: Ints
) -> list[Item]:
    """Take rows into items.

    Parameters
    ----------
    view
        The view.
    items
        The items as they are.
    events
        The rows, in the order of their commits.
    places
        The item each row belongs to, shape (n_events,).
    committed
        When each row's commit was made, microseconds, shape (n_events,). Where rows are known later than
        that, the view's grace counts from it: reads as of now are not to be let go of for what is to come.

    Returns
    -------
    list of Item
        The items with the rows taken in. However many rows there are, and whatever the view's width, so many
        are laid out at a time as fit a bound: taken in by parts they come to the same.
    """
    updated = list(items)
    height = sum(ring.n_rows for ring in layout_of(view).rings) + 1
    step = max(1, _NUMBERS_AT_ONCE // height)
    by_item = np.argsort(places, kind="stable")
    for start in range(0, len(by_item), step):
        rows = by_item[start : start + step]
        touched, own = np.unique(places[rows], return_inverse=True)
        before = [updated[place] for place in touched.tolist()]
        some = _update(view, before, take_events(events, rows), own.astype(np.int64), committed[rows])
        for place, item in zip(touched.tolist(), some, strict=True):
            updated[place] = item
    return updated


def let_go(view: ViewDefinition, item: Item, exact_from_us: int, no_events: Events) -> Item:
    """Let go of what only reads before a moment would take; those are null from now on.

    Parameters
    ----------
    view
        The view.
    item
        The item.
    exact_from_us
        From when on reads are to be exact still.
    no_events
        None of the view's rows.
    """
    none = np.zeros(0, dtype=np.int64)
    (kept,) = _rebuild(view, [item], no_events, none, np.array([exact_from_us]))
    return kept


def take_events(events: Events, rows: Ints) -> Events:
    """Return the rows at some positions."""
    return Events(take_rows(events.columns, rows), events.happened[rows], events.known[rows])


def _update(
    view: ViewDefinition, items: Sequence[Item], events: Events, codes: Ints, committed: Ints
) -> list[Item]:
    newest = np.array([item.newest_us for item in items], dtype=np.int64)
    np.maximum.at(newest, codes, events.visible)
    present = np.full(len(items), NOTHING, dtype=np.int64)
    np.maximum.at(present, codes, committed)
    exact_from = np.array([item.exact_from_us for item in items], dtype=np.int64)
    exact_from = np.maximum(exact_from, np.minimum(newest, present) - view.grace_us)
    return _rebuild(view, items, events, codes, exact_from)


def _rebuild(
    view: ViewDefinition, items: Sequence[Item], events: Events, codes: Ints, exact_from: Ints
) -> list[Item]:
    """Return the items with the events taken in; ``codes`` says which item each event belongs to."""
    layout = layout_of(view)
    newest = np.array([item.newest_us for item in items], dtype=np.int64)
    np.maximum.at(newest, codes, events.visible)
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
    from_us = exact_from[entry_codes]
    kept = np.flatnonzero(table[TILE] + ring.hop_us + ring.window_us > from_us)
    entry_codes, table, from_us = entry_codes[kept], table[:, kept], from_us[kept]
    # Reads before exact_from get no answer, so what was seen by then may as well be seen from then on.
    table[VISIBLE] = np.maximum(table[VISIBLE], from_us)
    clear(ring, table, from_us)
    entry_codes, table = merge(ring, entry_codes, table)
    ends = np.searchsorted(entry_codes, np.arange(len(tables)), side="right")
    return np.split(table, ends[:-1], axis=1)


def _apply_latest(
    view: ViewDefinition, items: Sequence[Item], events: Events, codes: Ints, exact_from: Ints
) -> list[list[LatestRow]]:
    kept: list[list[LatestRow]] = [[] for _ in items]
    if not view.latest:
        return kept
    old = [(place, row) for place, item in enumerate(items) for row in item.latest]
    codes = np.concatenate([np.array([place for place, _ in old], dtype=np.int64), codes])
    times = np.array([row[:3] for _, row in old], dtype=np.int64).reshape(len(old), 3).T
    merged = Events(
        columns={},
        happened=np.concatenate([times[0], events.happened]),
        known=np.concatenate([times[1], events.known]),
        not_before=np.maximum(np.concatenate([times[2], events.visible]), exact_from[codes]),
    )
    blank = [None] * len(view.latest)
    before = [blank if row.values is None else row.values for _, row in old]
    values = [
        concat_columns(
            [
                column_of_plain(feature.type, [row[position] for row in before]),
                taken_values(feature, events.columns),
            ]
        )
        for position, feature in enumerate(view.latest)
    ]
    chosen = _staircase(codes, merged, values)
    too_large = {position for position, (_, row) in enumerate(old) if row.values is None}
    shown = zip(*(plain_values(value.take(chosen)) for value in values), strict=True)
    moments = [each[chosen].tolist() for each in (merged.happened, merged.known, merged.visible)]
    rows = map(LatestRow, *moments, map(list, shown))
    for position, place, row in zip(chosen.tolist(), codes[chosen].tolist(), rows, strict=True):
        kept[place].append(row._replace(values=None) if position in too_large else row)
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
