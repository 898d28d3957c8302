"""Making items fit what the online store takes, whatever data came: by what they let go of.

Declarations whose items could not fit are refused (``tidemill.project.item_sizes``); what is left depends on
data: how often an entity's rows come, how many different values they have, how long its strings are. An item
that is too large answers fewer questions, by as little as it takes, and never a wrong one. In this order it
lets go of reads back in time; of rows not yet known, and of reads as of now, for a part of its longest window
or all of it, after which what it let go of is outside every window anyway; and of latest values.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from tidemill.features.definitions import SECOND_US, Events, ViewDefinition
from tidemill.features.items import MAX_ITEM_BYTES, Item, pack_item
from tidemill.features.updating import let_go


def fit_item(view: ViewDefinition, item: Item, at: datetime | None, no_events: Events) -> tuple[bytes, bool]:
    """Pack an item into at most ``MAX_ITEM_BYTES``.

    Parameters
    ----------
    view
        The view.
    item
        The item.
    at
        When the commit was made that changed it: reads as of then are spared if they can be. Without it
        reads from the newest row on are.
    no_events
        None of the view's rows.

    Returns
    -------
    tuple
        The bytes, and whether the item has overflowed: reads as of now are null until its longest window
        is past, or until the next row where latest values were too large.
    """
    packed = pack_item(item)
    for exact_from_us in _later_and_later(view, item, at):
        if len(packed) <= MAX_ITEM_BYTES:
            break
        item = let_go(view, item, exact_from_us, no_events)
        packed = pack_item(item)
    if len(packed) > MAX_ITEM_BYTES:
        item = replace(item, latest=[row._replace(values=None) for row in item.latest])
        packed = pack_item(item)
    return packed, _has_overflowed(item, at)


def _later_and_later(view: ViewDefinition, item: Item, at: datetime | None) -> Iterator[int]:
    """Give moments before which to let go of all reads: the grace halved, in whole seconds, and so on."""
    present_us = item.newest_us if at is None else min(item.newest_us, whole_seconds_us(at))
    grace_us = present_us - item.exact_from_us
    while grace_us > 0:
        grace_us = grace_us // 2 // SECOND_US * SECOND_US
        yield present_us - grace_us
    longest_us = max((feature.window_us + feature.hop_us for feature in view.windowed), default=0)
    for later_us in (0, longest_us // 4, longest_us // 2, longest_us):
        yield max(item.exact_from_us, item.newest_us + later_us)


def _has_overflowed(item: Item, at: datetime | None) -> bool:
    now_us = item.newest_us if at is None else whole_seconds_us(at)
    seen = item.latest_seen(now_us)
    return item.exact_from_us > now_us or (seen is not None and seen.values is None)


def whole_seconds_us(at: datetime) -> int:
    """Return a time in microseconds since 1970, rounded down to whole seconds."""
    return int(at.timestamp()) * SECOND_US
