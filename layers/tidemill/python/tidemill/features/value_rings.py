"""Rings of values: the online form of windowed figures of values of any type.

A value ring is a table of integers, one column per entry: the tile, the moment from which the entry is
seen, when its row happened and was known, and the value's code. Codes sort as the values do: numbers and
times are their own codes, a string's is its place among the words of the item. Of each tile only what can
still be an answer is kept: the first or last row seen from each moment, or each different value once, and
of those no more than are told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tidemill.expressions import Array, Column, Type
from tidemill.features.aggregates import VALUE_KINDS, Parts, finish, taken_values
from tidemill.features.definitions import Events, FeatureDefinition, Ints, Mask, ViewDefinition, microseconds
from tidemill.features.entries import TILE, VISIBLE, Entries
from tidemill.features.rings import order_floats, unorder_floats

HAPPENED, KNOWN, CODE = 2, 3, 4


class ValueTable(NamedTuple):
    """The entries, shape (5, n_entries), and the words their codes count, sorted; none but for strings."""

    table: Ints
    words: tuple[str, ...]


@dataclass(frozen=True)
class ValueRing:
    """The features of a view that share a kind, a value and a hop.

    Attributes
    ----------
    kind
        One of ``VALUE_KINDS``.
    hop_us, window_us
        The hop, and the longest window.
    at_most
        How many different values are told apart.
    """

    kind: str
    hop_us: int
    window_us: int
    at_most: int
    features: tuple[FeatureDefinition, ...]

    @property
    def n_rows(self) -> int:
        """How many rows the table has."""
        return CODE + 1

    def empty(self) -> ValueTable:
        """Return a table without entries."""
        return ValueTable(np.empty((self.n_rows, 0), dtype=np.int64), ())


def value_rings_of(view: ViewDefinition) -> tuple[ValueRing, ...]:
    """Return a view's value rings, by hop, kind and value."""
    groups: dict[tuple[int, str, str], list[FeatureDefinition]] = {}
    for feature in view.windowed:
        if feature.kind in VALUE_KINDS:
            groups.setdefault((feature.hop_us, feature.kind, feature.value_id), []).append(feature)
    return tuple(
        ValueRing(
            kind=kind,
            hop_us=hop_us,
            window_us=max(feature.window_us for feature in features),
            at_most=max(feature.at_most for feature in features),
            features=tuple(features),
        )
        for (hop_us, kind, _), features in sorted(groups.items(), key=lambda each: each[0])
    )


def apply_events(
    ring: ValueRing, tables: Sequence[ValueTable], events: Events, codes: Ints, exact_from: Ints
) -> list[ValueTable]:
    """Take a commit's rows into the tables of some items.

    Parameters
    ----------
    ring
        The ring.
    tables
        One per item.
    events
        The rows.
    codes
        The item of each row.
    exact_from
        From when on reads of each item are exact, shape (n_items,).

    Returns
    -------
    list of ValueTable
        One per item.
    """
    rows, new = _tabulate(ring, events)
    sizes = [each.table.shape[1] for each in tables]
    items = np.concatenate([np.repeat(np.arange(len(tables)), sizes), codes[rows]])
    table, words = _join([*tables, new])
    # Reads before exact_from get no answer, so what was seen by then may as well be seen from then on.
    table[VISIBLE] = np.maximum(table[VISIBLE], exact_from[items])
    kept = table[TILE] + ring.hop_us + ring.window_us > exact_from[items]
    items, table = _prune(ring, items[kept], table[:, kept])
    ends = np.searchsorted(items, np.arange(len(tables)), side="right")
    return [_with_own_words(part, words) for part in np.split(table, ends[:-1], axis=1)]


class ValueRingReader:
    """Answers a value ring's features for questions, from the tables of the items they concern.

    Parameters
    ----------
    ring
        The ring.
    tables
        One per item.
    items
        The item of each question, shape (n_questions,).
    times
        When each question asks, microseconds, shape (n_questions,).
    """

    def __init__(self, ring: ValueRing, tables: Sequence[ValueTable], items: Ints, times: Ints) -> None:
        self._ring = ring
        table, self._words = _join(tables)
        sizes = [each.table.shape[1] for each in tables]
        self._entries = Entries(table, sizes, items, times)
        self._codes: Ints = table[CODE]
        self._oldest_first = np.lexsort((table[CODE], table[KNOWN], table[HAPPENED]))

    def columns(self) -> dict[str, Column]:
        """Return every feature of the ring, one row per question."""
        return {feature.name: self._column(feature) for feature in self._ring.features}

    def _column(self, feature: FeatureDefinition) -> Column:
        (inside,) = self._entries.inside(np.array([feature.window_us]), feature.hop_us)
        parts = self._distinct(feature, inside) if feature.kind == "distinct" else self._pick(feature, inside)
        values, valid = finish(feature.kind, parts)
        return Column(feature.type, values, valid)

    def _pick(self, feature: FeatureDefinition, inside: Mask) -> Parts:
        ages = np.empty(len(self._codes), dtype=np.int64)
        ages[self._oldest_first] = np.arange(len(ages))
        extreme, nothing = (np.minimum, len(ages)) if feature.kind == "first" else (np.maximum, -1)
        (picked,) = self._entries.reduce(extreme, ages[None], inside[None], nothing)
        found = picked != nothing
        codes = np.zeros(len(picked), dtype=np.int64)
        codes[found] = self._codes[self._oldest_first[picked[found]]]
        return Parts(count=found.astype(np.int64), chosen=_decode(feature.type, codes, self._words))

    def _distinct(self, feature: FeatureDefinition, inside: Mask) -> Parts:
        questions, codes = self._entries.questions[inside], self._entries.lay(self._codes)[inside]
        order = np.lexsort((codes, questions))
        questions, codes = questions[order], codes[order]
        new = np.ones(len(order), dtype=np.bool_)
        new[1:] = (questions[1:] != questions[:-1]) | (codes[1:] != codes[:-1])
        counts = np.bincount(questions[new], minlength=self._entries.n_questions).astype(np.int64)
        return Parts(count=np.minimum(counts, feature.at_most))


def _tabulate(ring: ValueRing, events: Events) -> tuple[Ints, ValueTable]:
    """Write each event that holds a value as an entry; return which events do."""
    column = taken_values(ring.features[0], events.columns)
    rows = np.flatnonzero(column.valid)
    table = np.zeros((ring.n_rows, len(rows)), dtype=np.int64)
    table[TILE] = events.happened[rows] // ring.hop_us * ring.hop_us
    table[VISIBLE] = events.visible[rows]
    if ring.kind != "distinct":
        table[HAPPENED], table[KNOWN] = events.happened[rows], events.known[rows]
    table[CODE], words = _encode(column.take(rows))
    return rows, ValueTable(table, words)


def _prune(ring: ValueRing, items: Ints, table: Ints) -> tuple[Ints, Ints]:
    """Keep what can still be an answer, by item, tile and moment of being seen."""
    if ring.kind == "distinct":
        items, table = _sorted(items, table, (VISIBLE, CODE, TILE))
        once = _firsts(items, table[TILE], table[CODE])
        items, table = _sorted(items[once], table[:, once], (CODE, VISIBLE, TILE))
        first = _firsts(items, table[TILE], table[VISIBLE])
        place = np.arange(len(items)) - np.maximum.accumulate(np.where(first, np.arange(len(items)), 0))
        # Whichever tiles a window takes, the least values of each tile hold the least values of all.
        kept = place < ring.at_most
    else:
        items, table = _sorted(items, table, (CODE, KNOWN, HAPPENED, VISIBLE, TILE))
        first = _firsts(items, table[TILE], table[VISIBLE])
        kept = first if ring.kind == "first" else np.append(first[1:], True)[: len(first)]
    return items[kept], table[:, kept]


def _sorted(items: Ints, table: Ints, rows: Sequence[int]) -> tuple[Ints, Ints]:
    order = np.lexsort((*(table[row] for row in rows), items))
    return items[order], table[:, order]


def _firsts(*keys: Ints) -> Mask:
    """Mark where the first of equal entries stands, in sorted ones."""
    first = np.ones(len(keys[0]), dtype=np.bool_)
    first[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return first


def _join(tables: Sequence[ValueTable]) -> ValueTable:
    """Lay tables side by side, their codes counting the words of all."""
    if len(tables) == 1:
        return tables[0]
    table = np.concatenate([each.table for each in tables], axis=1)
    words = tuple(sorted(set().union(*(each.words for each in tables))))
    if words:
        places = {word: place for place, word in enumerate(words)}
        ends = np.cumsum([each.table.shape[1] for each in tables])
        for each, end in zip(tables, ends.tolist(), strict=True):
            here = slice(end - each.table.shape[1], end)
            own = np.array([places[word] for word in each.words], dtype=np.int64)
            table[CODE, here] = own[table[CODE, here]]
    return ValueTable(table, words)


def _with_own_words(table: Ints, words: tuple[str, ...]) -> ValueTable:
    """Leave out the words that no entry of a table has."""
    if not words:
        return ValueTable(table, ())
    used, codes = np.unique(table[CODE], return_inverse=True)
    table[CODE] = codes
    return ValueTable(table, tuple(words[place] for place in used.tolist()))


def _encode(column: Column) -> tuple[Ints, tuple[str, ...]]:
    """Return codes of values, none of them null, and the words they count."""
    if column.type is Type.STRING:
        items = column.values.tolist()
        words = tuple(sorted(set(items)))
        places = {word: place for place, word in enumerate(words)}
        return np.array([places[item] for item in items], dtype=np.int64), words
    if column.type is Type.FLOAT:
        return order_floats(column.values), ()
    if column.type is Type.TIMESTAMP:
        return microseconds(column.values), ()
    return column.values.astype(np.int64), ()


def _decode(type_: Type, codes: Ints, words: tuple[str, ...]) -> Array:
    if type_ is Type.STRING:
        values = np.empty(len(codes), dtype=object)
        values[:] = [words[code] if words else "" for code in codes.tolist()]
        return values
    if type_ is Type.FLOAT:
        return unorder_floats(codes)
    if type_ is Type.TIMESTAMP:
        return codes.astype("datetime64[us]")
    return codes.astype(type_.dtype)
