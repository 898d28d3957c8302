"""Appending what queue messages bring, each message once."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from tidemill.datasets.tables import Commit, Tables


def append_once(
    tables: Tables, table: str, messages: Mapping[str, Sequence[pa.RecordBatch]]
) -> Commit | None:
    """Append the rows of messages that have not been appended before, in one commit.

    Parameters
    ----------
    tables
        The database.
    table
        A table that exists.
    messages
        The rows of each message, by the id it is known under however often it is delivered.

    Returns
    -------
    Commit | None
        The commit this call made; None if every message had been appended before.

    Raises
    ------
    NotFound
        If there is no such table.
    """
    waiting = dict(messages)
    while waiting:
        batches = [batch for rows in waiting.values() for batch in rows]
        appended = tables.append(table, iter(batches), {}, ids=list(waiting))
        if appended.new:
            return appended.commit
        # Some are in the table already, and at least one of these is; so this ends.
        stored = frozenset[str]().union(*(commit.ids for commit in tables.commits(table)))
        waiting = {message: rows for message, rows in waiting.items() if message not in stored}
    return None
