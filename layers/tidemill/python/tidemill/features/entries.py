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
    places
        Where in the table each question's entries stand, one question after the other.
    questions
        Whose they are.
    """

    def __init__(self, table: Ints, sizes: Sequence[int], items: Ints, times: Ints) -> None:
        lengths = np.array(sizes, dtype=np.int64)
        first = np.cumsum(lengths) - lengths
        self._counts = lengths[items]
        self._ends = np.cumsum(self._counts)
        self._starts = self._ends - self._counts
        self.n_questions = len(items)
        self.questions: Ints = np.repeat(np.arange(len(items)), self._counts)
        within = np.arange(len(self.questions)) - self._starts[self.questions]
        self.places: Ints = first[items][self.questions] + within
        self._times = times
        self._seen: Mask = table[VISIBLE][self.places] <= times[self.questions]
        self._tiles: Ints = table[TILE][self.places]

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
        answer = np.full((len(table), self.n_questions), nothing, dtype=np.int64)
        filled = np.flatnonzero(self._counts)
        if len(filled):
            values = np.where(inside, table[:, self.places], nothing)
            answer[:, filled] = combine.reduceat(values, self._starts[filled], axis=1)
        return answer
