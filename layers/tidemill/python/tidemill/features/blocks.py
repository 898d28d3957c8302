"""Pieces of arrays small enough to stay in the processor's cache with what is computed of them.

What is computed of a whole array at once is written to memory nobody used before, and that costs more
than most computing: a piece's results use the last piece's memory.
"""

from collections.abc import Iterator

BLOCK = 1 << 15
"""So many numbers of 8 bytes, several times over, fit a processor's second cache."""


def blocks(n: int) -> Iterator[slice]:
    """Cut the positions of an array into stretches of ``BLOCK``; the last one may be shorter.

    Examples
    --------
    >>> list(blocks(40_000))
    [slice(0, 32768, None), slice(32768, 40000, None)]
    """
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))
