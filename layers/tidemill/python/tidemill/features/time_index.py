"""Entities and moments in order: sorted once, and counted by binary search."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np

from tidemill.expressions import Array
from tidemill.features.blocks import BLOCK, blocks
from tidemill.features.definitions import Ints, Mask
from tidemill.features.once import Once

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
    packed = _pack_places(codes)
    return packed >> len(codes).bit_length(), packed & _mask(len(codes))


class TimeIndex:
    """Moments of entities, sorted by entity and time, to be counted by binary search.

    Moments are numbered in the order of time, and each entity and number packed into one integer. Sorting
    those sorts by entity and time, and afterwards each still says whose moment it is, and which. To count
    the moments before others, each entity and time is packed into one integer as well, and sorted; the
    others are searched for among those in their own order, so that the search does not jump about. Times
    too far apart for that are first numbered among the moments, in the order of time.

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
        self._first_us, last_us = map(int, self.moments[[0, -1]]) if len(codes) else (0, 0)
        self._end_us = last_us + 1
        self._key_bits = (self._end_us - self._first_us).bit_length()
        # Whoever asks for something else first need not wait for this.
        self._packing = _begin(_pack_places, self._codes)

    @property
    def _packed(self) -> Ints:
        return self._packing.result()

    @Once
    def _greatest_code(self) -> int:
        return int(self._codes.max(initial=0))

    @Once
    def _has_keys(self) -> bool:
        """Whether an entity and the time since the first moment fit into one integer."""
        return (self._greatest_code + 1).bit_length() + self._key_bits < _BITS

    @Once
    def _keys(self) -> Ints:
        """Each entity and time since the first moment, packed into one integer, sorted."""
        return _pack(self._codes, self._key_bits, lambda rows: self.moments[rows] - self._first_us)

    @Once
    def codes(self) -> Ints:
        """The entities, sorted."""
        return self.stretch(slice(None))[0]

    @Once
    def times(self) -> Ints:
        """The moments, sorted by entity and time."""
        if not self._has_keys:
            return self.moments[self.stretch(slice(None))[1]]
        times = self._keys & ((1 << self._key_bits) - 1)
        times += self._first_us
        return times

    @Once
    def is_sorted(self) -> bool:
        """Whether the moments came sorted by entity and time."""
        return self._in_time is None and _is_sorted(self._codes)

    @Once
    def ranks_as_given(self) -> Ints | None:
        """The rank in the index's order of each moment as they came; None if they came sorted."""
        if self.order is None:
            return None
        ranks = np.empty_like(self.order)
        ranks[self.order] = np.arange(len(ranks))
        return ranks

    @Once
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

    def count_before(self, asked: "TimeIndex", change: Callable[[Ints], Ints]) -> Ints:
        """Count the moments that sort before each (entity, time) of another index; entity -1 has none before.

        Parameters
        ----------
        asked
            What is asked about.
        change
            Is given its times and returns other ones in the same order, which are asked about instead.

        Returns
        -------
        Ints
            Shape (n_asked,), in the order of ``asked``.
        """
        if not self._has_keys:
            return self._count_by_number(asked, change)

        def wanted(rows: slice) -> Ints:
            entities = np.minimum(asked.stretch(rows)[0], self._greatest_code + 1)
            times = np.clip(change(asked.times[rows]), self._first_us, self._end_us)
            return entities << self._key_bits | times - self._first_us

        return _search(self._keys, len(asked.moments), wanted)

    def _count_by_number(self, asked: "TimeIndex", change: Callable[[Ints], Ints]) -> Ints:
        """Count where times are too far apart to be packed beside entities: as numbers among all moments."""
        n = len(asked.moments)
        numbers = _search(self.moments, n, lambda rows: change(asked.moments[rows]))

        def wanted(rows: slice) -> Ints:
            entities, places = asked.stretch(rows)
            return entities << self._bits | numbers[places]

        return _search(self._packed, n, wanted)

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


def _pack_places(codes: Ints) -> Ints:
    """Pack each code with its place into one integer, sorted."""
    return _pack(codes, len(codes).bit_length(), lambda rows: np.arange(rows.start, rows.stop))


def _pack(codes: Ints, bits: int, numbers: Callable[[slice], Ints]) -> Ints:
    """Pack each code with a number of so many bits into one integer, sorted."""
    packed = codes << bits
    for rows in blocks(len(codes)):
        packed[rows] |= numbers(rows)
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
    ends = values[BLOCK::BLOCK] >= values[BLOCK - 1 : -1 : BLOCK]
    return bool(ends.all()) and all(
        bool((values[rows][1:] >= values[rows][:-1]).all()) for rows in blocks(len(values))
    )
