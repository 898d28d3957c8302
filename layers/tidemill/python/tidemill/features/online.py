"""Serving's side of the features: a store of one item per view and entity, kept up to date by commits.

``materialize`` applies a commit's rows, ``read_features`` answers requests. A read at ``t`` gives, to the
last bit, what ``join_features`` gives for the same rows, for every ``t`` down to the view's grace behind
the entity's newest known row. For an earlier ``t`` the features are null: what they would take is gone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

import numpy as np

from tidemill.expressions import Column, Columns
from tidemill.features.definitions import Declared, Ints, Mask, ViewDefinition, define, microseconds
from tidemill.features.entities import key_columns
from tidemill.features.items import (
    Item,
    columns_of_plain,
    empty_item,
    key_text,
    layout_of,
    plain_values,
    unpack_item,
)
from tidemill.features.plan import FeaturePlan
from tidemill.features.ring_reader import RingReader
from tidemill.features.rings import NOTHING
from tidemill.features.value_rings import ValueRingReader

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Freshness = dict[str, list[datetime | None]]
"""By view, the timestamp of the newest row each answer was made of; None where there was none."""


class OnlineItem(NamedTuple):
    """A packed value, the sequence of the commit that wrote it, and when the store may drop it.

    ``expires_at`` is in seconds since 1970; None keeps the item. One that ``overflowed`` had to let go of
    what reads as of now take, so as to fit the store.
    """

    value: bytes
    sequence: int
    expires_at: int | None = None
    overflowed: bool = False


class OnlineStore(Protocol):
    """Packed items by key, each written only by a later commit than the one before."""

    def get_many(self, keys: Iterable[str], *, consistent: bool = False) -> dict[str, OnlineItem]:
        """Return the items there are, by key, in as few calls as the store allows.

        A ``consistent`` read has seen every write before it; any other may be a moment behind, and costs
        half. An item whose time is over may still be there.
        """
        ...

    def put(self, key: str, item: OnlineItem) -> bool:
        """Write an item unless one of the same or a later sequence is there; tell whether it was written."""
        ...

    def put_many(self, items: Mapping[str, OnlineItem]) -> int:
        """Write items as ``put`` does, in any order, and return how many were written.

        Where it fails some are written and some are not; repeating it writes the rest.
        """
        ...


def read_features(
    plan: FeaturePlan, request: Columns, store: OnlineStore, *, now: datetime | None = None
) -> tuple[dict[str, Column], Freshness]:
    """Look up the features of every view of a plan, in one read of the store.

    Parameters
    ----------
    plan
        The model's plan.
    request
        The request columns, n rows.
    store
        The online store.
    now
        The moment of the request, as for ``read_views``.

    Returns
    -------
    tuple
        One column per view feature, n rows, and each view's freshness.
    """
    return read_views(plan.views, request, plan.times(request), store, now=now)


def read_views(
    views: Iterable[Declared],
    request: Columns,
    times: Column,
    store: OnlineStore,
    *,
    now: datetime | None = None,
) -> tuple[dict[str, Column], Freshness]:
    """Look up the features of some views for entities at given times.

    Parameters
    ----------
    views
        Feature views, or their definitions.
    request
        The entities' key columns, n rows.
    times
        When each row asks, n rows.
    store
        The online store.
    now
        The moment of the request. An item whose time is over by then is as good as gone, whether or not
        the store has got to dropping it; None takes whatever is there.

    Returns
    -------
    tuple
        One column per feature, n rows, and each view's freshness.
    """
    answers = look_up(views, request, times, store, now=now)
    columns = {name: each for answer in answers for name, each in answer.columns.items()}
    return columns, {answer.view.name: answer.newest for answer in answers}


@dataclass(frozen=True)
class ViewAnswer:
    """What one view answers to n rows.

    Attributes
    ----------
    view
        The view.
    columns
        One column per feature, n rows.
    newest
        The timestamp of the newest row each answer was made of, or None.
    found
        Whether the entity has an item, shape (n_rows,).
    answerable
        Whether the row does not ask too far back for what is kept, shape (n_rows,).
    too_old
        Whether the entity's latest values are older than the ttl, shape (n_rows,).
    """

    view: ViewDefinition
    columns: dict[str, Column]
    newest: list[datetime | None]
    found: Mask
    answerable: Mask
    too_old: Mask


def look_up(
    views: Iterable[Declared],
    request: Columns,
    times: Column,
    store: OnlineStore,
    *,
    now: datetime | None = None,
) -> list[ViewAnswer]:
    """Look up some views, as ``read_views`` does, and say besides why a value is null."""
    definitions = [define(view) for view in views]
    keys = [_keys(view, request) for view in definitions]
    wanted = {key for each in keys for key in each if key is not None}
    stored = store.get_many(sorted(wanted)) if wanted else {}
    if now is not None:
        seconds = now.timestamp()
        stored = {key: item for key, item in stored.items() if not _is_over(item, seconds)}
    return [_read_view(view, own, times, stored) for view, own in zip(definitions, keys, strict=True)]


def _is_over(item: OnlineItem, seconds: float) -> bool:
    return item.expires_at is not None and item.expires_at <= seconds


def _keys(view: ViewDefinition, request: Columns) -> list[str | None]:
    parts = [plain_values(column) for column in key_columns(view, request).values()]
    rows = zip(*parts, strict=True)
    return [None if any(part is None for part in row) else key_text(view, row) for row in rows]


def _read_view(
    view: ViewDefinition, keys: Sequence[str | None], times: Column, stored: Mapping[str, OnlineItem]
) -> ViewAnswer:
    layout = layout_of(view)
    there = times.valid.tolist()
    known = [key if key in stored and at else None for key, at in zip(keys, there, strict=True)]
    places = {key: place for place, key in enumerate(dict.fromkeys(known or [None]))}
    items = [empty_item(layout) if key is None else unpack_item(stored[key].value, layout) for key in places]
    own = [places[key] for key in known]
    item_of_row = np.array(own, dtype=np.int64)
    times_us = microseconds(times.values)
    if not all(there):
        times_us = np.where(times.valid, times_us, 0)
    answerable = times_us >= np.array([items[place].exact_from_us for place in own], dtype=np.int64)

    found, newest, too_old, too_large = _latest_columns(view, items, item_of_row, times_us)
    if view.latest:
        answerable &= ~too_large
    for position, ring in enumerate(layout.rings):
        reader = RingReader(ring, [item.rings[position] for item in items], item_of_row, times_us)
        found.update(reader.columns())
        newest = np.maximum(newest, reader.newest())
    for position, value_ring in enumerate(layout.value_rings):
        tables = [item.values[position] for item in items]
        found.update(ValueRingReader(value_ring, tables, item_of_row, times_us).columns())
    if not answerable.all():
        found = {
            name: Column(each.type, each.values, each.valid & answerable) for name, each in found.items()
        }
        newest = np.where(answerable, newest, NOTHING)
    return ViewAnswer(
        view,
        {feature.name: found[feature.name] for feature in view.features},
        [None if at == NOTHING else _EPOCH + timedelta(microseconds=at) for at in newest.tolist()],
        np.array([key is not None for key in known], dtype=np.bool_),
        answerable,
        too_old,
    )


def _latest_columns(
    view: ViewDefinition, items: Sequence[Item], item_of_row: Ints, times_us: Ints
) -> tuple[dict[str, Column], Ints, Mask, Mask]:
    """Return the latest values each row sees, when they happened, and why they may not be there.

    The masks tell where they are too old to count, and where they were too large to be stored.
    """
    newest = np.full(len(item_of_row), NOTHING, dtype=np.int64)
    too_old, too_large = np.zeros((2, len(item_of_row)), dtype=np.bool_)
    if not view.latest:
        return {}, newest, too_old, too_large
    rows: list[Sequence[Any]] = []
    blank = [None] * len(view.latest)
    for row, (place, at_us) in enumerate(zip(item_of_row.tolist(), times_us.tolist(), strict=True)):
        seen = items[place].latest_seen(at_us)
        values: Sequence[Any] | None = blank
        if seen is not None:
            too_old[row] = view.ttl_us is not None and at_us - seen.happened_us > view.ttl_us
            if not too_old[row]:
                newest[row], values = seen.happened_us, seen.values
        too_large[row] = values is None
        rows.append(blank if values is None else values)
    columns: dict[str, Column] = {}
    for type_, places in layout_of(view).latest_by_type.items():
        names = [view.latest[place].name for place in places]
        taken = [[row[place] for row in rows] for place in places]
        columns.update(zip(names, columns_of_plain(type_, taken), strict=True))
    return columns, newest, too_old, too_large
