"""Applying commits to the online store: once in effect, however often or together they are delivered."""

from collections.abc import Iterable, Sequence
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


def materialize_commits(view: Declared, commits: Sequence[CommittedRows], *, store: OnlineStore) -> int:
    """Apply the rows of some commits that follow each other to a view's items, in one write an item.

    As ``materialize_stretches`` does, with all rows at once.
    """
    last = commits[-1]
    return materialize_stretches(view, [commits], sequence=last.sequence, at=last.at, store=store)


def materialize_stretches(
    view: Declared,
    stretches: Iterable[Sequence[CommittedRows]],
    *,
    sequence: int,
    at: datetime | None,
    store: OnlineStore,
) -> int:
    """Apply the rows of some commits that follow each other, a stretch at a time, in one write an item.

    Of what an item has taken before nothing is taken again: each takes the rows of the commits after
    its last. The items end as if the commits had come one by one. Of the rows one stretch is in memory; the
    items are until all have come, because one that was written with half of a commit could not be told
    from one that has taken it.

    Parameters
    ----------
    view
        The view, or its definition.
    stretches
        Rows in the order of their commits; what a commit added may be spread over several. All commits
        before the first must have been applied.
    sequence, at
        Of the last of the commits, whether it brings rows or not.
    store
        The online store.

    Returns
    -------
    int
        How many items were written.
    """
    taking = _Taking(define(view), store)
    for commits in stretches:
        taking.take(commits)
    return taking.write(sequence, at)


class _Taking:
    """The items of a view that some commits touch, while they take them."""

    def __init__(self, view: ViewDefinition, store: OnlineStore) -> None:
        self._view = view
        self._store = store
        self._layout = layout_of(view)
        self._taken: dict[str, int] = {}  # the sequence of the last commit of each item as it is stored
        self._items: dict[str, Item] = {}
        self._due: dict[str, None] = {}  # in the order they came to be so

    def take(self, commits: Sequence[CommittedRows]) -> None:
        """Take in some rows."""
        events, of_commit = _events_of(self._view, commits)
        sequences = np.array([commit.sequence for commit in commits], dtype=np.int64)[of_commit]
        codes, keys = _keys_of(self._view, events)
        self._read([key for key in keys if key not in self._taken])
        taken = np.array([self._taken[key] for key in keys], dtype=np.int64)
        new = np.flatnonzero(sequences > taken[codes])
        due, places = np.unique(codes[new], return_inverse=True)
        due_keys = [keys[code] for code in due.tolist()]
        committed = np.array([_ALWAYS if each.at is None else whole_seconds_us(each.at) for each in commits])
        updated = take_in(
            self._view,
            [self._items[key] for key in due_keys],
            take_events(events, new),
            places.astype(np.int64),
            committed[of_commit[new]],
        )
        self._items.update(zip(due_keys, updated, strict=True))
        self._due.update(dict.fromkeys(due_keys))
        self._no_events = take_events(events, new[:0])

    def write(self, sequence: int, at: datetime | None) -> int:
        """Write the items that took something, and return how many were written."""
        written = {}
        for key in self._due:
            item = self._items.pop(key)
            packed, overflowed = fit_item(self._view, item, at, self._no_events)
            written[key] = OnlineItem(packed, sequence, _expiry(self._view, item, at), overflowed)
        return self._store.put_many(written) if written else 0

    def _read(self, keys: Sequence[str]) -> None:
        stored = self._store.get_many(keys, consistent=True) if keys else {}
        for key in keys:
            there = stored.get(key)
            self._taken[key] = -1 if there is None else there.sequence
            self._items[key] = (
                empty_item(self._layout) if there is None else unpack_item(there.value, self._layout)
            )


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


def _keys_of(view: ViewDefinition, events: Events) -> tuple[Ints, list[str]]:
    """Return each event's place among the keys of the items that events belong to, and these keys."""
    codes, _ = encode_entities(view, events, events.columns)
    _, firsts, codes = np.unique(codes, return_index=True, return_inverse=True)
    parts = [plain_values(events.columns[name].take(firsts)) for name, _ in view.keys]
    return codes.astype(np.int64), [key_text(view, values) for values in zip(*parts, strict=True)]


def _expiry(view: ViewDefinition, item: Item, at: datetime | None) -> int | None:
    """Return when an item may be dropped, in whole seconds since 1970, rounded up."""
    if at is None or view.kept_us is None:
        return None
    newest_us = max(item.newest_us, whole_seconds_us(at))
    return -(-(newest_us + view.kept_us) // SECOND_US)
