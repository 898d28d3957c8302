"""The entries of items' tables, gathered by question: what rings and value rings read alike."""

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate

import numpy as np

from tidemill.features.definitions import Ints, Mask

TILE, VISIBLE = 0, 1
"""The first rows of every table: the stretch of one hop, and from when on the entry is seen."""


class Entries:
    """The entries of each question's item, laid side by side.

    Parameters
    ----------
    table
        The items' tables side by side, shape (n_rows, n_entries).
    sizes
        How many entries each item has.
    items
        The item of each question, shape (n_questions,).
    times
        When each question asks, microseconds, shape (n_questions,).

    Attributes
    ----------
    n_questions
        How many questions.
    """

    def __init__(self, table: Ints, sizes: Sequence[int], items: Ints, times: Ints) -> None:
        asked = items.tolist()
        counts: list[int] = [sizes[item] for item in asked]
        self.n_questions = len(asked)
        self._counts = counts
        self._starts: list[int] = [0, *accumulate(counts[:-1])]
        self._places: Ints | None = None
        if asked != list(range(len(sizes))):  # most often each question is about an item of its own
            first = [0, *accumulate(sizes[:-1])]
            moved = [first[item] - start for item, start in zip(asked, self._starts, strict=True)]
            self._places = np.arange(len(self)) + np.array(moved, dtype=np.int64)[self.questions]
        self._times = times
        self._seen: Mask = self.lay(table[VISIBLE]) <= self._spread(times)
        self._tiles: Ints = self.lay(table[TILE])

    def __len__(self) -> int:
        return self._starts[-1] + self._counts[-1]

    @cached_property
    def questions(self) -> Ints:
        """Whose the entries are, laid side by side, one question after the other."""
        return np.repeat(np.arange(self.n_questions), self._counts)

    def lay(self, values: Ints) -> Ints:
        """Lay what belongs to the tables' entries side by side; shape (..., n_table_entries) to (..., n)."""
        return values if self._places is None else values[..., self._places]

    def _spread(self, values: Ints) -> Ints:
        """Give each entry what belongs to its question: as it is where there is but one."""
        return values if self.n_questions == 1 else values[..., self.questions]

    def inside(self, windows_us: Ints, hop_us: int) -> Mask:
        """Mark the entries each question sees in its windows, shape (n_windows, n_entries)."""
        tails = (self._times - windows_us[:, None]) // hop_us * hop_us
        return self._seen & (self._tiles >= self._spread(tails))

    def reduce(self, combine: np.ufunc, table: Ints, inside: Mask, nothing: int) -> Ints:
        """Take together what lies inside of some rows, by question.

        Parameters
        ----------
        combine
            How two values become one.
        table
            Rows of the items' tables, shape (n_rows, n_table_entries).
        inside
            The entries that count, shape (n_rows, n_entries).
        nothing
            What comes of no entry.

        Returns
        -------
        Ints
            Shape (n_rows, n_questions).
        """
        values = np.where(inside, self.lay(table), nothing)
        if all(self._counts):
            together: Ints = combine.reduceat(values, self._starts, axis=1)
            return together
        answer = np.full((len(table), self.n_questions), nothing, dtype=np.int64)
        filled = np.flatnonzero(self._counts)
        if len(filled):
            answer[:, filled] = combine.reduceat(values, np.array(self._starts)[filled], axis=1)
        return answer
