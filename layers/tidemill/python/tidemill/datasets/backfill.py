"""Filling a view from its source's history, while everything else goes on.

A backfill is planned once, as chunks of commits that follow each other and parts of the entities. Parts are
filled side by side, the chunks of each part in order. At the end the view's watermark moves to where the
plan ended, and from there commits reach the view as they reach every other. Whatever is done twice, or
at the same time by the deliveries of new commits, counts once: an item takes of a chunk only the commits
after its last.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tidemill.datasets.arrow import rows_for_views
from tidemill.datasets.materialization import bring_views, move_watermark, views_to_keep_up, watermark
from tidemill.datasets.tables import Commit, Tables
from tidemill.datasets.uploads import commit_record, committed_at
from tidemill.errors import Conflict, NotFound, did_you_mean
from tidemill.features.definitions import ViewDefinition, define
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
    """The views that models in service were trained with."""

    def of_source(self, source: str) -> Sequence[ViewDefinition]:
        """Return those whose rows come from a source."""
        ...


def start_backfill(executions: Executions, view: ViewDefinition, sequence: int) -> None:
    """Start filling a view up to a commit, unless it is being filled."""
    begins = f"{view.name[:_NAME_CHARACTERS]}-{view.version}-"
    if not any(name.startswith(begins) for name in executions.running()):
        executions.start(f"{begins}{sequence}", {"view": view.name, "version": view.version})


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
            ``view``, ``version``, ``source``, ``until`` (the last commit's sequence), ``chunks`` of
            ``after`` and ``until``, and ``parts`` of ``part`` and ``of``.

        Raises
        ------
        NotFound
            If there is no such view, or its source has no table.
        """
        view = self._view(request["view"], request.get("version"))
        reached = watermark(self.documents, view)
        missing = [each for each in self.tables.commits(view.source) if each.sequence > reached]
        rows = sum(self._rows(commit, view) for commit in missing)
        of = max(1, min(MAX_PARTS, rows // self.part_rows))
        return {
            "view": view.name,
            "version": view.version,
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
        """
        view = self._view(request["view"], request["version"])
        part, of, after, until = (int(request[name]) for name in ("part", "of", "after", "until"))
        reached = self._reached(view, part, of)
        if reached >= until:
            return {"items": 0}
        if reached < after:
            raise Conflict(
                f"part {part} of {of} of view `{view.reference}` has come to commit {reached}, and this "
                f"chunk begins after {after}; the chunk before it has to be filled first"
            )
        commits = [each for each in self.tables.commits(view.source) if reached < each.sequence <= until]
        items = materialize_commits(
            view,
            [self._committed_rows(commit, view) for commit in commits],
            store=self.store,
            only=lambda key: zlib.crc32(key.encode()) % of == part,
        )
        self.documents.put(*_progress(view, part, of), {"sequence": until})
        return {"items": items}

    def finish(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Let commits reach a filled view as they reach the others, and bring it those made meanwhile.

        Returns
        -------
        dict
            ``sequence``, the last commit that the view has taken.

        Raises
        ------
        Conflict
            If a part of the entities is not filled.
        """
        view = self._view(request["view"], request["version"])
        until, parts = int(request["until"]), request["parts"]
        for each in parts:
            reached = self._reached(view, each["part"], each["of"])
            if reached < until:
                raise Conflict(
                    f"part {each['part']} of {each['of']} of view `{view.reference}` has come to commit "
                    f"{reached} of {until}; fill it again with `tidemill features backfill {view.name}`"
                )
        move_watermark(self.documents, view, until)
        bring_views(
            self.project.source(view.source),
            [view],
            self.tables.commits(view.source),
            tables=self.tables,
            documents=self.documents,
            store=self.store,
        )
        return {"sequence": watermark(self.documents, view)}

    def _view(self, name: str, version: str | None) -> ViewDefinition:
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
            nearest = did_you_mean(reference, [*declared, *known])
            raise NotFound(f"no view `{reference}` is declared or in service{nearest}")
        return known[reference]

    def _reached(self, view: ViewDefinition, part: int, of: int) -> int:
        stored = self.documents.get(*_progress(view, part, of))
        return max(watermark(self.documents, view), 0 if stored is None else int(stored[0]["sequence"]))

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

    def _committed_rows(self, commit: Commit, view: ViewDefinition) -> CommittedRows:
        added = self.tables.rows(view.source, snapshot_id=commit.snapshot_id, added_only=True)
        schema = self.project.source(view.source).schema
        return CommittedRows(rows_for_views(added, schema, [view]), commit.sequence, committed_at(commit))


def _progress(view: ViewDefinition, part: int, of: int) -> tuple[str, str]:
    return f"BACKFILL#{view.reference}", f"{part}/{of}"
