"""What commits were made for, known for longer than the commits are kept.

An upload or a message that comes again is known by the ids in the commits of the current history. Commits
expire; and a message that waited among dead letters may be sent again by hand weeks later. So upkeep writes
the ids of a commit down before it lets the commit expire, and does so at least an hour before: whoever
looked neither here nor there at the same moment has ended by then.
"""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from tidemill.datasets.moments import timestamp
from tidemill.datasets.tables import Commit
from tidemill.datasets.uploads import commit_record, index_record, indexed_record
from tidemill.ports import Documents

KEPT_FOR = timedelta(days=90)
"""How long ids of messages are known: a queue keeps one for 14 days, its dead letters for 14 more."""
SETTLED_AFTER = timedelta(hours=1)
"""Longer than any function runs."""
_WRITES_AT_ONCE = 8

Write = Callable[[Commit], None]
"""Writes down what a commit was made for."""


def write_upload(documents: Documents, project: str, source: str) -> Write:
    """Return what writes down which upload a commit of a source was made of, unless that is known."""

    def write(commit: Commit) -> None:
        record = commit_record(commit, project, source)
        digest = record["upload"]["digest"]
        if digest and indexed_record(documents, source, digest) is None:
            index_record(documents, record)

    return write


def write_ids(documents: Documents, table: str, at: datetime) -> Write:
    """Return what writes down the ids of messages that a commit was made for."""
    expires_at = int((at + KEPT_FOR).timestamp())

    def write(commit: Commit) -> None:
        def put(name: str) -> None:
            documents.put(_partition(table), name, {}, expires_at=expires_at)

        with ThreadPoolExecutor(_WRITES_AT_ONCE) as writers:
            list(writers.map(put, commit.ids))

    return write


def known_ids(documents: Documents, table: str, ids: Collection[str]) -> set[str]:
    """Return those of some ids for which a commit of a table was made that has expired since."""
    return set(documents.get_many(_partition(table), ids))


def settled(
    documents: Documents, table: str, commits: Sequence[Commit], *, rollbacks: int, at: datetime, write: Write
) -> int:
    """Write down what commits that are to expire were made for, and return up to which they may.

    Parameters
    ----------
    documents
        The experiments table.
    table
        The table.
    commits
        Of the current history those that nothing else needs, oldest first.
    rollbacks
        How often the table has been rolled back: another history is written down from its beginning.
    at
        Now.
    write
        Writes down what one commit was made for.

    Returns
    -------
    int
        The sequence up to which commits were written down long enough ago.
    """
    stored = documents.get("EXPIRY", table)
    known = {} if stored is None or stored[0]["rollbacks"] != rollbacks else stored[0]
    written, may = int(known.get("written", 0)), int(known.get("settled", 0))
    if written and datetime.fromisoformat(known["at"]) <= at - SETTLED_AFTER:
        may = written
    # One lot after another, however often this is called.
    new = [commit for commit in commits if commit.sequence > written] if may == written else []
    for commit in new:
        write(commit)
    if new or may != known.get("settled", 0):
        state = {
            "written": new[-1].sequence if new else written,
            "at": timestamp(at) if new else known["at"],
            "settled": may,
            "rollbacks": rollbacks,
        }
        documents.put("EXPIRY", table, state)
    return may


def _partition(table: str) -> str:
    return f"EXPIRED#{table}"
