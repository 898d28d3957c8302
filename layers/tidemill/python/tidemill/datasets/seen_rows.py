"""Large sets of rows, by which repetition is found among many millions in bounded memory."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tidemill.datasets.hashes import Hashes
from tidemill.datasets.sorted_runs import FileRun, MemoryRun, Run, merged
from tidemill.features.definitions import Mask

_FILTERS = ((1, 23), (64, 25))  # from how many times the fewest hashes; words to the power of two
_MARKS = 3


class SeenRows:
    """A set of hashes as sorted runs, merged so that each is at least twice as long as the next.

    Parameters
    ----------
    runs
        What is in it to begin with, each sorted. They are taken one by one, before the next is asked for.
    largest
        From how many hashes a run lies in a file: 16 MB of them.
    longest
        From how many hashes a run is merged no more: 256 MB of them.
    filtered_from
        From how many hashes in all a filter tells of most others at once that they are not in the set;
        from 64 times as many a larger one.
    """

    def __init__(
        self,
        runs: Iterable[Hashes] = (),
        *,
        largest: int = 2_097_152,
        longest: int = 33_554_432,
        filtered_from: int = 1_048_576,
    ) -> None:
        self._largest = largest
        self._longest = longest
        self._filter: _Filter | None = None
        self._filters = [(times * filtered_from, word_bits) for times, word_bits in _FILTERS]
        self.runs: list[Run] = []
        for run in runs:
            self._put(run)

    def contains(self, hashes: Hashes) -> Mask:
        """Say which are in the set."""
        order = np.argsort(hashes)
        found = np.empty(len(hashes), dtype=np.bool_)
        found[order] = self._contains(hashes[order])
        return found

    def add(self, hashes: Hashes) -> Mask:
        """Put hashes into the set, and say which were there, before or earlier in the array."""
        order = _order(hashes)
        ordered = hashes[order]
        again = self._were_in(ordered)
        again[1:] |= ordered[1:] == ordered[:-1]
        repeated = np.empty(len(hashes), dtype=np.bool_)
        repeated[order] = again
        self._put(ordered[~again])
        return repeated

    def _put(self, ordered: Hashes) -> None:
        """Put sorted hashes into the set that are not in it."""
        if len(ordered):
            self.runs.append(self._held([ordered], len(ordered)))
        while len(self.runs) > 1 and 2 * len(self.runs[-1]) > len(self.runs[-2]) < self._longest:
            newest, older = self.runs.pop(), self.runs.pop()
            self.runs.append(self._held(merged(older, newest), len(older) + len(newest)))

    def _held(self, blocks: Iterable[Hashes], n_hashes: int) -> Run:
        return FileRun(blocks) if n_hashes >= self._largest else MemoryRun(np.concatenate([*blocks]))

    def _contains(self, ordered: Hashes) -> Mask:
        """Say which sorted hashes are in the set."""
        found = np.zeros(len(ordered), dtype=np.bool_)
        for run in self.runs:
            found |= run.contains(ordered)
        return found

    def _were_in(self, ordered: Hashes) -> Mask:
        """Say which sorted hashes are in the set, and let the filter know of all of them."""
        self._choose_filter()
        if self._filter is None:
            return self._contains(ordered)
        found = self._filter.add(ordered)
        found[found] = self._contains(ordered[found])
        return found

    def _choose_filter(self) -> None:
        """Begin to filter, or with a larger filter, if there are as many hashes."""
        n_hashes, chosen = sum(map(len, self.runs)), 0
        while self._filters and n_hashes >= self._filters[0][0]:
            _, chosen = self._filters.pop(0)
        if chosen:
            self._filter = None  # whose memory is free first
            self._filter = _Filter(chosen)
            for run in self.runs:
                for block in run.blocks():
                    self._filter.add(block)


class _Filter:
    """A set of hashes that forgets most of their bits: some are taken to be in it that are not.

    A hash marks three bits of one word of 64, which its leading bits choose. In 64 MB that makes of other
    hashes 0.1 % seem to be in it when it holds 11 million, 3 % when it holds 57 million.

    Parameters
    ----------
    word_bits
        The number of words is two to this power.

    References
    ----------
    F. Putze, P. Sanders, J. Singler, "Cache-, hash- and space-efficient Bloom filters", 2009: blocks of
    one word.
    """

    def __init__(self, word_bits: int) -> None:
        self._words = np.zeros(2**word_bits, dtype=np.uint64)
        self._place_shift = np.uint64(64 - word_bits)
        self._mark_shifts = [np.uint64(64 - word_bits - 6 * (number + 1)) for number in range(_MARKS)]

    def add(self, ordered: Hashes) -> Mask:
        """Put sorted hashes into the set, and say which may have been there before."""
        places = (ordered >> self._place_shift).astype(np.intp)
        marks = np.zeros(len(ordered), dtype=np.uint64)
        for shift in self._mark_shifts:
            marks |= np.uint64(1) << ((ordered >> shift) & np.uint64(63))
        found: Mask = (self._words[places] & marks) == marks
        first = np.flatnonzero(np.diff(places, prepend=-1))  # of the hashes that share a word
        if len(first):
            self._words[places[first]] |= np.bitwise_or.reduceat(marks, first)
        return found


def _order(hashes: Hashes) -> npt.NDArray[np.intp]:
    """Return the order that sorts hashes, of equal ones the first first."""
    order = np.argsort(hashes)
    ordered = hashes[order]
    # The quickest sort leaves equal ones in any order; there are seldom any.
    return np.argsort(hashes, kind="stable") if (ordered[1:] == ordered[:-1]).any() else order
