"""For how long values stand in windows: the rows of each value, joined where their times overlap."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tidemill.expressions import Column
from tidemill.features.blocks import BLOCK
from tidemill.features.definitions import FeatureDefinition, Ints, Mask
from tidemill.features.entities import number_values
from tidemill.features.kernel import Timeline, gone_from
from tidemill.features.time_index import sort_codes


class _Block(NamedTuple):
    """Rows by group and moment: places among the sorted rows, groups' numbers, and two times of each."""

    rows: Ints
    groups: Ints
    happened: Ints
    visible: Ints


class Stretches:
    """The rows of a timeline that hold a value, by entity and value, as they came to be seen.

    A value is seen from the moment one of its rows is visible until that row is gone. So the rows of one
    entity and value are stretches of time, and joined where they overlap, as many of them contain a moment
    as have begun by then less those that have ended.

    Parameters
    ----------
    timeline
        The rows.
    column
        The values, shape (n,), as the rows came.
    """

    def __init__(self, timeline: Timeline, column: Column) -> None:
        rows = _rows_in_order(timeline, column.valid)
        groups = _groups(timeline, column)
        sorted_groups, order = sort_codes(groups if rows is None else groups[rows])
        self._n = len(column)
        self._rows = order if rows is None else rows[order]
        self._first = np.ones(len(order), dtype=np.bool_)
        self._first[1:] = sorted_groups[1:] != sorted_groups[:-1]
        self._cuts = np.unique(np.searchsorted(sorted_groups, sorted_groups[::BLOCK])).tolist()
        self._happened = timeline.happened[self._rows]
        self._delay_us = timeline.delay_us
        self._visible = timeline.visible[self._rows] if self._delay_us is None else self._happened

    def ends(self, feature: FeatureDefinition) -> tuple[Mask, Mask]:
        """Mark the rows with which a stretch begins, and those with which one ends, of the sorted rows."""
        begun, ended = np.zeros(self._n, dtype=np.bool_), np.zeros(self._n, dtype=np.bool_)
        for block in self._blocks():
            seen = block.visible < gone_from(block.happened, feature)
            kept = block if seen.all() else _Block(*(each[seen] for each in block))
            if len(kept.rows):
                begins, ends = _join(kept, feature)
                begun[kept.rows[begins]] = True
                ended[kept.rows[ends]] = True
        return begun, ended

    def _blocks(self) -> Iterator[_Block]:
        """Give the rows block by block; no group lies in two of them."""
        ends = [*self._cuts, len(self._rows)]
        for start, stop in pairwise(ends):
            happened = self._happened[start:stop]
            visible = self._visible[start:stop] if self._delay_us is None else happened + self._delay_us
            yield _Block(self._rows[start:stop], np.cumsum(self._first[start:stop]), happened, visible)


def _rows_in_order(timeline: Timeline, valid: Mask) -> Ints | None:
    """Return the sorted rows that hold a value, as they came to be seen; None if those are all as sorted."""
    if valid.all():
        return timeline.late
    there = timeline.by_time.arrange(valid)
    return np.flatnonzero(there) if timeline.late is None else timeline.late[there[timeline.late]]


def _groups(timeline: Timeline, column: Column) -> Ints:
    """Give the sorted rows of each entity and value a number."""
    numbers, n_numbers = number_values(column)
    groups = np.empty(len(numbers), dtype=np.int64)
    for rows, piece in timeline.by_time.pieces(numbers):
        np.multiply(timeline.by_time.stretch(rows)[0], n_numbers, out=groups[rows])
        groups[rows] += piece
    return groups


def _join(block: _Block, feature: FeatureDefinition) -> tuple[Mask, Ints]:
    """Mark the rows that begin a stretch, and return those that end one.

    Rows of one group lie together, by the moment they became visible. The running maximum of the tile that
    is gone last begins anew with each group, because the group's number leads.
    """
    _, groups, happened, visible = block
    tiles = happened // feature.hop_us
    tiles -= tiles.min()
    keys = groups * (int(tiles.max()) + 1) + tiles
    latest = np.maximum.accumulate(keys)
    gone = gone_from(happened, feature) + (latest - keys) * feature.hop_us
    begins = np.ones(len(groups), dtype=np.bool_)
    begins[1:] = (groups[1:] != groups[:-1]) | (visible[1:] > gone[:-1])
    last = np.append(np.flatnonzero(begins)[1:] - 1, len(groups) - 1)
    gone_last = np.maximum.accumulate(np.where(keys == latest, np.arange(len(groups)), 0))
    return begins, gone_last[last]
