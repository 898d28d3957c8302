"""Making the next of some things while the last is still in use."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from typing import Any, TypeVar

Item = TypeVar("Item")

_END = object()


def one_ahead(items: Iterator[Item]) -> Generator[Item]:
    """Yield what an iterator yields, with the next item in the making in a thread of its own.

    It is worth its while where both who makes and who takes are busy outside of Python: parsing,
    compressing, waiting.

    Parameters
    ----------
    items
        Is asked for an item only after the one before, and closed in the end; what it raises is raised
        in the item's place.

    Yields
    ------
    Item
        In order.

    Examples
    --------
    >>> list(one_ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    closed: Any = closing(items) if hasattr(items, "close") else nullcontext()
    with closed, ThreadPoolExecutor(max_workers=1) as thread:  # which ends what it makes before it is closed
        making = thread.submit(next, items, _END)
        while (item := making.result()) is not _END:
            making = thread.submit(next, items, _END)
            yield item  # type: ignore[misc]  # whatever is not the end is an item
