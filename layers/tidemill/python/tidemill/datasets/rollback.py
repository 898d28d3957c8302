"""Taking commits back: an earlier version becomes the current one, and their files may come again."""

from collections.abc import Sequence
from typing import NamedTuple

from tidemill.datasets.tables import Commit, History, Tables
from tidemill.datasets.uploads import forget_uploads
from tidemill.datasets.watermarks import count_rollback
from tidemill.ports import Documents


class RolledBack(NamedTuple):
    """What a rollback did.

    Attributes
    ----------
    taken_back
        The commits that are no longer part of the history, oldest first.
    times
        How often the source has been rolled back, this time among them; None if it was there already.
    """

    taken_back: Sequence[Commit]
    times: int | None


def rollback(tables: Tables, history: History, documents: Documents, table: str, to: Commit) -> RolledBack:
    """Make a version the current one, and let the uploads of commits it does not hold be made again.

    The index of digests is cleared before and after the move: before, so that a process that ends
    in between leaves no upload refused as a duplicate of a commit that is gone (what is still in the
    history is found by its ids); after, because an upload delivered again in between was written into it.

    The rollback is counted before the move. From then on the items of the online store that were begun
    before are known to be of another history: they are served as they are, take no more commits, and
    have to be filled anew (``backfill.start_anew``; the next commit asks for it too).

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
    RolledBack
        What was taken back.

    Raises
    ------
    Conflict
        If the table was written meanwhile.
    """
    commits = tables.commits(table)
    current = commits[-1].snapshot_id
    if to.snapshot_id == current:
        return RolledBack([], None)
    kept = {commit.snapshot_id for commit in history.history(table, to.snapshot_id)}
    taken_back = [commit for commit in commits if commit.snapshot_id not in kept]
    digests = frozenset[str]().union(*(commit.ids for commit in taken_back))
    forget_uploads(documents, table, digests)
    times = count_rollback(documents, table)
    history.set_current(table, to.snapshot_id, expected=current)
    forget_uploads(documents, table, digests)
    return RolledBack(taken_back, times)
