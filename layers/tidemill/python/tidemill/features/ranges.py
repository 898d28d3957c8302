"""The smallest value of many ranges, and of those that cover a place: whatever their lengths, at one cost."""

import numpy as np

from tidemill.features.definitions import Floats, Ints

_BLOCK = 32


class RangeMinima:
    """An array, prepared to be asked for the smallest value of ranges.

    The array is cut into blocks. Of each block the minima from its front and from its back are kept, and
    over whole blocks a sparse table: so a range is two look-ups in blocks and two in the table, and only a
    range within one block is gone through.

    Parameters
    ----------
    values
        Shape (n,).

    References
    ----------
    M. Bender, M. Farach-Colton, "The LCA problem revisited", 2000 (the sparse table over blocks).

    Examples
    --------
    >>> minima = RangeMinima(np.array([5.0, 3.0, 4.0]))
    >>> minima.of(np.array([0, 2, 1]), np.array([3, 3, 1]))
    array([ 3.,  4., inf])
    """

    def __init__(self, values: Floats) -> None:
        n_blocks = len(values) // _BLOCK + 1
        self._values = np.full(n_blocks * _BLOCK, np.inf)
        self._values[: len(values)] = values
        blocks = self._values.reshape(n_blocks, _BLOCK)
        self._to_front = np.minimum.accumulate(blocks, axis=1).ravel()
        self._to_back = np.minimum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
        self._table = [self._to_front[_BLOCK - 1 :: _BLOCK].copy()]
        while len(self._table[-1]) > (half := 1 << (len(self._table) - 1)):
            below = self._table[-1]
            self._table.append(np.minimum(below[:-half], below[half:]))

    def of(self, starts: Ints, ends: Ints) -> Floats:
        """Return the smallest value from each start up to, not including, each end.

        Parameters
        ----------
        starts, ends
            Shape (n_ranges,), from 0 to n. In order of their starts they are answered fastest.

        Returns
        -------
        Floats
            Shape (n_ranges,); infinite where a range is empty.
        """
        answer = np.full(len(starts), np.inf)
        first, last = starts // _BLOCK, (ends - 1) // _BLOCK
        wide = np.flatnonzero(last > first)
        answer[wide] = np.minimum(self._to_back[starts[wide]], self._to_front[ends[wide] - 1])
        self._add_blocks(answer, first + 1, last, wide)
        narrow = np.flatnonzero((last == first) & (ends > starts))
        if len(narrow):
            bounds = np.stack([starts[narrow], ends[narrow]], axis=1).ravel()
            answer[narrow] = np.minimum.reduceat(self._values, bounds)[::2]
        return answer

    def _add_blocks(self, answer: Floats, first: Ints, last: Ints, wide: Ints) -> None:
        """Take in the whole blocks from each first up to, not including, each last."""
        inner = wide[last[wide] > first[wide]]
        levels = np.frexp((last[inner] - first[inner]).astype(np.float64))[1] - 1
        for level in np.unique(levels).tolist():
            rows, table = inner[levels == level], self._table[level]
            within = np.minimum(table[first[rows]], table[last[rows] - (1 << level)])
            answer[rows] = np.minimum(answer[rows], within)


def spread_minima(n: int, starts: Ints, ends: Ints, values: Floats) -> Floats:
    """Return the smallest value whose range covers a place, for each of ``n`` places; infinite for none.

    Each value is written over its range as two overlapping blocks of a power of two long, and the blocks
    are then handed down from the longest to the shortest: a sparse table built from below.

    Parameters
    ----------
    n
        The number of places.
    starts, ends
        Shape (n_ranges,), from 0 to n: the first place of each range, and the first after it; none is empty.
    values
        Shape (n_ranges,).

    Examples
    --------
    >>> spread_minima(4, np.array([0, 1]), np.array([3, 2]), np.array([5.0, 3.0]))
    array([ 5.,  3.,  5., inf])
    """
    levels = np.frexp((ends - starts).astype(np.float64))[1] - 1
    table = np.full(n, np.inf)
    for level in range(int(levels.max(initial=-1)), -1, -1):
        ranges = np.flatnonzero(levels == level)
        np.minimum.at(table, starts[ranges], values[ranges])
        np.minimum.at(table, ends[ranges] - (1 << level), values[ranges])
        if level:
            half = 1 << (level - 1)
            handed = table[:-half].copy()
            np.minimum(table[half:], handed, out=table[half:])
    return table
