"""A view's items are replaced as a whole: readers see the one generation or the other, and never both."""

from collections.abc import Iterable

import pytest

from tests.features.histories import ENTITY, SCHEMA
from tidemill import FeatureView, Source, count
from tidemill.errors import Unavailable
from tidemill.features.definitions import define
from tidemill.features.generations import (
    FOLLOWED_WITHIN_SECONDS,
    Pointer,
    ServedItems,
    generation_of,
    in_generation,
    move_pointer,
    read_pointers,
)
from tidemill.features.online import OnlineItem
from tidemill.memory.online import MemoryOnlineStore

KEY, OTHER = 'plane@abc#["N1"]', 'origin@def#["JFK"]'
NEXT = 'plane@abc~1#["N1"]'


class Counted(MemoryOnlineStore):
    """A store that remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []

    def get_many(self, keys: Iterable[str], *, consistent: bool = False) -> dict[str, OnlineItem]:
        """Return the items there are."""
        self.asked.append(list(keys))
        return super().get_many(self.asked[-1], consistent=consistent)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the moment."""
        return self.now


@pytest.fixture
def store() -> Counted:
    """Return a store with an item in both generations of one view, and one of another view."""
    made = Counted()
    made.put_many({KEY: OnlineItem(b"old", 1), NEXT: OnlineItem(b"new", 2), OTHER: OnlineItem(b"other", 1)})
    return made


def values(served: ServedItems) -> list[bytes]:
    return [item.value for item in served.get_many([KEY, OTHER]).values()]


def test_the_first_generation_is_the_view_itself_and_later_ones_lie_beside_it() -> None:
    view = define(FeatureView("n", ENTITY, Source("events", SCHEMA, ["shop"], "at"), {"n": count(over="1h")}))
    assert in_generation(view, 0) is view
    assert in_generation(view, 3).reference == f"{view.reference}~3"
    assert generation_of(f"{view.reference}~3") == (view.reference, 3)


def test_pointers_ride_along_and_a_switch_is_noticed_in_time(store: Counted) -> None:
    clock = Clock()
    served = ServedItems(store, clock=clock)
    assert values(served) == [b"old", b"other"]
    assert sorted(store.asked[-1]) == sorted([KEY, OTHER, "plane@abc", "origin@def"])
    assert move_pointer(store, "plane@abc", Pointer(1, 1))
    clock.now = FOLLOWED_WITHIN_SECONDS - 0.1
    assert values(served) == [b"old", b"other"]
    assert store.asked[-1] == [KEY, OTHER]
    clock.now = FOLLOWED_WITHIN_SECONDS
    assert values(served) == [b"new", b"other"]
    assert store.asked[-1] == [NEXT, OTHER]
    asked = len(store.asked)
    assert values(served) == [b"new", b"other"]
    assert len(store.asked) == asked + 1


def test_what_is_not_there_is_left_out_and_nothing_asked_is_nothing_found(store: Counted) -> None:
    served = ServedItems(store)
    assert served.get_many(['plane@abc#["N2"]']) == {}
    assert served.get_many([]) == {}


def test_writes_go_to_the_generation_that_is_served(store: Counted) -> None:
    move_pointer(store, "plane@abc", Pointer(1, 1))
    served = ServedItems(store)
    served.get_many([KEY])
    assert served.put(KEY, OnlineItem(b"newest", 3))
    assert served.put_many({OTHER: OnlineItem(b"same", 1), KEY: OnlineItem(b"late", 3)}) == 0
    assert store.get_many([NEXT])[NEXT].value == b"newest"


def test_a_view_that_was_let_go_of_is_an_error_that_says_what_to_do(store: Counted) -> None:
    """Null would be taken for an entity of which nothing is known."""
    move_pointer(store, "plane@abc", Pointer(1, 1, let_go=True))
    served = ServedItems(store)
    for _ in range(2):
        with pytest.raises(
            Unavailable, match=r"view `plane@abc` has no features.*tidemill features backfill"
        ):
            served.get_many([KEY, OTHER])
    assert [item.value for item in served.get_many([OTHER]).values()] == [b"other"]


def test_of_two_that_move_a_pointer_in_one_turn_one_does(store: Counted) -> None:
    assert move_pointer(store, "plane@abc", Pointer(1, 1))
    assert not move_pointer(store, "plane@abc", Pointer(2, 1))
    assert read_pointers(store, ["plane@abc", "origin@def"]) == {
        "plane@abc": Pointer(1, 1),
        "origin@def": Pointer(),
    }
    assert read_pointers(store, []) == {}
