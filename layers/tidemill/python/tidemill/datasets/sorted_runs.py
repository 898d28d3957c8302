"""Sorted hashes that are searched, read in order and merged, in memory or in a file beside it.

Of runs in files, memory holds what is being looked at and no more: their pages are let go of as soon as
a search or a read is over. The system keeps them as long as it has room, and reads them again if not.
"""

import mmap
import tempfile
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from tidemill.datasets.hashes import Hashes

Mask = npt.NDArray[np.bool_]

_BLOCK_HASHES = 65_536  # half a megabyte


class Run:
    """Sorted hashes in memory.

    Parameters
    ----------
    hashes
        Shape (n_hashes,), at least one.

    Examples
    --------
    >>> run = Run(np.array([2, 3, 5], np.uint64))
    >>> run.contains(np.array([5, 4], np.uint64)).tolist()
    [True, False]
    """

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    def __len__(self) -> int:
        """Return the number of hashes."""
        return len(self._hashes)

    def contains(self, hashes: Hashes) -> Mask:
        """Say which are in it; quickest for sorted hashes, whose neighbours lie close together."""
        places = np.minimum(np.searchsorted(self._hashes, hashes), len(self) - 1)
        found: Mask = self._hashes[places] == hashes
        return found

    def blocks(self) -> Iterator[Hashes]:
        """Yield all hashes in order, half a megabyte at a time."""
        for start in range(0, len(self), _BLOCK_HASHES):
            yield self._hashes[start : start + _BLOCK_HASHES]

    def to_bytes(self) -> bytes:
        """Return all hashes as they are stored, eight bytes each, the least significant first."""
        return self._hashes.astype("<u8", copy=False).tobytes()

    def merged(self, other: "Run") -> Iterator[Hashes]:
        """Yield the hashes of this run and another in order, about a megabyte at a time."""
        ends = self._hashes[_BLOCK_HASHES::_BLOCK_HASHES]
        parts = zip(
            np.split(self._hashes, range(_BLOCK_HASHES, len(self), _BLOCK_HASHES)),
            np.split(other._hashes, np.searchsorted(other._hashes, ends)),  # noqa: SLF001 - of its own kind
            strict=True,
        )
        for both in parts:
            block = np.concatenate(both)
            block.sort(kind="stable")  # which merges sorted halves in one pass
            yield block


class FileRun(Run):
    """Sorted hashes in a file; it has no name, and is gone when the run is.

    Parameters
    ----------
    blocks
        The hashes in order, at least one; each block is written before the next is asked for.
    """

    def __init__(self, blocks: Iterable[Hashes]) -> None:
        with tempfile.TemporaryFile() as file:
            for block in blocks:
                file.write(block.data)
            file.flush()
            self._mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        super().__init__(np.frombuffer(self._mapping, np.uint64))

    def contains(self, hashes: Hashes) -> Mask:
        """Say which are in it; quickest for sorted hashes, whose neighbours lie close together."""
        found = super().contains(hashes)
        self._let_go()
        return found

    def blocks(self) -> Iterator[Hashes]:
        """Yield all hashes in order, half a megabyte at a time."""
        for block in super().blocks():
            yield block
            self._let_go()

    def to_bytes(self) -> bytes:
        """Return all hashes as they are stored, eight bytes each, the least significant first."""
        stored = super().to_bytes()
        self._let_go()
        return stored

    def _let_go(self) -> None:
        """Count the pages of the file that were looked at as memory of this process no longer."""
        self._mapping.madvise(mmap.MADV_DONTNEED)
