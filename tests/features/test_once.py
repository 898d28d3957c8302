"""What is worked out once is worked out by one thread, and all get it."""

from threading import Barrier, Thread, get_ident

import pytest

from tidemill.features.once import Once

_THREADS = 8


class Sheet:
    """Notes which threads worked."""

    def __init__(self) -> None:
        self.worked: list[int] = []

    @Once
    def total(self) -> list[int]:
        """The total."""
        self.worked.append(get_ident())
        return [7]

    @Once
    def nested(self) -> int:
        """What needs the total."""
        return self.total[0] + 1

    @Once
    def broken(self) -> int:
        """What cannot be had."""
        self.worked.append(get_ident())
        raise ValueError("no such sum")


def test_threads_that_ask_at_once_get_what_one_of_them_worked_out() -> None:
    for _ in range(50):
        sheet, start = Sheet(), Barrier(_THREADS)
        found: list[list[int]] = []

        def ask(sheet: Sheet = sheet, start: Barrier = start, found: list[list[int]] = found) -> None:
            start.wait()
            found.append(sheet.total)

        threads = [Thread(target=ask) for _ in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(sheet.worked) == 1
        assert len(found) == _THREADS
        assert all(each is found[0] for each in found)


def test_each_object_has_its_own() -> None:
    assert Sheet().total is not Sheet().total


def test_one_may_need_another() -> None:
    assert Sheet().nested == 8


def test_what_fails_fails_for_all_who_ask() -> None:
    sheet = Sheet()
    for _ in range(2):
        with pytest.raises(ValueError, match="no such sum"):
            _ = sheet.broken
    assert len(sheet.worked) == 1


def test_it_keeps_its_description() -> None:
    assert Sheet.total.__doc__ == "The total."
