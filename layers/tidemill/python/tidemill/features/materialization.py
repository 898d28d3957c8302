"""Applying commits to the online store: once in effect, however often or together they are delivered."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import numpy as np

from tidemill.errors import DeclarationError
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
    MAX_ITEM_BYTES,
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


class CommittedRows(NamedTuple):
    """Rows that commits added to a view's source, and where in the order of commits they stand.

    ``at`` is when the commit was made; None if items are not to expire.
    """

    rows: Columns
    sequence: int
    at: datetime | None = None


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
    return materialize_commits(view, [CommittedRows(rows, sequence, at)], store=store)


def materialize_commits(
    view: Declared,
    commits: Sequence[CommittedRows],
    *,
    store: OnlineStore,
    only: Callable[[str], bool] | None = None,
) -> int:
    """Apply the rows of some commits that follow each other to a view's items, in one write an item.

    Of what an item has taken before nothing is taken again: each takes the rows of the commits after
    its last. The items end as if the commits had come one by one.

    Parameters
    ----------
    view
        The view, or its definition.
    commits
        In their order, at least one. All before the first must have been applied.
    store
        The online store.
    only
        Says by its key whether an item is to be brought up to date; by default all are.

    Returns
    -------
    int
        How many items were written.
    """
    definition = define(view)
    events, sequences = _events_of(definition, commits)
    codes, keys = _keys_of(definition, events, only)
    stored = store.get_many(keys, consistent=True) if keys else {}
    taken = np.array([stored[key].sequence if key in stored else -1 for key in keys], dtype=np.int64)
    new = np.flatnonzero((codes >= 0) & (sequences > np.append(taken, -1)[codes]))
    due, places = np.unique(codes[new], return_inverse=True)
    layout = layout_of(definition)
    due_keys = [keys[code] for code in due.tolist()]
    items = [
        unpack_item(stored[key].value, layout) if key in stored else empty_item(layout) for key in due_keys
    ]
    if not items:
        return 0
    updated = _apply(definition, layout, items, _take_events(events, new), places.astype(np.int64))
    last, nothing = commits[-1], _take_events(events, new[:0])
    return store.put_many(
        {
            key: OnlineItem(
                _pack(definition, key, item, last.at, nothing),
                last.sequence,
                _expiry(definition, item, last.at),
            )
            for key, item in zip(due_keys, updated, strict=True)
        }
    )


def _pack(view: ViewDefinition, key: str, item: Item, at: datetime | None, nothing: Events) -> bytes:
    """Pack an item; one that is too large lets go of what reads further back would take.

    Its grace is halved, in whole seconds, as often as it takes, but reads from its newest row on stay
    exact, and those from the commit's time ``at`` on, where that comes first. ``nothing`` are no rows of
    the view.
    """
    least_us = 0 if at is None else max(0, item.newest_us - _microseconds(at))
    grace_us = min(view.grace_us, item.newest_us - item.exact_from_us)
    packed = pack_item(item)
    while len(packed) > MAX_ITEM_BYTES:
        if grace_us <= least_us:
            raise DeclarationError(
                f"the online item {key} has {len(packed):,} bytes, and {MAX_ITEM_BYTES:,} can be stored; "
                "spread the view's features over several views, or give them longer hops or a smaller at_most"
            )
        grace_us = max(grace_us // 2 // SECOND_US * SECOND_US, least_us)
        shorter = replace(view, grace_us=grace_us)
        (item,) = _apply(shorter, layout_of(view), [item], nothing, np.zeros(0, dtype=np.int64))
        packed = pack_item(item)
    return packed


def _microseconds(at: datetime) -> int:
    return int(at.timestamp()) * SECOND_US


def _events_of(view: ViewDefinition, commits: Sequence[CommittedRows]) -> tuple[Events, Ints]:
    """Return the rows of all commits that can count, and the sequence of each one's commit."""
    parts = [read_events(view, commit.rows) for commit in commits]
    sizes = [len(part.happened) for part in parts]
    sequences = np.repeat(np.array([commit.sequence for commit in commits], dtype=np.int64), sizes)
    if len(parts) == 1:
        return parts[0], sequences
    columns = {name: concat_columns([part.columns[name] for part in parts]) for name in parts[0].columns}
    happened, known = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("happened", "known")
    )
    return Events(columns, happened, known), sequences


def _keys_of(
    view: ViewDefinition, events: Events, only: Callable[[str], bool] | None
) -> tuple[Ints, list[str]]:
    """Return the keys of the items to bring up to date, and each event's place among them, -1 for others."""
    codes, _ = encode_entities(view, events, events.columns)
    _, firsts, codes = np.unique(codes, return_index=True, return_inverse=True)
    parts = [plain_values(events.columns[name].take(firsts)) for name, _ in view.keys]
    keys = [key_text(view, values) for values in zip(*parts, strict=True)]
    if only is None:
        return codes.astype(np.int64), keys
    wanted = [key for key in keys if only(key)]
    place = {key: position for position, key in enumerate(wanted)}
    places = np.array([place.get(key, -1) for key in keys], dtype=np.int64)
    return places[codes], wanted


def _expiry(view: ViewDefinition, item: Item, at: datetime | None) -> int | None:
    """Return when an item may be dropped, in whole seconds since 1970, rounded up."""
    if at is None or view.kept_us is None:
        return None
    newest_us = max(item.newest_us, _microseconds(at))
    return -(-(newest_us + view.kept_us) // SECOND_US)


def _take_events(events: Events, rows: Ints) -> Events:
    return Events(take_rows(events.columns, rows), events.happened[rows], events.known[rows])


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
        not_before=np.maximum(np.concatenate([times[2], events.visible]), exact_from[codes]),
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
