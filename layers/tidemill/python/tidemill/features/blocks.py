"""Pieces of arrays small enough to stay in the processor's cache with what is computed of them.

What is computed of a whole array at once is written to memory nobody used before, and that costs more
than most computing: a piece's results use the last piece's memory. They are no smaller because threads
that work side by side have to wait for the interpreter, and for each other, between any two steps.
"""

from collections.abc import Iterator

BLOCK = 1 << 17
"""A megabyte of numbers."""


def blocks(n: int) -> Iterator[slice]:
    """Cut the positions of an array into stretches of ``BLOCK``; the last one may be shorter.

    Examples
    --------
    >>> list(blocks(200_000))
    [slice(0, 131072, None), slice(131072, 200000, None)]
    """
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))
