"""Filling a view from its source's history, while everything else goes on.

A backfill is planned as chunks of commits that follow each other, and for each chunk parts of the entities
(``backfill_parts.py``). Chunks are filled in order, the parts of one side by side. At the end the view's
watermark moves to where the plan ended, and from there commits reach the view as they reach every other; if
there came too many rows for that meanwhile, there is another plan. Whatever is done twice, or at the same
time by the deliveries of new commits, counts once: an item takes of a chunk only the commits after its last.

A view whose items are true to the history is brought on from where it is. Any other is filled into a
generation of items of its own, which is served from the moment it is whole: a new view, one whose source
was rolled back, one that was let go of. When the history changes under a backfill, by a rollback or
because commits expired that it had not read, the step that notices it fails as ``Outdated``, and
the state machine plans anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from tidemill.datasets.arrow import rows_for_views
from tidemill.datasets.backfill_parts import (
    SIZES,
    Chunk,
    Sizes,
    chunks_of,
    filled_to,
    is_filled,
    note_filled,
    rows_of_part,
)
from tidemill.datasets.materialization import (
    bring_views,
    is_far_behind,
    pairs,
    served_views,
    views_to_keep_up,
    while_kept,
)
from tidemill.datasets.tables import Commit, Tables, TablesInParts
from tidemill.datasets.uploads import committed_at
from tidemill.datasets.watermarks import (
    Watermark,
    begin,
    extend,
    move_watermark,
    read_watermark,
    rollbacks_of,
    watermarks_of,
)
from tidemill.errors import Conflict, NotFound, Outdated, did_you_mean
from tidemill.features.definitions import ViewDefinition, define
from tidemill.features.generations import (
    Pointer,
    generation_of,
    in_generation,
    move_pointer,
    read_pointers,
)
from tidemill.features.materialization import CommittedRows, materialize_stretches
from tidemill.features.online import OnlineStore
from tidemill.ports import Documents
from tidemill.project import Project

_NAME_CHARACTERS = 40  # of a view, within the 80 of an execution's name


class Executions(Protocol):
    """Executions of the state machine that fills views."""

    def start(self, name: str, execution_input: Mapping[str, Any]) -> bool:
        """Start an execution; False if one of that name was started before."""
        ...

    def running(self) -> Sequence[str]:
        """Return the names of the executions that have not ended."""
        ...


class Served(Protocol):
    """The views that models were trained with."""

    def of_source(self, source: str) -> Sequence[ViewDefinition]:
        """Return those of models in service whose rows come from a source."""
        ...

    def registered(self) -> Sequence[ViewDefinition]:
        """Return those of every registered model version, in service or not."""
        ...


def start_backfill(executions: Executions, view: ViewDefinition, sequence: int) -> None:
    """Start filling a view up to a commit, unless it is being filled."""
    begins = f"{view.name[:_NAME_CHARACTERS]}-{view.version}-"
    if not any(name.startswith(begins) for name in executions.running()):
        executions.start(f"{begins}{sequence}", {"view": view.name, "version": view.version})


def start_missing(
    executions: Executions,
    views: Sequence[ViewDefinition],
    *,
    tables: Tables,
    documents: Documents,
    store: OnlineStore,
) -> list[str]:
    """Start filling those of some views that never were, are far behind, or hold what is no longer history.

    Whoever means to serve from views need not wait for the next commit, which starts it too.

    Returns
    -------
    list of str
        Their references.
    """
    missing = []
    for served in served_views(views, documents, store):
        rollbacks = rollbacks_of(documents, served.view.source)
        history = tables.commits(served.view.source)
        is_behind = served.watermark is None or is_far_behind(history, served.reached, views=len(views))
        if history and (is_behind or not served.is_true_to(history, rollbacks)):
            start_backfill(executions, served.view, history[-1].sequence)
            missing.append(served.view.reference)
    return missing


def start_anew(executions: Executions, views: Sequence[ViewDefinition], rollbacks: int) -> list[str]:
    """Start filling views anew after a rollback of their source, and return the executions' names.

    One that is running may have read the history before: it is not waited for. Two backfills of a view
    do each other no harm.

    Parameters
    ----------
    executions
        Of the state machine that fills views.
    views
        The views of the source that are kept up.
    rollbacks
        How often the source has been rolled back, this time among them.
    """
    names = [f"{view.name[:_NAME_CHARACTERS]}-{view.version}-rollback-{rollbacks}" for view in views]
    for name, view in zip(names, views, strict=True):
        executions.start(name, {"view": view.name, "version": view.version})
    return names


@dataclass(frozen=True)
class Backfills:
    """The steps of a backfill, each given what the state machine passes it and answering plain data.

    Attributes
    ----------
    project, served
        The views there are: those declared, and those of models in service.
    tables
        Where the history is.
    documents
        Where watermarks and progress are kept.
    store
        The online store.
    sizes
        How much there is to do in one step.
    """

    project: Project
    served: Served
    tables: TablesInParts
    documents: Documents
    store: OnlineStore
    sizes: Sizes = SIZES

    def plan(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Plan the backfill of ``view``, in its declared version unless ``version`` names another.

        Returns
        -------
        dict
            ``view``, ``version``, ``generation`` (of the items to fill), ``source``, ``until`` (the last
            commit's sequence), and ``chunks`` of ``after``, ``until`` and ``parts``, of ``part`` and ``of``.

        Raises
        ------
        NotFound
            If there is no such view, or its source has no table.
        """
        view = self._view(request["view"], request.get("version"))
        rollbacks = rollbacks_of(self.documents, view.source)
        history = self.tables.commits(view.source)
        generation = self._begin(view, history, rollbacks)
        reached = self._filled_to(in_generation(view, generation))
        missing = [each for each in history if each.sequence > reached]
        chunks = chunks_of(missing, reached, self.sizes)
        return {
            "view": view.name,
            "version": view.version,
            "generation": generation,
            "source": view.source,
            "until": missing[-1].sequence if missing else reached,
            "chunks": [
                {
                    "after": chunk.after,
                    "until": chunk.until,
                    "parts": [{"part": part, "of": chunk.of} for part in range(chunk.of)],
                }
                for chunk in chunks
            ],
        }

    def fill(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Bring a ``part`` ``of`` the entities of a view up to a chunk's end.

        Returns
        -------
        dict
            ``items``, the number written.

        Raises
        ------
        Conflict
            If the chunk before this one has not been applied.
        Outdated
            If the history is no longer the one this was planned on.
        """
        items, part = self._items(request), int(request["part"])
        chunk = Chunk(*(int(request[name]) for name in Chunk._fields))
        reached = self._filled_to(items)
        if reached >= chunk.until or is_filled(self.documents, items, chunk, part):
            return {"items": 0}
        if reached < chunk.after:
            raise Conflict(
                f"view `{items.reference}` has come to commit {reached}, and this chunk begins after "
                f"{chunk.after}; the chunk before it has to be filled first"
            )
        (last,) = [each for each in self._history(items) if each.sequence == chunk.until]
        written = materialize_stretches(
            items,
            self._stretches(items, chunk, part, reached),
            sequence=chunk.until,
            at=committed_at(last),
            store=self.store,
        )
        note_filled(self.documents, items, chunk, part)
        return {"items": written}

    def finish(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Bring a filled view the commits made meanwhile, and let its items be the ones that are served.

        Returns
        -------
        dict
            ``view``, ``version``, ``sequence``, the last commit that the view has taken, and ``whole``: false
            if what was committed meanwhile is so much that a plan has to be made for it too.

        Raises
        ------
        Conflict
            If a chunk is not filled.
        Outdated
            If the history is no longer the one this was planned on.
        """
        items = self._items(request)
        until, reached = int(request["until"]), self._filled_to(items)
        if reached < until:
            raise Conflict(
                f"view `{items.reference}` has come to commit {reached} of {until}; fill it again with "
                f"`tidemill features backfill {items.name}`"
            )
        self._history(items)
        move_watermark(self.documents, items, until)
        whole = self._bring(items)
        if whole:
            self._serve(items)
            # Until a moment ago new commits went to the items that were served before.
            whole = self._bring(items)
        mark = read_watermark(self.documents, items)
        sequence = 0 if mark is None else mark.sequence
        return {"view": request["view"], "version": request["version"], "sequence": sequence, "whole": whole}

    def _begin(self, view: ViewDefinition, history: Sequence[Commit], rollbacks: int) -> int:
        """Choose the generation of items to fill."""
        (served,) = served_views([view], self.documents, self.store)
        if served.items is not None and served.reached and served.is_true_to(history, rollbacks):
            extend(self.documents, served.items, history[-1].sequence)
            return generation_of(served.items.reference)[1]
        (pointer,) = read_pointers(self.store, [view.reference]).values()
        begun = self._generations(view)
        going_on = [
            number
            for number, mark in begun.items()
            if (pointer.let_go or number > pointer.generation)
            and mark.holds({each.sequence for each in history}, rollbacks)
        ]
        generation = max(going_on, default=1 + max([pointer.generation, *begun]))
        begin(self.documents, in_generation(view, generation), history, rollbacks)
        return generation

    def _generations(self, view: ViewDefinition) -> dict[int, Watermark]:
        """Return the watermarks of a view's generations that were begun."""
        found = watermarks_of(self.documents, view.source)
        split = {generation_of(reference): mark for reference, mark in found.items()}
        return {number: mark for (reference, number), mark in split.items() if reference == view.reference}

    def _items(self, request: Mapping[str, Any]) -> ViewDefinition:
        return in_generation(self._view(request["view"], request["version"]), int(request["generation"]))

    def _history(self, items: ViewDefinition) -> Sequence[Commit]:
        """Return the source's commits, if the items are true to them."""
        rollbacks = rollbacks_of(self.documents, items.source)
        history = self.tables.commits(items.source)
        mark = read_watermark(self.documents, items)
        if mark is None or not mark.holds({each.sequence for each in history}, rollbacks):
            raise Outdated(
                f"source `{items.source}` was rolled back, or commits expired, while view "
                f"`{items.reference}` was being filled; it has to be planned anew"
            )
        return history

    def _bring(self, items: ViewDefinition) -> bool:
        """Bring the commits that came since, and tell whether that was all; not if it takes a backfill."""
        history = self._history(items)
        mark = read_watermark(self.documents, items)
        if mark is None or is_far_behind(history, mark.sequence, views=1):
            return False
        bring_views(
            [items],
            history,
            tables=self.tables,
            documents=self.documents,
            store=self.store,
        )
        return True

    def _serve(self, items: ViewDefinition) -> None:
        reference, generation = generation_of(items.reference)
        while True:
            (pointer,) = read_pointers(self.store, [reference]).values()
            if not pointer.let_go and pointer.generation >= generation:
                return
            if move_pointer(self.store, reference, Pointer(generation, pointer.turn + 1)):
                return

    def _view(self, name: str, version: str | None) -> ViewDefinition:
        """Find a view: as declared, or kept up, or else as any registered model was trained with it."""
        declared = {view.name: define(view) for view in self.project.views}
        if name in declared and version in {None, declared[name].version}:
            return declared[name]
        sources = [source.name for source in self.project.sources]
        kept = [
            view
            for source in sources
            for view in views_to_keep_up(self.project, source, self.served.of_source(source))
        ]
        known = {view.reference: view for view in kept}
        reference = f"{name}@{version}" if version else name
        if reference not in known:
            known |= {view.reference: view for view in self.served.registered()}
        if reference not in known:
            nearest = did_you_mean(reference, [*declared, *known])
            raise NotFound(f"no view `{reference}` is declared or was ever trained with{nearest}")
        return known[reference]

    def _filled_to(self, items: ViewDefinition) -> int:
        mark = read_watermark(self.documents, items)
        return filled_to(self.documents, items, 0 if mark is None else mark.sequence)

    def _stretches(
        self, items: ViewDefinition, chunk: Chunk, part: int, reached: int
    ) -> Iterator[Sequence[CommittedRows]]:
        """Read the rows of a part of a chunk, so many at a time as a part has, if its entities have more."""
        waiting: list[CommittedRows] = []
        n_rows = 0
        for before, commit in pairs(self._history(items)):
            if not reached < commit.sequence <= chunk.until:
                continue
            for rows in self._pieces(items, commit, before):
                own = rows_of_part(rows, items, part, chunk.of)
                if not own.num_rows:
                    continue
                columns = rows_for_views(own, [items])[items.reference]
                waiting.append(CommittedRows(columns, commit.sequence, committed_at(commit)))
                n_rows += own.num_rows
                if n_rows >= self.sizes.part_rows:
                    yield waiting
                    waiting, n_rows = [], 0
        if waiting:
            yield waiting

    def _pieces(self, items: ViewDefinition, commit: Commit, before: Commit | None) -> Iterator[pa.Table]:
        with while_kept(self.tables, items.source, commit, before):
            yield from self.tables.added(
                items.source,
                snapshot_id=commit.snapshot_id,
                since=None if before is None else before.snapshot_id,
                columns=sorted(items.columns),
            )
