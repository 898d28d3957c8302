"""Which snapshots upkeep lets go of is what docs/data.md says, told again in plain Python."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.datasets.tables import Commit, KeptSnapshot
from tidemill.datasets.upkeep import FEWEST_COMMITS, KEPT_COMMITS, KEPT_DAYS, expirable

NOW = datetime(2013, 6, 1, tzinfo=UTC)
MONTH = timedelta(days=KEPT_DAYS)


def history_of(ages: Sequence[timedelta]) -> tuple[list[KeptSnapshot], list[Commit]]:
    """Return a table's snapshots and commits, one for each age, oldest first; after some a compaction."""
    snapshots, commits = list[KeptSnapshot](), list[Commit]()
    for number, age in enumerate(ages):
        parent = snapshots[-1].snapshot_id if snapshots else None
        snapshots.append(KeptSnapshot(10 * number + 7, 2 * number + 1, parent, NOW - age, {}))
        commits.append(Commit(10 * number + 7, 2 * number + 1, {}))
        if number % 3 == 2:
            compacted = (10 * number + 8, 2 * number + 2, 10 * number + 7, NOW - age)
            snapshots.append(KeptSnapshot(*compacted, {}))
    return snapshots, commits


def kept_commits(
    commits: Sequence[Commit], ages: Sequence[timedelta], progress: Sequence[int]
) -> list[Commit]:
    """Return the commits that stay: the newest, and those some view has not taken, with one before."""
    young = sum(age <= MONTH for age in ages)
    newest = max(min(young, KEPT_COMMITS), FEWEST_COMMITS)
    first = max(len(commits) - newest, 0)
    while first > 0 and any(taken < commits[first].sequence for taken in progress):
        first -= 1
    return list(commits[first:])


@given(
    seed=st.integers(0, 2**32),
    n_commits=st.integers(1, 80) | st.integers(KEPT_COMMITS - 3, KEPT_COMMITS + 30),
    n_views=st.integers(0, 3),
    n_needed=st.integers(0, 3),
)
def test_what_expires_is_all_but_what_is_kept(seed: int, n_commits: int, n_views: int, n_needed: int) -> None:
    random = Random(seed)
    step = random.choice([timedelta(minutes=1), timedelta(hours=12), timedelta(days=1), timedelta(days=40)])
    ages = [step * (n_commits - number) for number in range(n_commits)]
    snapshots, commits = history_of(ages)
    progress = [random.randint(0, snapshots[-1].sequence) for _ in range(n_views)]
    needed = {random.choice(snapshots).snapshot_id for _ in range(n_needed)}
    oldest = kept_commits(commits, ages, progress)[0].sequence
    gone = expirable(snapshots, commits, needed=needed, progress=progress, at=NOW)
    stays = {each.snapshot_id for each in snapshots if each.sequence >= oldest} | needed
    young = {each.snapshot_id for each in snapshots if each.at is not None and NOW - each.at <= MONTH}
    in_history = {each.snapshot_id for each in commits}
    assert set(gone) == {each.snapshot_id for each in snapshots} - stays - (young - in_history)
    assert gone == sorted(gone)


@pytest.mark.parametrize(("age", "stays"), [(MONTH, True), (MONTH + timedelta(microseconds=1), False)])
def test_a_commit_stays_for_thirty_days_and_not_a_moment_longer(age: timedelta, *, stays: bool) -> None:
    ages = [age, *[timedelta(days=1)] * FEWEST_COMMITS]
    snapshots, commits = history_of(ages)
    gone = expirable(snapshots, commits, needed=(), progress=(), at=NOW)
    assert gone == ([] if stays else [snapshots[0].snapshot_id])


def test_commits_taken_back_stay_for_thirty_days() -> None:
    snapshots, commits = history_of([timedelta(days=50), timedelta(days=40), timedelta(days=20)])
    back = KeptSnapshot(99, 9, snapshots[0].snapshot_id, NOW, {})
    old, young = commits[1].snapshot_id, commits[2].snapshot_id
    branch = [each for each in snapshots if each.snapshot_id in {commits[0].snapshot_id, old, young}]
    assert expirable([*branch, back], [commits[0]], needed=(), progress=(), at=NOW) == [old]
