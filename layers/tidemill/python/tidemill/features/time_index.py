"""Entities and moments in order: sorted once, and counted by binary search."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import islice

import numpy as np

from tidemill.expressions import Array
from tidemill.features.blocks import blocks
from tidemill.features.definitions import Ints, Mask

_BITS = 63


def sort_codes(codes: Ints) -> tuple[Ints, Ints]:
    """Return codes in order, and the positions that sort them and leave equal ones in their order.

    Examples
    --------
    >>> sort_codes(np.array([70_000, 3, 70_000, 3]))
    (array([    3,     3, 70000, 70000]), array([1, 3, 0, 2]))
    """
    if int(codes.max(initial=0)).bit_length() + len(codes).bit_length() >= _BITS:
        order = np.argsort(codes, kind="stable")
        return codes[order], order
    packed = _pack(codes)
    return packed >> len(codes).bit_length(), packed & _mask(len(codes))


class TimeIndex:
    """Moments of entities, sorted by entity and time, to be counted by binary search.

    Moments are numbered in the order of time, and each entity and number packed into one integer. Sorting
    those sorts by entity and time, and afterwards each still says whose moment it is, and which. To count
    the moments before others, the others are first numbered among them, both walked through in the order
    of time, and then searched for, both walked through in the order of entities: neither jumps about.

    Parameters
    ----------
    codes
        Shape (n,), the entity of each moment; they and n together have at most 62 bits.
    times
        Shape (n,), microseconds. The nearer to being sorted, the faster.

    Attributes
    ----------
    moments
        The times alone, sorted.
    """

    def __init__(self, codes: Ints, times: Ints) -> None:
        self._in_time = None if _is_sorted(times) else np.argsort(times, kind="stable")
        self._codes: Ints = codes if self._in_time is None else codes[self._in_time]
        self.moments: Ints = times if self._in_time is None else times[self._in_time]
        self._bits = len(codes).bit_length()
        # Whoever asks for numbers of moments first, or something else, need not wait for this.
        self._packing = _begin(_pack, self._codes)

    @property
    def _packed(self) -> Ints:
        return self._packing.result()

    @property
    def codes(self) -> Ints:
        """The entities, sorted."""
        return self.stretch(slice(None))[0]

    @property
    def times(self) -> Ints:
        """The moments, sorted by entity and time."""
        return self.moments[self.stretch(slice(None))[1]]

    @cached_property
    def is_sorted(self) -> bool:
        """Whether the moments came sorted by entity and time."""
        return self._in_time is None and _is_sorted(self._codes)

    @cached_property
    def ranks_as_given(self) -> Ints | None:
        """The rank in the index's order of each moment as they came; None if they came sorted."""
        if self.order is None:
            return None
        ranks = np.empty_like(self.order)
        ranks[self.order] = np.arange(len(ranks))
        return ranks

    @cached_property
    def order(self) -> Ints | None:
        """The positions that sort the moments; None if they are sorted as they are."""
        return None if self.is_sorted else self._positions(self._packed)

    def stretch(self, rows: slice) -> tuple[Ints, Ints]:
        """Return the entities of some of the sorted moments, and their places among ``moments``."""
        packed = self._packed[rows]
        return packed >> self._bits, packed & _mask(len(self._codes))

    def at(self, ranks: Ints) -> tuple[Ints, Ints]:
        """Return the entities and the positions of the moments that have some ranks in the index's order."""
        packed = self._packed[ranks]
        return packed >> self._bits, self._positions(packed)

    def _positions(self, packed: Ints) -> Ints:
        places = packed & _mask(len(self._codes))
        return places if self._in_time is None else self._in_time[places]

    def most_of_one(self) -> int:
        """Return how many moments the entity with the most has."""
        if len(self._packed) == 0:
            return 0
        entities = np.arange((int(self._packed[-1]) >> self._bits) + 2)
        return int(np.diff(np.searchsorted(self._packed, entities << self._bits)).max())

    def ranks(self, other: "TimeIndex") -> Ints:
        """Return which of this index's moments, in its order, those of another one of the same rows are."""
        numbers = np.arange(len(self._packed))
        ranks = np.empty_like(numbers)
        ranks[self.arrange(numbers)] = numbers
        return other.arrange(ranks)

    def number(self, asked: "TimeIndex", change: Callable[[Ints], Ints]) -> Ints:
        """Count the moments, of whichever entity, before each time of another index.

        Parameters
        ----------
        asked
            What is asked about.
        change
            Is given its times and returns other ones in the same order, which are asked about instead.

        Returns
        -------
        Ints
            Shape (n_asked,), in the order of ``asked.moments``.
        """
        return _search(self.moments, len(asked.moments), lambda rows: change(asked.moments[rows]))

    def count_before(self, asked: "TimeIndex", numbers: Ints) -> Ints:
        """Count the moments that sort before each (entity, time) of another index; entity -1 has none before.

        Parameters
        ----------
        asked
            What is asked about.
        numbers
            What ``number`` said of its times.

        Returns
        -------
        Ints
            Shape (n_asked,), in the order of ``asked``.
        """

        def wanted(rows: slice) -> Ints:
            entities, places = asked.stretch(rows)
            return entities << self._bits | numbers[places]

        return _search(self._packed, len(numbers), wanted)

    def arrange(self, values: Array) -> Array:
        """Put values that belong to the moments into the index's order."""
        if self.is_sorted:
            return values
        arranged = np.empty_like(values)
        for rows, piece in self.pieces(values):
            arranged[rows] = piece
        return arranged

    def pieces(self, values: Array, every: int = 1, first: int = 0) -> Iterator[tuple[slice, Array]]:
        """Give values that belong to the moments piece by piece, in the index's order.

        Parameters
        ----------
        values
            Shape (n,), as the moments came.
        every, first
            Which pieces: from which one on every how many.
        """
        for rows in islice(blocks(len(values)), first, None, every):
            yield rows, values[rows] if self.is_sorted else values[self._positions(self._packed[rows])]

    def has_ties(self) -> bool:
        """Tell whether an entity has one moment twice."""
        same = self.moments[1:] == self.moments[:-1]
        # Only moments that fall together with another's are looked at more closely.
        near = np.flatnonzero(np.append(same, False) | np.append(False, same))
        if len(near) == 0:
            return False
        new: Mask = np.ones(len(near), dtype=np.bool_)
        new[1:] = ~same[near[1:] - 1]
        pairs = np.sort((self._codes[near] << self._bits) | np.cumsum(new))
        return bool((pairs[1:] == pairs[:-1]).any())


def _begin(work: Callable[[Ints], Ints], codes: Ints) -> Future[Ints]:
    """Start some work in a thread of its own."""
    pool = ThreadPoolExecutor(max_workers=1)
    working = pool.submit(work, codes)
    pool.shutdown(wait=False)
    return working


def _pack(codes: Ints) -> Ints:
    """Pack each code with its place into one integer, sorted."""
    packed = codes << len(codes).bit_length()
    for rows in blocks(len(codes)):
        packed[rows] |= np.arange(rows.start, rows.stop)
    # Vectorised where the processor can, which beats counting digits as well as comparing codes.
    packed.sort()
    return packed


def _search(numbers: Ints, n: int, wanted: Callable[[slice], Ints]) -> Ints:
    """Return how many of some sorted numbers are less than each of ``n`` wanted ones; these are sorted too.

    Between where the first of a block of the wanted lies and where the last does lie all of it: so few
    numbers are searched that they stay near the processor.
    """
    found = np.empty(n, dtype=np.int64)
    for rows in blocks(n):
        block = wanted(rows)
        low, high = np.searchsorted(numbers, block[[0, -1]]).tolist()
        np.add(np.searchsorted(numbers[low:high], block), low, out=found[rows])
    return found


def _mask(n: int) -> int:
    return (1 << n.bit_length()) - 1


def _is_sorted(values: Ints) -> bool:
    return bool((values[1:] >= values[:-1]).all())
