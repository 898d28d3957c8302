"""Rings of tiles: the online form of windowed features.

Features of a view with the same hop share a ring. A ring is a table of integers with one column per
entry: the tile (a stretch of one hop), the moment from which its rows are seen, the newest timestamp
among them, and the exact parts of every figure. Entries of one tile seen from different moments stay
apart, so that a read at ``t`` takes exactly what was known by ``t``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tidemill.expressions import Column
from tidemill.features.aggregates import KINDS, VALUE_KINDS, Parts, finish, measure, measure_id
from tidemill.features.definitions import Events, FeatureDefinition, Floats, Ints, ViewDefinition
from tidemill.features.entries import TILE, VISIBLE, Entries
from tidemill.features.exact import EXPONENTS, split, split_squares

NEWEST = 2
"""After tile and moment of being seen comes the newest timestamp in the entry; the slots follow."""
_N_HEAD = 3

NOTHING = -(2**62)
"""A time before all others."""


@dataclass(frozen=True)
class Slot:
    """One row of a ring's table: a part of what figures of one measure are made of."""

    measure: str
    part: str
    exponent: int


@dataclass(frozen=True)
class Ring:
    """The features of a view that share a hop, and the rows of their table."""

    hop_us: int
    window_us: int
    features: tuple[FeatureDefinition, ...]
    slots: tuple[Slot, ...]

    @property
    def figures(self) -> tuple[FeatureDefinition, ...]:
        """The features that the table holds the parts of; the others are in value rings."""
        return tuple(feature for feature in self.features if feature.kind not in VALUE_KINDS)

    @property
    def n_rows(self) -> int:
        """How many rows the table has."""
        return _N_HEAD + len(self.slots)

    def empty(self) -> Ints:
        """Return a table without entries."""
        return np.empty((self.n_rows, 0), dtype=np.int64)


def rings_of(view: ViewDefinition) -> tuple[Ring, ...]:
    """Return a view's rings, by hop."""
    hops = sorted({feature.hop_us for feature in view.windowed})
    return tuple(_ring(hop, [each for each in view.windowed if each.hop_us == hop]) for hop in hops)


def _ring(hop_us: int, features: list[FeatureDefinition]) -> Ring:
    slots: list[Slot] = []
    for feature in features:
        if feature.kind in VALUE_KINDS:
            continue
        name = measure_id(feature)
        slots.append(Slot(name, "count", 0))
        for part in sorted(KINDS[feature.kind].needs):
            exponents = EXPONENTS if part in {"total", "squares"} else (0,)
            slots += [Slot(name, part, exponent) for exponent in exponents]
    window_us = max(feature.window_us for feature in features)
    return Ring(hop_us, window_us, tuple(features), tuple(dict.fromkeys(slots)))


def tabulate(ring: Ring, events: Events) -> Ints:
    """Write each event as one entry of a ring's table, shape (ring.n_rows, n_events)."""
    n = len(events.happened)
    table = np.zeros((ring.n_rows, n), dtype=np.int64)
    table[TILE] = events.happened // ring.hop_us * ring.hop_us
    table[VISIBLE] = events.visible
    table[NEWEST] = events.happened
    measures = {measure_id(feature): feature for feature in ring.figures}
    measured = {name: measure(feature, events.columns, n) for name, feature in measures.items()}
    for position, slot in enumerate(ring.slots):
        values, there = measured[slot.measure]
        if slot.part == "count":
            table[_N_HEAD + position] = there
        elif slot.part in _EXTREMES:
            nothing = _EXTREMES[slot.part][1]
            table[_N_HEAD + position] = np.where(there, order_floats(values), nothing)
    for name, (values, _) in measured.items():
        for part, splitter in (("total", split), ("squares", split_squares)):
            if Slot(name, part, 0) in ring.slots:
                for exponent, limb in splitter(values).items():
                    table[_N_HEAD + ring.slots.index(Slot(name, part, exponent))] = limb
    return table


def merge(ring: Ring, codes: Ints, table: Ints) -> tuple[Ints, Ints]:
    """Join the entries of one entity, tile and moment of being seen into one.

    Parameters
    ----------
    ring
        The ring.
    codes
        The entity of each entry, shape (n_entries,).
    table
        The entries, shape (ring.n_rows, n_entries).

    Returns
    -------
    tuple of Ints
        The same for the joined entries, sorted by entity, tile and moment.
    """
    if len(codes) == 0:
        return codes, table
    order = np.lexsort((table[VISIBLE], table[TILE], codes))
    codes, table = codes[order], table[:, order]
    new = np.ones(len(codes), dtype=np.bool_)
    new[1:] = (codes[1:] != codes[:-1]) | (table[: VISIBLE + 1, 1:] != table[: VISIBLE + 1, :-1]).any(axis=0)
    starts = np.flatnonzero(new)
    merged = np.add.reduceat(table, starts, axis=1)
    merged[: VISIBLE + 1] = table[: VISIBLE + 1, starts]
    merged[NEWEST] = np.maximum.reduceat(table[NEWEST], starts)
    for position, slot in enumerate(ring.slots, start=_N_HEAD):
        if slot.part in _EXTREMES:
            merged[position] = _EXTREMES[slot.part][0].reduceat(table[position], starts)
    return codes[starts], merged


class RingReader:
    """Answers a ring's features for questions, from the tables of the items they concern.

    Parameters
    ----------
    ring
        The ring.
    tables
        One table per item.
    items
        The item of each question, shape (n_questions,).
    times
        When each question asks, microseconds, shape (n_questions,).
    """

    def __init__(self, ring: Ring, tables: Sequence[Ints], items: Ints, times: Ints) -> None:
        self._ring = ring
        self._table = np.concatenate([ring.empty(), *tables], axis=1)
        self._entries = Entries(self._table, [table.shape[1] for table in tables], items, times)

    def columns(self) -> dict[str, Column]:
        """Return every feature of the ring, one row per question."""
        return {feature.name: self._column(feature) for feature in self._ring.figures}

    def newest(self) -> Ints:
        """Return the newest timestamp each question sees in the longest window; NOTHING if none."""
        inside = self._entries.inside(self._ring.window_us, self._ring.hop_us)
        newest = self._table[NEWEST][self._entries.places]
        return self._entries.reduce(np.maximum, newest, inside, NOTHING)

    def _column(self, feature: FeatureDefinition) -> Column:
        inside = self._entries.inside(feature.window_us, feature.hop_us)
        name = measure_id(feature)
        parts: dict[str, dict[int, Ints]] = {"count": {}, "total": {}, "squares": {}}
        extremes: dict[str, Floats] = {}
        for position, slot in enumerate(self._ring.slots, start=_N_HEAD):
            row = self._table[position]
            if slot.measure != name or (slot.part != "count" and slot.part not in KINDS[feature.kind].needs):
                continue
            if slot.part in _EXTREMES:
                extreme, nothing = _EXTREMES[slot.part]
                extremes[slot.part] = unorder_floats(
                    self._entries.reduce(extreme, row[self._entries.places], inside, nothing)
                )
            elif slot.part == "count" or row.any():
                parts[slot.part][slot.exponent] = self._entries.sum(row[self._entries.places], inside)
        values, valid = finish(
            feature.kind,
            Parts(
                count=parts["count"][0],
                total=parts["total"],
                squares=parts["squares"],
                smallest=extremes.get("smallest"),
                largest=extremes.get("largest"),
            ),
        )
        return Column(feature.type, values, valid)


def order_floats(values: Floats) -> Ints:
    """Return integers that sort as the floats do; ``unorder_floats`` brings the floats back."""
    return _flip(np.ascontiguousarray(values, dtype=np.float64).view(np.int64))


def unorder_floats(ordered: Ints) -> Floats:
    """Return the floats that ``order_floats`` was given."""
    return _flip(np.ascontiguousarray(ordered)).view(np.float64)


def _flip(bits: Ints) -> Ints:
    return bits ^ ((bits >> 63) & np.int64(2**63 - 1))


_EXTREMES: dict[str, tuple[np.ufunc, int]] = {
    "smallest": (np.minimum, 2**63 - 1),
    "largest": (np.maximum, -(2**63)),
}
