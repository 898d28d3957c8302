"""Each day of a model's predictions, brought up to date by reading only what is new.

Cost follows new rows: a prediction is read and counted once, an outcome matched once, and a window is
the sum of its days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidemill.datasets.tables import Commit
from tidemill.monitoring.daily import (
    ROWS_SCHEMA,
    DayHistogram,
    Profile,
    ProfileOf,
    count_rows,
    label_rows,
    narrow_rows,
)
from tidemill.monitoring.day_store import CommitReader, DayBlobs
from tidemill.monitoring.state import Day, State

DAYS_KEPT = 62  # an outcome that takes longer than two months is not waited for
_OUTCOME_COMMITS_KEPT = 500


def add_predictions(state: State, reader: CommitReader, blobs: DayBlobs) -> State:
    """Take the predictions recorded since the last firing into their days.

    Parameters
    ----------
    state
        As it was.
    reader
        Of the model's predictions table.
    blobs
        Where days are kept.

    Returns
    -------
    State
        With every commit read and the oldest days forgotten.
    """
    arrived: dict[str, list[tuple[int, pa.Table]]] = {}
    last = state.predictions
    for commit in reader.between(state.predictions + 1):
        rows = reader.rows(commit)
        for name in sorted(set(_days_of(rows))):
            arrived.setdefault(name, []).append((commit.sequence, narrow_rows(_of_day(rows, name))))
        last = commit.sequence
    days = {**state.days, **{name: _add_to_day(state, name, new, blobs) for name, new in arrived.items()}}
    kept = sorted(days)[-DAYS_KEPT:]
    return replace(state, predictions=last, days={name: days[name] for name in kept})


def _days_of(rows: pa.Table) -> list[str]:
    return [str(day) for day in np.unique(rows["at"].to_numpy().astype("datetime64[D]"))]


def _of_day(rows: pa.Table, name: str) -> pa.Table:
    return rows.filter(pa.array(rows["at"].to_numpy().astype("datetime64[D]") == np.datetime64(name)))


def _add_to_day(state: State, name: str, new: Sequence[tuple[int, pa.Table]], blobs: DayBlobs) -> Day:
    before = state.days.get(name)
    tables = [rows for _, rows in new]
    n_new = sum(rows.num_rows for rows in tables)
    together = pa.concat_tables([*([blobs.rows(name, before.rows)] if before else []), *tables])
    return Day(
        first=before.first if before else new[0][0],
        last=new[-1][0],
        count=together.num_rows,
        unlabelled=n_new + (before.unlabelled if before else 0),
        rows=blobs.put_rows(name, together),
        histograms=before.histograms if before else {},
    )


def add_outcomes(state: State, outcomes: Sequence[pa.Table], blobs: DayBlobs) -> State:
    """Give predictions the outcomes that have become known.

    Parameters
    ----------
    state
        As it was.
    outcomes
        ``key``, ``label``, ``known_at`` of each commit, oldest first.
    blobs
        Where days are kept.

    Returns
    -------
    State
        With the labels in the days' tables.
    """
    if not outcomes:
        return state
    together = pa.concat_tables(outcomes)
    days = dict(state.days)
    for name, day in state.days.items():
        if not day.unlabelled:
            continue
        before = blobs.rows(name, day.rows)
        after = label_rows(before, together)
        if not after.equals(before):
            days[name] = replace(day, unlabelled=after["label"].null_count, rows=blobs.put_rows(name, after))
    return replace(state, days=days)


def outcomes_to_read(state: State, reader: CommitReader, earliest_new: datetime | None) -> list[Commit]:
    """Return the source's commits that may hold outcomes nobody matched yet.

    These are the new ones, and for predictions that were recorded late also the commits that were
    read after such a prediction was made.

    Parameters
    ----------
    state
        What was read of the source so far.
    reader
        Of the observations' source.
    earliest_new
        When the earliest prediction new in this firing was made; None if none is new.

    Returns
    -------
    list of Commit
        The oldest first.
    """
    again = {
        sequence
        for sequence, read_at in state.outcome_commits
        if earliest_new is not None and datetime.fromisoformat(read_at) >= earliest_new
    }
    first = min(again, default=state.outcomes + 1)
    return [c for c in reader.between(first) if c.sequence > state.outcomes or c.sequence in again]


def mark_read(state: State, commits: Mapping[int, int], at: str) -> State:
    """Remember which of the source's commits were read and how many rows each had, by sequence."""
    new = {sequence: rows for sequence, rows in commits.items() if sequence > state.outcomes}
    if not new:
        return state
    read = [*state.outcome_commits, *((sequence, at) for sequence in sorted(new))]
    return replace(
        state,
        outcomes=max(new),
        outcome_commits=tuple(read[-_OUTCOME_COMMITS_KEPT:]),
        source_rows=state.source_rows + sum(new.values()),
    )


def count_days(
    state: State,
    names: Sequence[str],
    *,
    champion: Profile,
    profile_of: ProfileOf,
    reader: CommitReader,
    blobs: DayBlobs,
) -> tuple[State, DayHistogram]:
    """Sum the histograms of days on the champion's bins, counting only what was not counted before.

    Parameters
    ----------
    state
        With every prediction in its day.
    names
        The days wanted, such as ``2013-03-04``; days without predictions count nothing.
    champion, profile_of
        As in ``count_rows``.
    reader
        Of the model's predictions table.
    blobs
        Where days are kept.

    Returns
    -------
    tuple of State and DayHistogram
        The state with pointers to the new histograms, and the sum.
    """
    days = dict(state.days)
    total = DayHistogram.empty(champion.reference)
    version = str(champion.version)
    for name in names:
        day = days.get(name)
        if day is None:
            continue
        through, digest = day.histograms.get(version, (day.first - 1, ""))
        histogram = blobs.histogram(name, digest) if digest else DayHistogram.empty(champion.reference)
        if through < day.last:
            for commit in reader.between(through + 1, day.last):
                histogram += count_rows(_of_day(reader.rows(commit), name), champion, profile_of)
            pointer = (day.last, blobs.put_histogram(name, histogram))
            days[name] = replace(day, histograms={**day.histograms, version: pointer})
        total += histogram
    return replace(state, days=days), total


def labelled_rows(state: State, version: int, *, days: int, end: str, at: str, blobs: DayBlobs) -> pa.Table:
    """Return a version's predictions with known outcomes, over the newest days that have any.

    Outcomes come late and in batches: the newest day with outcomes ends the span, whether that is
    yesterday or last Sunday.

    Parameters
    ----------
    state
        With the labels in.
    version
        Whose predictions.
    days
        How many days the span has.
    end
        The day before which it ends.
    at
        The moment outcomes must be known by, RFC 3339 in UTC.
    blobs
        Where days are kept.

    Returns
    -------
    pa.Table
        Of ``ROWS_SCHEMA``, every label known.
    """
    moment = pa.scalar(datetime.fromisoformat(at), ROWS_SCHEMA.field("known_at").type)
    found: list[pa.Table] = []
    newest: np.datetime64 | None = None
    for name in sorted((name for name in state.days if name < end), reverse=True):
        if newest is not None and newest - np.datetime64(name) >= np.timedelta64(days, "D"):
            break
        if state.days[name].unlabelled == state.days[name].count:
            continue
        rows = blobs.rows(name, state.days[name].rows)
        known = pc.and_(pc.is_valid(rows["label"]), pc.less_equal(rows["known_at"], moment))
        of_version = rows.filter(pc.and_(known, pc.equal(rows["version"], version)))
        if of_version.num_rows:
            newest = newest or np.datetime64(name)
            found.append(of_version)
    return pa.concat_tables(found[::-1]) if found else ROWS_SCHEMA.empty_table()
