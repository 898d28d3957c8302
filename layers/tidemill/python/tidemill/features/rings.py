"""Rings of tiles: the online form of windowed features.

Features of a view with the same hop share a ring. A ring is a table of integers with one column per
entry: the tile (a stretch of one hop), the moment from which its rows are seen, the newest timestamp
among them, and the exact parts of every figure. Entries of one tile seen from different moments stay
apart, so that a read at ``t`` takes exactly what was known by ``t``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tidemill.features.aggregates import KINDS, VALUE_KINDS, measure, measure_id
from tidemill.features.definitions import Events, FeatureDefinition, Floats, Ints, ViewDefinition
from tidemill.features.entries import TILE, VISIBLE
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


class Figures(NamedTuple):
    """The figures of one kind, and by part which of the ring's ``sums`` of it each is made of."""

    features: tuple[FeatureDefinition, ...]
    places: Mapping[str, Ints | slice]


class Part(NamedTuple):
    """A part of figures at one exponent, and the ``lines`` that read it, one for each of the ring's sums."""

    part: str
    exponent: int
    lines: slice


class Lines(NamedTuple):
    """What is read of a table in one way: a line for each part of what figures are made of.

    Attributes
    ----------
    combine, nothing
        How the entries inside a window are taken together, and what comes of none.
    parts
        Which lines are which parts.
    rows, windows
        Each line's row of the table, and its window's place in the ring's ``windows_us``, shape (n_lines,).
    """

    combine: np.ufunc
    nothing: int
    parts: tuple[Part, ...]
    rows: Ints
    windows: Ints


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

    @cached_property
    def sums(self) -> dict[str, tuple[tuple[str, int], ...]]:
        """Of what and over which windows each part is taken: figures of several kinds share it."""
        taken: dict[str, dict[tuple[str, int], None]] = {}
        for feature in self.figures:
            for part in _parts_of(feature.kind):
                taken.setdefault(part, {})[_sum_of(feature)] = None
        return {part: tuple(sums) for part, sums in taken.items()}

    @cached_property
    def by_kind(self) -> dict[str, Figures]:
        """The figures of each kind."""
        place = {part: {each: at for at, each in enumerate(sums)} for part, sums in self.sums.items()}
        kinds: dict[str, Figures] = {}
        for kind in dict.fromkeys(feature.kind for feature in self.figures):
            own = tuple(feature for feature in self.figures if feature.kind == kind)
            parts = _parts_of(kind)
            kinds[kind] = Figures(
                own, {part: _as_slice([place[part][_sum_of(each)] for each in own]) for part in parts}
            )
        return kinds

    @cached_property
    def windows_us(self) -> Ints:
        """The different windows, the longest last."""
        return np.unique(np.array([feature.window_us for feature in self.features], dtype=np.int64))

    @cached_property
    def lines(self) -> tuple[Lines, ...]:
        """What is to be read for all figures: sums, minima, maxima, as far as there are any."""
        ways = [_lines(self, names, *way) for names, way in _WAYS.items()]
        return tuple(lines for lines in ways if lines.parts)

    @cached_property
    def shorter(self) -> tuple[tuple[int, Ints, Ints], ...]:
        """Each window but the longest, the rows that no longer one reads, and what nothing is in them."""
        reach: dict[str, int] = {}
        for feature in self.figures:
            name = measure_id(feature)
            reach[name] = max(reach.get(name, 0), feature.window_us)
        reaches = np.array([reach[slot.measure] for slot in self.slots], dtype=np.int64)
        nothing = np.array([_EXTREMES[slot.part][1] if slot.part in _EXTREMES else 0 for slot in self.slots])
        windows = [int(window) for window in np.unique(reaches) if window < self.window_us]
        slots = [(window, np.flatnonzero(reaches == window)) for window in windows]
        return tuple((window, _N_HEAD + own, nothing[own]) for window, own in slots)

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
        slots += [
            Slot(name, part, exponent) for part in _parts_of(feature.kind) for exponent in _exponents(part)
        ]
    window_us = max(feature.window_us for feature in features)
    return Ring(hop_us, window_us, tuple(features), tuple(dict.fromkeys(slots)))


def _parts_of(kind: str) -> tuple[str, ...]:
    """Return the parts that figures of a kind are made of."""
    return "count", *sorted(KINDS[kind].needs)


def _exponents(part: str) -> tuple[int, ...]:
    return EXPONENTS if part in {"total", "squares"} else (0,)


def _as_slice(places: list[int]) -> Ints | slice:
    """Return places as a slice where they follow each other: nothing is copied then."""
    first, end = places[0], places[0] + len(places)
    return slice(first, end) if places == list(range(first, end)) else np.array(places)


def _sum_of(feature: FeatureDefinition) -> tuple[str, int]:
    """Say what a figure is taken of, and over which window."""
    return measure_id(feature), feature.window_us


def _lines(ring: Ring, names: frozenset[str], combine: np.ufunc, nothing: int) -> Lines:
    """Lay out the lines of the parts of some names, which are all taken together in one way."""
    row_of = {slot: row for row, slot in enumerate(ring.slots, start=_N_HEAD)}
    parts: list[Part] = []
    rows: list[int] = []
    windows: list[int] = []
    for part, sums in ring.sums.items():
        for exponent in _exponents(part) if part in names else ():
            parts.append(Part(part, exponent, slice(len(rows), len(rows) + len(sums))))
            rows += [row_of[Slot(name, part, exponent)] for name, _ in sums]
            windows += [window_us for _, window_us in sums]
    places = np.searchsorted(ring.windows_us, np.array(windows, dtype=np.int64))
    return Lines(combine, nothing, tuple(parts), np.array(rows, dtype=np.int64), places.astype(np.int64))


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


def clear(ring: Ring, table: Ints, exact_from: Ints) -> None:
    """Put nothing into the rows of entries that no window of theirs reaches any more.

    Parameters
    ----------
    ring
        The ring.
    table
        Entries, shape (ring.n_rows, n_entries).
    exact_from
        From when on reads of each entry's item are exact, shape (n_entries,).
    """
    for window_us, rows, nothing in ring.shorter:
        gone = np.flatnonzero(table[TILE] + ring.hop_us + window_us <= exact_from)
        table[rows[:, None], gone] = nothing[:, None]


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
_WAYS: dict[frozenset[str], tuple[np.ufunc, int]] = {
    frozenset({"count", "total", "squares"}): (np.add, 0),
    **{frozenset({part}): way for part, way in _EXTREMES.items()},
}
"""How the parts of some names are taken together, and what comes of nothing."""
