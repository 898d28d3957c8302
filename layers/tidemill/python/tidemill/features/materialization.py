"""Applying commits to the online store: once in effect, however often or together they are delivered."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from tidemill.expressions import Columns, concat_columns
from tidemill.features.definitions import (
    SECOND_US,
    Declared,
    Events,
    Ints,
    ViewDefinition,
    define,
    read_events,
)
from tidemill.features.entities import encode_entities
from tidemill.features.fitting import fit_item, whole_seconds_us
from tidemill.features.items import Item, empty_item, key_text, layout_of, plain_values, unpack_item
from tidemill.features.online import OnlineItem, OnlineStore
from tidemill.features.updating import take_events, take_in

_ALWAYS = 2**62  # later than all rows: a commit without a time bounds nothing


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
    events, of_commit = _events_of(definition, commits)
    sequences = np.array([commit.sequence for commit in commits], dtype=np.int64)[of_commit]
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
    committed = np.array([_ALWAYS if each.at is None else whole_seconds_us(each.at) for each in commits])
    updated = take_in(
        definition, items, take_events(events, new), places.astype(np.int64), committed[of_commit[new]]
    )
    last, no_events, written = commits[-1], take_events(events, new[:0]), {}
    for key, item in zip(due_keys, updated, strict=True):
        packed, overflowed = fit_item(definition, item, last.at, no_events)
        written[key] = OnlineItem(packed, last.sequence, _expiry(definition, item, last.at), overflowed)
    return store.put_many(written)


def _events_of(view: ViewDefinition, commits: Sequence[CommittedRows]) -> tuple[Events, Ints]:
    """Return the rows of all commits that can count, and which commit each is of."""
    parts = [read_events(view, commit.rows) for commit in commits]
    sizes = [len(part.happened) for part in parts]
    of_commit = np.repeat(np.arange(len(commits)), sizes)
    if len(parts) == 1:
        return parts[0], of_commit
    columns = {name: concat_columns([part.columns[name] for part in parts]) for name in parts[0].columns}
    happened, known = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("happened", "known")
    )
    return Events(columns, happened, known), of_commit


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
    newest_us = max(item.newest_us, whole_seconds_us(at))
    return -(-(newest_us + view.kept_us) // SECOND_US)
