"""Generations of a view's items: what is served is replaced as a whole, while it goes on being served.

The items of a view's first generation lie under ``view@version``, those of a later one under
``view@version~2``. Which one is served a pointer says, an item under the bare ``view@version``. So a view
can be filled anew beside the items that are served, and one write switches over. The same pointer says
that a view was let go of, and has no items any more.
"""

import functools
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from tidemill.canonical import canonical_json
from tidemill.errors import Unavailable
from tidemill.features.definitions import ViewDefinition
from tidemill.features.online import OnlineItem, OnlineStore

FOLLOWED_WITHIN_SECONDS = 10.0
"""So soon every reader has noticed a switch."""


class Pointer(NamedTuple):
    """Which generation of a view's items is served.

    Attributes
    ----------
    generation
        Its number; of a view that was let go of, the last that there was.
    turn
        How often the pointer was moved.
    let_go
        Whether no generation is served any more.
    """

    generation: int = 0
    turn: int = 0
    let_go: bool = False


@functools.lru_cache(maxsize=256)  # by the definition's identity, as its layout is
def in_generation(view: ViewDefinition, generation: int) -> ViewDefinition:
    """Return the definition under which a generation of a view's items is written and read.

    Parameters
    ----------
    view
        The view.
    generation
        The generation's number, from 0.

    Returns
    -------
    ViewDefinition
        The view itself for the first generation.
    """
    return view if generation == 0 else replace(view, version=f"{view.version}~{generation}")


def generation_of(reference: str) -> tuple[str, int]:
    """Split what a generation's items lie under into the view's own reference and the number.

    Examples
    --------
    >>> generation_of("plane@abc~2"), generation_of("plane@abc")
    (('plane@abc', 2), ('plane@abc', 0))
    """
    view, _, generation = reference.partition("~")
    return view, int(generation or 0)


def read_pointers(store: OnlineStore, references: Iterable[str]) -> dict[str, Pointer]:
    """Return the pointer of each view, consistent with every move before.

    Parameters
    ----------
    store
        The online store.
    references
        Views, as ``view@version``.

    Returns
    -------
    dict[str, Pointer]
        By reference; one that was never moved points at the first generation.
    """
    wanted = list(references)
    stored = store.get_many(wanted, consistent=True) if wanted else {}
    return {each: _read(stored.get(each)) for each in wanted}


def move_pointer(store: OnlineStore, reference: str, pointer: Pointer) -> bool:
    """Move a view's pointer, and tell whether it was moved: not if somebody took this turn before."""
    said = {"generation": pointer.generation, "let_go": pointer.let_go}
    return store.put(reference, OnlineItem(canonical_json(said), pointer.turn))


def _read(item: OnlineItem | None) -> Pointer:
    if item is None:
        return Pointer()
    said = json.loads(item.value)
    return Pointer(said["generation"], item.sequence, said["let_go"])


class ServedItems:
    """The items that are served, under the names they have in the first generation.

    Pointers are read in the same call as items, every ``FOLLOWED_WITHIN_SECONDS``; only when one has
    moved is there a second call.

    Parameters
    ----------
    store
        The online store.
    clock
        Seconds, from any moment on.
    """

    def __init__(self, store: OnlineStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._pointers: dict[str, tuple[Pointer, float]] = {}

    def get_many(self, keys: Iterable[str], *, consistent: bool = False) -> dict[str, OnlineItem]:
        """Return the items there are, by key.

        Raises
        ------
        Unavailable
            If a view's items were let go of.
        """
        wanted = list(keys)
        views = {key.partition("#")[0] for key in wanted}
        now = self._clock()
        due = [each for each in views if each not in self._pointers or self._pointers[each][1] <= now]
        places = self._places(wanted)
        found = self._store.get_many([*places, *due], consistent=consistent)
        for view in due:
            self._pointers[view] = (_read(found.get(view)), now + FOLLOWED_WITHIN_SECONDS)
        self._hold_served(views)
        if due and (moved := self._places(wanted)) != places:
            places, found = moved, self._store.get_many(moved, consistent=consistent)
        return {key: found[place] for key, place in zip(wanted, places, strict=True) if place in found}

    def put(self, key: str, item: OnlineItem) -> bool:
        """Write an item to the generation that is served, as the store does."""
        return self._store.put(self._places([key])[0], item)

    def put_many(self, items: Mapping[str, OnlineItem]) -> int:
        """Write items to the generation that is served, as the store does."""
        return self._store.put_many(dict(zip(self._places(list(items)), items.values(), strict=True)))

    def _places(self, keys: list[str]) -> list[str]:
        """Return where each item lies, as far as is known."""
        later = {
            view: pointer.generation for view, (pointer, _) in self._pointers.items() if pointer.generation
        }
        if not later:
            return keys
        parts = [key.partition("#") for key in keys]
        return [
            f"{view}~{later[view]}#{entity}" if view in later else f"{view}#{entity}"
            for view, _, entity in parts
        ]

    def _hold_served(self, views: Iterable[str]) -> None:
        for view in views:
            if self._pointers[view][0].let_go:
                raise Unavailable(
                    f"view `{view}` has no features: they were let go of when no model in service used them; "
                    f"`tidemill features backfill {view}` fills it again"
                )
