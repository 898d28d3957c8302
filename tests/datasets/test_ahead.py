"""The next item is made while the last is in use, and nothing else changes for who makes or takes them."""

import threading
from collections.abc import Iterator

import pytest

from tidemill.datasets.ahead import one_ahead


def test_the_next_item_is_made_while_the_last_is_in_use() -> None:
    second_is_made = threading.Event()

    def making() -> Iterator[int]:
        yield 1
        second_is_made.set()
        yield 2

    items = one_ahead(making())
    assert next(items) == 1
    assert second_is_made.wait(timeout=10)
    assert list(items) == [2]


def test_no_item_is_made_before_the_one_before_it_was_taken() -> None:
    """Else a file would be in memory as a whole where who takes is the slower."""
    made: list[int] = []

    def making() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    for taken in one_ahead(making()):
        assert len(made) <= taken + 2


def test_what_goes_wrong_is_raised_after_the_items_before_it() -> None:
    def making() -> Iterator[int]:
        yield 1
        raise LookupError("row 2")

    items = one_ahead(making())
    assert next(items) == 1
    with pytest.raises(LookupError, match="row 2"):
        next(items)


def test_who_makes_is_closed_when_nobody_takes_any_more() -> None:
    closed = threading.Event()

    def making() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    items = one_ahead(making())
    next(items)
    items.close()
    assert closed.is_set()


def test_nothing_yields_nothing() -> None:
    assert list(one_ahead(iter(()))) == []
