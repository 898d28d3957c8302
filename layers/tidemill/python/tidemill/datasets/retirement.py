"""Letting go of items of the online store that nobody needs any more.

Needed are the items that are served of each view that is declared or in service, and the newest generation
that such a view is being filled into. Any other is retired at first: it holds up no expiry from then on.
A day later nobody can be reading it any more, and its items are removed. A view whose served items go
that way is let go of before: whoever asks for its features is told so, and a backfill brings it back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidemill.datasets.backfill import Served
from tidemill.datasets.backfill_parts import forget_progress
from tidemill.datasets.materialization import views_to_keep_up
from tidemill.datasets.removal import ItemRemoval
from tidemill.datasets.tables import Tables
from tidemill.datasets.watermarks import (
    Watermark,
    begin_removal,
    end_removal,
    need_again,
    retire,
    rollbacks_of,
    watermarks_of,
)
from tidemill.errors import NotFound
from tidemill.features.definitions import ViewDefinition
from tidemill.features.generations import Pointer, generation_of, in_generation, move_pointer, read_pointers
from tidemill.features.online import OnlineStore
from tidemill.ports import Documents
from tidemill.project import Project

RETIRED_FOR = timedelta(days=1)
"""How long retired items stay, for those who read or write them still."""


@dataclass(frozen=True)
class Retirement:
    """Retires generations of items, and removes them.

    Attributes
    ----------
    project, served
        The views there are: those declared, and those of models in service.
    tables, documents
        Where the history and the watermarks are.
    store, items
        The online store.
    """

    project: Project
    served: Served
    tables: Tables
    documents: Documents
    store: OnlineStore
    items: ItemRemoval

    def retire(self, source: str, at: datetime) -> int:
        """Retire what nobody needs of a source's views, and remove what was retired before.

        Parameters
        ----------
        source
            The source.
        at
            Now.

        Returns
        -------
        int
            How many items were removed.
        """
        views = self.views(source)
        marks = watermarks_of(self.documents, source)
        pointers = read_pointers(
            self.store, {view.reference for view in views} | {generation_of(each)[0] for each in marks}
        )
        needed = {each for view in views for each in self._needed(view, pointers[view.reference], marks)}
        for reference, mark in marks.items():
            if reference not in needed and mark.retired_at is None:
                retire(self.documents, source, reference, at)
            elif reference in needed and mark.retired_at is not None:
                need_again(self.documents, source, reference)
        return self._remove(source, set(marks) - needed, marks, at)

    def views(self, source: str) -> list[ViewDefinition]:
        """Return the views of a source that are needed."""
        return views_to_keep_up(self.project, source, self.served.of_source(source))

    def _needed(
        self, view: ViewDefinition, pointer: Pointer, marks: Mapping[str, Watermark]
    ) -> Iterator[str]:
        """Yield what is served of a view, and what it is being filled into."""
        served = in_generation(view, pointer.generation).reference
        if not pointer.let_go and not self._is_removed(marks.get(served)):
            yield served
        try:
            history = {commit.sequence for commit in self.tables.commits(view.source)}
        except NotFound:  # no upload yet
            return
        rollbacks = rollbacks_of(self.documents, view.source)
        being_filled = [
            number
            for reference, mark in marks.items()
            for of, number in [generation_of(reference)]
            if of == view.reference
            and (pointer.let_go or number > pointer.generation)
            and mark.holds(history, rollbacks)
        ]
        if being_filled:
            yield in_generation(view, max(being_filled)).reference

    @staticmethod
    def _is_removed(mark: Watermark | None) -> bool:
        return mark is not None and mark.removal is not None

    def _remove(self, source: str, unneeded: set[str], marks: Mapping[str, Watermark], at: datetime) -> int:
        due = sorted(each for each in unneeded if _is_due(marks[each], at))
        begun = [each for each in due if begin_removal(self.documents, source, each, at)]
        for reference in begun:
            self._let_go(*generation_of(reference), last=_last_generation(reference, marks))
        removed = self.items.remove(begun)
        for reference in begun:
            forget_progress(self.documents, reference)
            end_removal(self.documents, source, reference, at)
        return removed

    def _let_go(self, view: str, generation: int, *, last: int) -> None:
        """Say that a view has no items any more, if it is this generation of them that is served."""
        (pointer,) = read_pointers(self.store, [view]).values()
        if pointer.generation == generation and not pointer.let_go:
            move_pointer(self.store, view, Pointer(last, pointer.turn + 1, let_go=True))


def _is_due(mark: Watermark, at: datetime) -> bool:
    if mark.retired_at is None or mark.removal == "done":
        return False
    return datetime.fromisoformat(mark.retired_at) <= at - RETIRED_FOR


def _last_generation(reference: str, marks: Mapping[str, Watermark]) -> int:
    """Return the highest number of a generation that a view's items ever had."""
    view = generation_of(reference)[0]
    return max(number for of, number in map(generation_of, marks) if of == view)
