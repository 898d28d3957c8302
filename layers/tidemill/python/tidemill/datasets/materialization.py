"""Bringing a source's commits to the online store, in the order they were made.

How far each view's items have come is kept as a watermark, moved on only after every item was written. A
crash in between, a commit delivered twice, or two workers at once all repeat work that the online store
refuses to count again; and since every worker starts at the watermark and goes through the commits one
by one, no item ever takes a commit before the ones it builds on.

A view that is new, or has changed, is far behind; so is one whose source has a commit of more rows than
there is time for here; and the items of a source that was rolled back hold rows that are no longer part of
it. All are left to a backfill, so that the others' features stay as new as the data, and what is served is
replaced as a whole.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import pyarrow as pa

from tidemill.datasets.arrow import rows_for_views
from tidemill.datasets.tables import Commit, Tables
from tidemill.datasets.uploads import committed_at, rows_of
from tidemill.datasets.watermarks import (
    Watermark,
    begin,
    extend,
    move_watermark,
    read_watermark,
    rollbacks_of,
)
from tidemill.errors import NotFound, Outdated
from tidemill.features.definitions import ViewDefinition, define
from tidemill.features.generations import generation_of, in_generation, read_pointers
from tidemill.features.materialization import materialize
from tidemill.features.online import OnlineStore
from tidemill.ports import Documents
from tidemill.project import Project

BEHIND_AT_MOST = 20
"""The commits a view may be behind and still be brought along, rather than by a backfill."""

WRITES_AT_MOST = 90_000
"""The items that all views of a source may have written on the way, by the rows that are missing.

A row changes one item of each view at most. The slowest store there is, a local cloud's, takes some 450 items
a second, so this is two thirds of the five minutes that the function has; DynamoDB takes ten times as many.
"""

Backfill = Callable[[ViewDefinition, int], None]
"""Asks for a backfill of a view up to a commit's sequence."""


class ServedView(NamedTuple):
    """A view's items as they are served, and how far they have come.

    Attributes
    ----------
    view
        The view.
    items
        The definition under which the served generation of its items is written; None if the view was let
        go of.
    watermark
        Of that generation; None if it was never begun.
    """

    view: ViewDefinition
    items: ViewDefinition | None
    watermark: Watermark | None

    @property
    def reached(self) -> int:
        """The sequence of the last commit that all items have taken; 0 if none."""
        return 0 if self.watermark is None else self.watermark.sequence

    def is_true_to(self, history: Sequence[Commit], rollbacks: int) -> bool:
        """Return whether the items hold nothing but what is in a history; a view never begun does."""
        if self.items is None:
            return False
        return self.watermark is None or self.watermark.holds({each.sequence for each in history}, rollbacks)


def views_to_keep_up(project: Project, source: str, served: Sequence[ViewDefinition]) -> list[ViewDefinition]:
    """Return the declared views of a source and those in service, each version of each once."""
    views = [*(define(view) for view in project.views_of(source)), *served]
    return list({(view.name, view.version): view for view in views}.values())


def served_views(
    views: Sequence[ViewDefinition], documents: Documents, store: OnlineStore
) -> list[ServedView]:
    """Return what is served of some views."""
    pointers = read_pointers(store, [view.reference for view in views])
    found = []
    for view in views:
        pointer = pointers[view.reference]
        items = None if pointer.let_go else in_generation(view, pointer.generation)
        mark = None if items is None else read_watermark(documents, items)
        found.append(ServedView(view, items, mark))
    return found


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
        Is asked to fill a view that ``is_far_behind``, and anew one whose items are not of the source's
        history; without it, every view is brought along here, however long it takes.

    Returns
    -------
    dict[str, int]
        The number of items written, by ``view@version``; those left to a backfill are left out.

    Raises
    ------
    NotFound
        If the project has no such source, or the source no table.
    Outdated
        If the items of a view are not of the source's history, and nobody can be asked to fill it anew.
    PlatformError
        If a service failed; the same call again goes on from where this one came to.
    """
    project.source(source_name)  # a commit of one that is no more is not found
    views = served_views(views_to_keep_up(project, source_name, served), documents, store)
    rollbacks = rollbacks_of(documents, source_name)
    if all(_has_taken(each, sequence, rollbacks) for each in views):
        return {each.view.reference: 0 for each in views}
    history = tables.commits(source_name)
    commits = [commit for commit in history if commit.sequence <= sequence]
    brought = []
    for each in views:
        if not each.is_true_to(history, rollbacks):
            _fill_anew(each, history, backfill)
        elif backfill is not None and is_far_behind(commits, each.reached, views=len(views)):
            backfill(each.view, commits[-1].sequence)
        elif each.items is not None:
            if each.watermark is None:
                begin(documents, each.items, history, rollbacks)
            elif each.watermark.retired_at is not None:
                extend(documents, each.items, each.watermark.newest)
            brought.append(each.items)
    written = bring_views(brought, commits, tables=tables, documents=documents, store=store)
    return {generation_of(items)[0]: count for items, count in written.items()}


def bring_views(
    views: Sequence[ViewDefinition],
    history: Sequence[Commit],
    *,
    tables: Tables,
    documents: Documents,
    store: OnlineStore,
) -> dict[str, int]:
    """Apply to the items of some views of a source those of its commits that are after their watermark.

    Parameters
    ----------
    views
        Generations of views' items that were begun, and hold nothing but what is in the history.
    history
        The source's commits, from the oldest that is kept on.
    tables, documents, store
        Where commits, watermarks and items are.

    Returns
    -------
    dict[str, int]
        The number of items written, by what they lie under.

    Raises
    ------
    Outdated
        If a commit was taken back or expired meanwhile.
    """
    reached = {view.reference: _reached(documents, view) for view in views}
    written = dict.fromkeys(reached, 0)
    for before, commit in pairs(history):
        due = [view for view in views if reached[view.reference] < commit.sequence]
        if not due:
            continue
        rows = rows_for_views(added_rows(tables, due, commit, before), due)
        for view in due:
            written[view.reference] += materialize(
                view, rows[view.reference], sequence=commit.sequence, store=store, at=committed_at(commit)
            )
            move_watermark(documents, view, commit.sequence)
    return written


def pairs(history: Sequence[Commit]) -> Iterator[tuple[Commit | None, Commit]]:
    """Yield each commit with the one before it; None before the oldest that is kept."""
    return zip([None, *history[:-1]], history, strict=True)


def added_rows(
    tables: Tables, views: Sequence[ViewDefinition], commit: Commit, before: Commit | None
) -> pa.Table:
    """Return what a commit added to the one before it, or all that it holds if it is the oldest.

    The columns are those that the views, all of one source, read: by the names they were defined by.

    Raises
    ------
    Outdated
        If one of them was taken back or expired meanwhile: then nobody knows what it added.
    NotFound
        If a view reads a column that the source never had.
    """
    table, since = views[0].source, None if before is None else before.snapshot_id
    columns = sorted(frozenset[str]().union(*(view.columns for view in views)))
    with while_kept(tables, table, commit, before):
        return tables.rows(table, snapshot_id=commit.snapshot_id, since=since, columns=columns)


@contextmanager
def while_kept(tables: Tables, table: str, commit: Commit, before: Commit | None) -> Iterator[None]:
    """Read what a commit added to the one before it, which may both go while that goes on.

    Raises
    ------
    Outdated
        If one of them was taken back or expired meanwhile: then nobody knows what it added.
    """
    try:
        yield
    except NotFound as error:
        kept = {each.snapshot_id for each in tables.commits(table)}
        if commit.snapshot_id in kept and (before is None or before.snapshot_id in kept):
            raise  # it is a column that is missing, and going on from the beginning brings none
        raise Outdated(f"{error}; it went on while it was read, begin again") from error


def is_far_behind(commits: Sequence[Commit], reached: int, *, views: int) -> bool:
    """Return whether what is missing is more than can be brought along with a commit.

    Parameters
    ----------
    commits
        The source's, oldest first.
    reached
        The sequence of the last one that the view has taken.
    views
        How many views are brought along together.
    """
    missing = [commit for commit in commits if commit.sequence > reached]
    return len(missing) > BEHIND_AT_MOST or views * sum(map(rows_of, missing)) > WRITES_AT_MOST


def _has_taken(served: ServedView, sequence: int, rollbacks: int) -> bool:
    """Return whether a view needs nothing, by what can be told without a look at the table."""
    mark = served.watermark
    return mark is not None and mark.sequence >= sequence and mark.rollbacks == rollbacks


def _fill_anew(served: ServedView, history: Sequence[Commit], backfill: Backfill | None) -> None:
    if backfill is None:
        raise Outdated(
            f"the online store has rows of view `{served.view.reference}` that were taken back or are no "
            f"longer kept; `tidemill features backfill {served.view.name}` fills it anew"
        )
    backfill(served.view, history[-1].sequence if history else 0)


def _reached(documents: Documents, items: ViewDefinition) -> int:
    mark = read_watermark(documents, items)
    return 0 if mark is None else mark.sequence
