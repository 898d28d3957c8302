"""Sorted hashes that are searched, read in order and merged, in memory or in a file.

Of a file, memory holds what is being looked at and no more. It is read, not mapped: of a mapped file the
system brings in what lies around, up to a megabyte for each hash, and counts it to the process.
"""

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from tidemill.datasets.hashes import Hashes
from tidemill.features.definitions import Mask

_STORED = np.dtype("<u8")
_BLOCK_HASHES = 65_536
_PAGE_HASHES = 512  # 4 KB, of which the system reads no part
_NEAR_PAGES = 4  # are read in passing sooner than by another call
_SEARCHED_AT_ONCE = 512  # for which no more than 8 MB are read


class Run(Protocol):
    """Sorted hashes, at least one."""

    def __len__(self) -> int:
        """Return the number of hashes."""
        ...

    def contains(self, hashes: Hashes) -> Mask:
        """Say which of some sorted hashes are in it."""
        ...

    def blocks(self) -> Iterator[Hashes]:
        """Yield all hashes in order, half a megabyte at a time."""
        ...

    def to_bytes(self) -> bytes:
        """Return all hashes as they are stored, eight bytes each, the least significant first."""
        ...


class MemoryRun:
    """Sorted hashes in memory.

    Parameters
    ----------
    hashes
        Shape (n_hashes,).

    Examples
    --------
    >>> run = MemoryRun(np.array([2, 3, 5], np.uint64))
    >>> run.contains(np.array([4, 5], np.uint64)).tolist()
    [False, True]
    """

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    def __len__(self) -> int:
        """Return the number of hashes."""
        return len(self._hashes)

    def contains(self, hashes: Hashes) -> Mask:
        """Say which of some sorted hashes are in it."""
        places = np.minimum(np.searchsorted(self._hashes, hashes), len(self) - 1)
        found: Mask = self._hashes[places] == hashes
        return found

    def blocks(self) -> Iterator[Hashes]:
        """Yield all hashes in order, half a megabyte at a time."""
        for start in range(0, len(self), _BLOCK_HASHES):
            yield self._hashes[start : start + _BLOCK_HASHES]

    def to_bytes(self) -> bytes:
        """Return all hashes as they are stored, eight bytes each, the least significant first."""
        return self._hashes.astype(_STORED, copy=False).tobytes()


class FileRun:
    """Sorted hashes in a file that has no name, and is gone when the run is.

    Of each page of the file the first hash is in memory, so that a search reads one page for each hash.

    Parameters
    ----------
    blocks
        The hashes in order; each block is written before the next is asked for.
    """

    def __init__(self, blocks: Iterable[Hashes]) -> None:
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - open as long as there is the run
        weakref.finalize(self, file.close)
        self._file = file.fileno()
        self._n_hashes = 0
        for block in blocks:
            file.write(block.astype(_STORED, copy=False).data)
            self._n_hashes += len(block)
        self._firsts = np.concatenate([block[::_PAGE_HASHES].copy() for block in self.blocks()])

    def __len__(self) -> int:
        """Return the number of hashes."""
        return self._n_hashes

    def contains(self, hashes: Hashes) -> Mask:
        """Say which of some sorted hashes are in it."""
        found = np.empty(len(hashes), dtype=np.bool_)
        for start in range(0, len(hashes), _SEARCHED_AT_ONCE):
            some = slice(start, start + _SEARCHED_AT_ONCE)
            found[some] = self._contains(hashes[some])
        return found

    def blocks(self) -> Iterator[Hashes]:
        """Yield all hashes in order, half a megabyte at a time."""
        for start in range(0, len(self), _BLOCK_HASHES):
            yield self._read(start, _BLOCK_HASHES)

    def to_bytes(self) -> bytes:
        """Return all hashes as they are stored, eight bytes each, the least significant first."""
        return os.pread(self._file, len(self) * _STORED.itemsize, 0)

    def _contains(self, hashes: Hashes) -> Mask:
        pages = np.maximum(np.searchsorted(self._firsts, hashes, side="right") - 1, 0)
        gaps = np.flatnonzero(np.diff(pages) > _NEAR_PAGES)
        first, last = pages[np.append(0, gaps + 1)], pages[np.append(gaps, len(pages) - 1)]
        starts, ends = first * _PAGE_HASHES, (last + 1) * _PAGE_HASHES
        read = np.concatenate([*map(self._read, starts.tolist(), (ends - starts).tolist())])
        places = np.minimum(np.searchsorted(read, hashes), len(read) - 1)
        found: Mask = read[places] == hashes
        return found

    def _read(self, start: int, n_hashes: int) -> Hashes:
        data = os.pread(self._file, n_hashes * _STORED.itemsize, start * _STORED.itemsize)
        return np.frombuffer(data, _STORED)


def merged(first: Run, second: Run) -> Iterator[Hashes]:
    """Yield the hashes of two runs in order, about a megabyte at a time where they are alike.

    Examples
    --------
    >>> odd, others = MemoryRun(np.array([1, 3, 5], np.uint64)), MemoryRun(np.array([0, 4, 9], np.uint64))
    >>> [block.tolist() for block in merged(odd, others)]
    [[0, 1, 3, 4, 5], [9]]
    """
    blocks = second.blocks()
    left = next(blocks)
    for block in first.blocks():
        parts = [block]
        while len(left) and left[-1] <= block[-1]:
            parts.append(left)
            left = next(blocks, left[:0])
        end = np.searchsorted(left, block[-1], side="right")
        together = np.concatenate([*parts, left[:end]])
        left = left[end:]
        together.sort(kind="stable")  # which merges sorted parts in one pass
        yield together
    if len(left):
        yield left
    yield from blocks
