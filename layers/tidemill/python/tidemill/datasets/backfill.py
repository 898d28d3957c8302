"""Filling a view from its source's history, while everything else goes on.

A backfill is planned once, as chunks of commits that follow each other and parts of the entities. Parts are
filled side by side, the chunks of each part in order. At the end the view's watermark moves to where the
plan ended, and from there commits reach the view as they reach every other. Whatever is done twice, or
at the same time by the deliveries of new commits, counts once: an item takes of a chunk only the commits
after its last.

A view whose items are true to the history is brought on from where it is. Any other is filled into a
generation of items of its own, which is served from the moment it is whole: a new view, one whose source
was rolled back, one that was let go of. When the history changes under a backfill, by a rollback or
because commits expired that it had not read, the step that notices it fails as ``Outdated``, and
the state machine plans anew.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tidemill.datasets.arrow import rows_for_views
from tidemill.datasets.materialization import (
    added_rows,
    bring_views,
    pairs,
    served_views,
    views_to_keep_up,
)
from tidemill.datasets.tables import Commit, Tables
from tidemill.datasets.uploads import commit_record, committed_at
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
from tidemill.features.materialization import CommittedRows, materialize_commits
from tidemill.features.online import OnlineStore
from tidemill.ports import Documents
from tidemill.project import Project

CHUNK_COMMITS = 100
MAX_PARTS = 8
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
    """Start filling those of some views that never were filled, or hold what is no longer history.

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
        if history and (served.watermark is None or not served.is_true_to(history, rollbacks)):
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
    chunk_rows
        The rows that one step holds in memory, unless a single commit has more.
    part_rows
        For so many rows one more part of the entities is filled side by side.
    """

    project: Project
    served: Served
    tables: Tables
    documents: Documents
    store: OnlineStore
    chunk_rows: int = 1_000_000
    part_rows: int = 250_000

    def plan(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Plan the backfill of ``view``, in its declared version unless ``version`` names another.

        Returns
        -------
        dict
            ``view``, ``version``, ``generation`` (of the items to fill), ``source``, ``until`` (the last
            commit's sequence), ``chunks`` of ``after`` and ``until``, and ``parts`` of ``part`` and ``of``.

        Raises
        ------
        NotFound
            If there is no such view, or its source has no table.
        """
        view = self._view(request["view"], request.get("version"))
        rollbacks = rollbacks_of(self.documents, view.source)
        history = self.tables.commits(view.source)
        generation, reached = self._begin(view, history, rollbacks)
        missing = [each for each in history if each.sequence > reached]
        rows = sum(self._rows(commit, view) for commit in missing)
        of = max(1, min(MAX_PARTS, rows // self.part_rows))
        return {
            "view": view.name,
            "version": view.version,
            "generation": generation,
            "source": view.source,
            "until": missing[-1].sequence if missing else reached,
            "chunks": list(self._chunks(view, reached, missing)),
            "parts": [{"part": part, "of": of} for part in range(of)],
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
        items = self._items(request)
        part, of, after, until = (int(request[name]) for name in ("part", "of", "after", "until"))
        reached = self._reached(items, part, of)
        if reached >= until:
            return {"items": 0}
        if reached < after:
            raise Conflict(
                f"part {part} of {of} of view `{items.reference}` has come to commit {reached}, and this "
                f"chunk begins after {after}; the chunk before it has to be filled first"
            )
        commits = [each for each in pairs(self._history(items)) if reached < each[1].sequence <= until]
        written = materialize_commits(
            items,
            [self._committed_rows(items, commit, before) for before, commit in commits],
            store=self.store,
            only=lambda key: zlib.crc32(_entity(key)) % of == part,
        )
        self.documents.put(*_progress(items, part, of), {"sequence": until})
        return {"items": written}

    def finish(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Bring a filled view the commits made meanwhile, and let its items be the ones that are served.

        Returns
        -------
        dict
            ``sequence``, the last commit that the view has taken.

        Raises
        ------
        Conflict
            If a part of the entities is not filled.
        Outdated
            If the history is no longer the one this was planned on.
        """
        items = self._items(request)
        until, parts = int(request["until"]), request["parts"]
        for each in parts:
            reached = self._reached(items, each["part"], each["of"])
            if reached < until:
                raise Conflict(
                    f"part {each['part']} of {each['of']} of view `{items.reference}` has come to commit "
                    f"{reached} of {until}; fill it again with `tidemill features backfill {items.name}`"
                )
        self._bring(items, until)
        self._serve(items)
        # Until a moment ago new commits went to the items that were served before.
        self._bring(items, until)
        mark = read_watermark(self.documents, items)
        return {"sequence": 0 if mark is None else mark.sequence}

    def _begin(self, view: ViewDefinition, history: Sequence[Commit], rollbacks: int) -> tuple[int, int]:
        """Choose the generation of items to fill, and return it with the commit it has come to."""
        (served,) = served_views([view], self.documents, self.store)
        if served.items is not None and served.reached and served.is_true_to(history, rollbacks):
            extend(self.documents, served.items, history[-1].sequence)
            return generation_of(served.items.reference)[1], served.reached
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
        return generation, begun[generation].sequence if going_on else 0

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

    def _bring(self, items: ViewDefinition, until: int) -> None:
        history = self._history(items)
        move_watermark(self.documents, items, until)
        bring_views(
            self.project.source(items.source),
            [items],
            history,
            tables=self.tables,
            documents=self.documents,
            store=self.store,
        )

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

    def _reached(self, items: ViewDefinition, part: int, of: int) -> int:
        stored = self.documents.get(*_progress(items, part, of))
        mark = read_watermark(self.documents, items)
        return max(0 if mark is None else mark.sequence, 0 if stored is None else int(stored[0]["sequence"]))

    def _rows(self, commit: Commit, view: ViewDefinition) -> int:
        return int(commit_record(commit, self.project.name, view.source)["rows"])

    def _chunks(
        self, view: ViewDefinition, reached: int, missing: Sequence[Commit]
    ) -> Iterator[dict[str, int]]:
        after, until, rows, commits = reached, reached, 0, 0
        for commit in missing:
            more = self._rows(commit, view)
            if commits and (rows + more > self.chunk_rows or commits == CHUNK_COMMITS):
                yield {"after": after, "until": until}
                after, rows, commits = until, 0, 0
            until, rows, commits = commit.sequence, rows + more, commits + 1
        if commits:
            yield {"after": after, "until": until}

    def _committed_rows(self, view: ViewDefinition, commit: Commit, before: Commit | None) -> CommittedRows:
        rows = rows_for_views(added_rows(self.tables, [view], commit, before), [view])
        return CommittedRows(rows[view.reference], commit.sequence, committed_at(commit))


def forget_progress(documents: Documents, reference: str) -> None:
    """Forget how far the parts of a generation of a view's items were filled."""
    partition = f"BACKFILL#{reference}"
    for part, _ in documents.query(partition):
        documents.delete(partition, part)


def _entity(key: str) -> bytes:
    """Return what of an item's key names the entity: an entity is of the same part in every generation."""
    return key.partition("#")[2].encode()


def _progress(items: ViewDefinition, part: int, of: int) -> tuple[str, str]:
    return f"BACKFILL#{items.reference}", f"{part}/{of}"
