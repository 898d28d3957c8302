"""Taking commits back: an earlier version becomes the current one, and their files may come again."""

from collections.abc import Sequence

from tidemill.datasets.tables import Commit, History, Tables
from tidemill.datasets.uploads import forget_uploads
from tidemill.ports import Documents


def rollback(
    tables: Tables, history: History, documents: Documents, table: str, to: Commit
) -> Sequence[Commit]:
    """Make a version the current one, and let the uploads of commits it does not hold be made again.

    The index of digests is cleared before and after the move: before, so that a process that ends
    in between leaves no upload refused as a duplicate of a commit that is gone (what is still in the
    history is found by its ids); after, because an upload delivered again in between was written into it.

    Parameters
    ----------
    tables, history
        The database.
    documents
        Where it is remembered which digests were committed.
    table
        The table.
    to
        Any version that is kept: an earlier one, or a later one, which takes a rollback back.

    Returns
    -------
    sequence of Commit
        The commits that are no longer part of the history, oldest first.

    Raises
    ------
    Conflict
        If the table was written meanwhile.
    """
    commits = tables.commits(table)
    kept = {commit.snapshot_id for commit in history.history(table, to.snapshot_id)}
    taken_back = [commit for commit in commits if commit.snapshot_id not in kept]
    digests = frozenset[str]().union(*(commit.ids for commit in taken_back))
    current = commits[-1].snapshot_id
    forget_uploads(documents, table, digests)
    history.set_current(table, to.snapshot_id, expected=current)
    forget_uploads(documents, table, digests)
    return taken_back
