"""The entries of items' tables, gathered by question: what rings and value rings read alike."""

from collections.abc import Sequence

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
    questions
        Whose the entries are, laid side by side, one question after the other.
    """

    def __init__(self, table: Ints, sizes: Sequence[int], items: Ints, times: Ints) -> None:
        lengths = np.array(sizes, dtype=np.int64)
        counts = lengths[items]
        self._starts = np.cumsum(counts) - counts
        self._filled = np.flatnonzero(counts)
        self.n_questions = len(items)
        self.questions: Ints = np.repeat(np.arange(len(items)), counts)
        self._places: Ints | None = None
        if items.tolist() != list(range(len(sizes))):  # most often each question is about an item of its own
            first = np.cumsum(lengths) - lengths
            self._places = np.arange(len(self.questions)) + (first[items] - self._starts)[self.questions]
        self._times = times
        self._seen: Mask = self.lay(table[VISIBLE]) <= times[self.questions]
        self._tiles: Ints = self.lay(table[TILE])

    def __len__(self) -> int:
        return len(self.questions)

    def lay(self, values: Ints) -> Ints:
        """Lay what belongs to the tables' entries side by side; shape (..., n_table_entries) to (..., n)."""
        return values if self._places is None else values[..., self._places]

    def inside(self, windows_us: Ints, hop_us: int) -> Mask:
        """Mark the entries each question sees in its windows, shape (n_windows, n_entries)."""
        tails = (self._times - windows_us[:, None]) // hop_us * hop_us
        return self._seen & (self._tiles >= tails[:, self.questions])

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
        if len(self._filled) == self.n_questions:
            together: Ints = combine.reduceat(values, self._starts, axis=1)
            return together
        answer = np.full((len(table), self.n_questions), nothing, dtype=np.int64)
        if len(self._filled):
            answer[:, self._filled] = combine.reduceat(values, self._starts[self._filled], axis=1)
        return answer
