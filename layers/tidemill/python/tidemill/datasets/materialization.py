"""Bringing a source's commits to the online store, in the order they were made.

How far each view has come is kept as a watermark, moved on only after every item was written. A
crash in between, a commit delivered twice, or two workers at once all repeat work that the online
store refuses to count again; and since every worker starts at the watermark and goes through the
commits one by one, no item ever takes a commit before the ones it builds on.
"""

from tidemill.datasets.arrow import to_columns
from tidemill.datasets.tables import Tables
from tidemill.datasets.uploads import committed_at
from tidemill.errors import Conflict
from tidemill.features.definitions import ViewDefinition, define
from tidemill.features.materialization import materialize
from tidemill.features.online import OnlineStore
from tidemill.ports import Documents
from tidemill.project import Project


def materialize_commit(
    source_name: str,
    sequence: int,
    *,
    project: Project,
    tables: Tables,
    documents: Documents,
    store: OnlineStore,
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

    Returns
    -------
    dict[str, int]
        The number of items written, by view.

    Raises
    ------
    NotFound
        If the project has no such source, or the source no table.
    PlatformError
        If a service failed; the same call again goes on from where this one came to.
    """
    source = project.source(source_name)
    views = [define(view) for view in project.views_of(source_name)]
    reached = {view.name: _watermark(documents, view) for view in views}
    written = dict.fromkeys(reached, 0)
    start = min(reached.values(), default=sequence)
    if start >= sequence:
        return written
    for commit in tables.commits(source_name):
        if not start < commit.sequence <= sequence:
            continue
        added = tables.rows(source_name, snapshot_id=commit.snapshot_id, added_only=True)
        rows = to_columns(added, source.schema)
        for view in views:
            if reached[view.name] < commit.sequence:
                written[view.name] += materialize(
                    view, rows, sequence=commit.sequence, store=store, at=committed_at(commit)
                )
                _move_watermark(documents, view, commit.sequence)
    return written


def _address(view: ViewDefinition) -> tuple[str, str]:
    return f"WATERMARK#{view.source}", f"{view.name}@{view.version}"


def _watermark(documents: Documents, view: ViewDefinition) -> int:
    stored = documents.get(*_address(view))
    return 0 if stored is None else int(stored[0]["sequence"])


def _move_watermark(documents: Documents, view: ViewDefinition, sequence: int) -> None:
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
