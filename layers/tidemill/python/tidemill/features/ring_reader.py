"""Reading rings: windowed figures of the entities that requests ask about."""

from collections.abc import Sequence

import numpy as np

from tidemill.expressions import Column
from tidemill.features.aggregates import Parts, finish
from tidemill.features.definitions import Ints, Mask
from tidemill.features.entries import Entries
from tidemill.features.rings import NEWEST, NOTHING, Lines, Ring, unorder_floats

_NUMBERS_AT_ONCE = 1 << 20


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
        self._filled = np.asarray(self._table.any(axis=1))

    def columns(self) -> dict[str, Column]:
        """Return every feature of the ring, one row per question."""
        parts: dict[str, dict[str, dict[int, Ints]]] = {kind: {} for kind in self._ring.by_kind}
        for lines in self._ring.lines:
            wanted = self._wanted(lines)
            read, is_wanted = self._read(lines, np.flatnonzero(wanted)), wanted.tolist()
            for kind, part, exponent, own in lines.parts:
                if part == "count" or True in is_wanted[own]:
                    parts[kind].setdefault(part, {})[exponent] = read[own].ravel()
        columns: dict[str, Column] = {}
        for kind, features in self._ring.by_kind.items():
            values, valid = (each.reshape(len(features), -1) for each in finish(kind, _gather(parts[kind])))
            for place, feature in enumerate(features):
                columns[feature.name] = Column(feature.type, values[place], valid[place])
        return columns

    def newest(self) -> Ints:
        """Return the newest timestamp each question sees in the longest window; NOTHING if none."""
        newest: Ints = self._entries.reduce(np.maximum, self._table[[NEWEST]], self._inside[-1], NOTHING)[0]
        return newest

    def _wanted(self, lines: Lines) -> Mask:
        """Tell which lines there is anything to read of: most limbs of most numbers are zero."""
        if lines.combine is not np.add:
            return np.ones(len(lines.rows), dtype=np.bool_)
        wanted: Mask = self._filled[lines.rows]
        return wanted

    def _read(self, lines: Lines, wanted: Ints) -> Ints:
        """Take together, line by line, what each question sees of it; shape (n_lines, n_questions)."""
        read = np.full((len(lines.rows), self._entries.n_questions), lines.nothing, dtype=np.int64)
        step = max(1, _NUMBERS_AT_ONCE // max(1, len(self._entries.places)))
        for start in range(0, len(wanted), step):
            some = wanted[start : start + step]
            read[some] = self._entries.reduce(
                lines.combine, self._table[lines.rows[some]], self._inside[lines.windows[some]], lines.nothing
            )
        return read


def _gather(parts: dict[str, dict[int, Ints]]) -> Parts:
    extremes = {part: unorder_floats(parts[part][0]) for part in ("smallest", "largest") if part in parts}
    return Parts(
        count=parts["count"][0], total=parts.get("total", {}), squares=parts.get("squares", {}), **extremes
    )
