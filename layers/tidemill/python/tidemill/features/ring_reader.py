"""Reading rings: windowed figures of the entities that requests ask about."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from tidemill.expressions import Column
from tidemill.features.aggregates import Parts, finish
from tidemill.features.definitions import Floats, Ints, Mask
from tidemill.features.entries import Entries
from tidemill.features.exact import Limbs, to_float
from tidemill.features.rings import NEWEST, NOTHING, Lines, Ring, unorder_floats

_FEW_NUMBERS, _NUMBERS_AT_ONCE = 1 << 13, 1 << 20


class RingReader:
    """Answers a ring's features for questions, from the tables of the items they concern.

    A request mostly asks little, so what costs is the number of steps: all figures of a kind are read and
    finished together.

    Parameters
    ----------
    ring
        The ring.
    tables
        One table per item, at least one.
    items
        The item of each question, shape (n_questions,).
    times
        When each question asks, microseconds, shape (n_questions,).
    """

    def __init__(self, ring: Ring, tables: Sequence[Ints], items: Ints, times: Ints) -> None:
        self._ring = ring
        self._table = tables[0] if len(tables) == 1 else np.concatenate(tables, axis=1)
        self._entries = Entries(self._table, [table.shape[1] for table in tables], items, times)
        self._inside = self._entries.inside(ring.windows_us, ring.hop_us)

    def columns(self) -> dict[str, Column]:
        """Return every feature of the ring, one row per question."""
        columns: dict[str, Column] = {}
        for kind, figures in self._ring.by_kind.items():
            parts = self._gather(figures.places)
            values, valid = (each.reshape(len(figures.features), -1) for each in finish(kind, parts))
            for place, feature in enumerate(figures.features):
                columns[feature.name] = Column(feature.type, values[place], valid[place])
        return columns

    def _gather(self, places: Mapping[str, Ints | slice]) -> Parts:
        """Take what figures of one kind are made of, one figure after the other."""
        rounds = "total" in places and "squares" not in places
        taken = {
            part: {exponent: limb[own].ravel() for exponent, limb in self._parts.get(part, {}).items()}
            for part, own in places.items()
            if not (rounds and part == "total")
        }
        return Parts(
            count=taken["count"][0],
            total=taken.get("total", {}),
            rounded=self._rounded[places["total"]].ravel() if rounds else None,
            squares=taken.get("squares", {}),
            smallest=unorder_floats(taken["smallest"][0]) if "smallest" in taken else None,
            largest=unorder_floats(taken["largest"][0]) if "largest" in taken else None,
        )

    @cached_property
    def _rounded(self) -> Floats:
        """The totals as floats, shape (n_sums, n_questions)."""
        shape = len(self._ring.sums["total"]), self._entries.n_questions
        limbs = {exponent: limb.ravel() for exponent, limb in self._parts.get("total", {}).items()}
        return to_float(limbs, shape[0] * shape[1]).reshape(shape)

    @cached_property
    def _parts(self) -> dict[str, Limbs]:
        """What each part adds up to, shape (n_sums, n_questions); an exponent that is not there is zero."""
        parts: dict[str, Limbs] = {}
        for lines in self._ring.lines:
            read = self._read(lines)
            there: list[bool] = np.any(read, axis=1).tolist()
            for part, exponent, own in lines.parts:
                # Most limbs of most numbers are zero.
                if part not in {"total", "squares"} or True in there[own]:
                    parts.setdefault(part, {})[exponent] = read[own]
        return parts

    def newest(self) -> Ints:
        """Return the newest timestamp each question sees in the longest window; NOTHING if none."""
        newest: Ints = self._entries.reduce(
            np.maximum, self._table[NEWEST : NEWEST + 1], self._inside[-1], NOTHING
        )[0]
        return newest

    def _read(self, lines: Lines) -> Ints:
        """Take together, line by line, what each question sees of it; shape (n_lines, n_questions)."""
        if len(lines.rows) * len(self._entries) <= _FEW_NUMBERS:
            return self._reduce(lines, slice(None))
        read = np.full((len(lines.rows), self._entries.n_questions), lines.nothing, dtype=np.int64)
        filled: Mask = np.asarray(self._table.any(axis=1))
        wanted = np.flatnonzero(filled[lines.rows] | (lines.combine is not np.add))
        step = max(1, _NUMBERS_AT_ONCE // len(self._entries))
        for start in range(0, len(wanted), step):
            some = wanted[start : start + step]
            read[some] = self._reduce(lines, some)
        return read

    def _reduce(self, lines: Lines, some: Ints | slice) -> Ints:
        values, inside = self._table[lines.rows[some]], self._inside[lines.windows[some]]
        return self._entries.reduce(lines.combine, values, inside, lines.nothing)
