"""Bringing a source's commits to the online store, in the order they were made.

How far each version of each view has come is kept as a watermark, moved on only after every item was
written. A crash in between, a commit delivered twice, or two workers at once all repeat work that the
online store refuses to count again; and since every worker starts at the watermark and goes through the
commits one by one, no item ever takes a commit before the ones it builds on.

A view that is new, or has changed, is far behind. It is left to a backfill, so that the others' features
stay as new as the data.
"""

from collections.abc import Callable, Sequence

from tidemill.datasets.arrow import rows_for_views
from tidemill.datasets.tables import Commit, Tables
from tidemill.datasets.uploads import committed_at
from tidemill.errors import Conflict
from tidemill.features.definitions import ViewDefinition, define
from tidemill.features.materialization import materialize
from tidemill.features.online import OnlineStore
from tidemill.ports import Documents
from tidemill.project import Project, Source

BEHIND_AT_MOST = 20
"""The commits a view may be behind and still be brought along, rather than by a backfill."""

Backfill = Callable[[ViewDefinition, int], None]
"""Asks for a backfill of a view up to a commit's sequence."""


def views_to_keep_up(project: Project, source: str, served: Sequence[ViewDefinition]) -> list[ViewDefinition]:
    """Return the declared views of a source and those in service, each version of each once."""
    views = [*(define(view) for view in project.views_of(source)), *served]
    return list({(view.name, view.version): view for view in views}.values())


def materialize_commit(
    source_name: str,
    sequence: int,
    *,
    project: Project,
    tables: Tables,
    documents: Documents,
    store: OnlineStore,
    served: Sequence[ViewDefinition] = (),
    backfill: Backfill | None = None,
) -> dict[str, int]:
    """Apply a source's commits, up to one of them, to every view of the source.

    Parameters
    ----------
    source_name
        The source.
    sequence
        The sequence of the last commit to apply; earlier ones that are still missing come first.
    project
        Which declares the views.
    tables
        Where the commits are.
    documents
        Where the watermarks are.
    store
        The online store.
    served
        Views of the source that models in service were trained with, declared still or not.
    backfill
        Is asked to fill a view more than ``BEHIND_AT_MOST`` commits behind; without it, every view
        is brought along here, however long it takes.

    Returns
    -------
    dict[str, int]
        The number of items written, by ``view@version``.

    Raises
    ------
    NotFound
        If the project has no such source, or the source no table.
    PlatformError
        If a service failed; the same call again goes on from where this one came to.
    """
    source = project.source(source_name)
    views = views_to_keep_up(project, source_name, served)
    reached = {view.reference: watermark(documents, view) for view in views}
    if min(reached.values(), default=sequence) >= sequence:
        return dict.fromkeys(reached, 0)
    commits = [commit for commit in tables.commits(source_name) if commit.sequence <= sequence]
    if backfill is not None:
        views = [view for view in views if not _left_to(backfill, view, reached[view.reference], commits)]
    return bring_views(source, views, commits, tables=tables, documents=documents, store=store)


def bring_views(
    source: Source,
    views: Sequence[ViewDefinition],
    commits: Sequence[Commit],
    *,
    tables: Tables,
    documents: Documents,
    store: OnlineStore,
) -> dict[str, int]:
    """Apply to each of some views of a source those of its commits that are after the view's watermark.

    Returns
    -------
    dict[str, int]
        The number of items written, by ``view@version``.
    """
    reached = {view.reference: watermark(documents, view) for view in views}
    written = dict.fromkeys(reached, 0)
    for commit in commits:
        due = [view for view in views if reached[view.reference] < commit.sequence]
        if not due:
            continue
        added = tables.rows(source.name, snapshot_id=commit.snapshot_id, added_only=True)
        rows = rows_for_views(added, source.schema, due)
        for view in due:
            at = committed_at(commit)
            written[view.reference] += materialize(view, rows, sequence=commit.sequence, store=store, at=at)
            move_watermark(documents, view, commit.sequence)
    return written


def _left_to(backfill: Backfill, view: ViewDefinition, reached: int, commits: Sequence[Commit]) -> bool:
    """Ask for a backfill of a view that is far behind; tell whether it is."""
    missing = [commit for commit in commits if commit.sequence > reached]
    if len(missing) <= BEHIND_AT_MOST:
        return False
    backfill(view, missing[-1].sequence)
    return True


def watermark(documents: Documents, view: ViewDefinition) -> int:
    """Return the sequence of the last commit that all of a view's items have taken; 0 if none."""
    stored = documents.get(*_address(view))
    return 0 if stored is None else int(stored[0]["sequence"])


def move_watermark(documents: Documents, view: ViewDefinition, sequence: int) -> None:
    """Move a view's watermark on, never back; whoever moved it further meanwhile is left alone."""
    while True:
        stored, revision = documents.get(*_address(view)) or ({"sequence": 0}, 0)
        if stored["sequence"] >= sequence:
            return
        try:
            documents.put(*_address(view), {"sequence": sequence}, revision=revision)
        except Conflict:
            continue
        return


def _address(view: ViewDefinition) -> tuple[str, str]:
    return f"WATERMARK#{view.source}", view.reference
