"""Commits to a table with a long history, beside commits to one with a short one."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from bench.clouds import LocalCloud
from bench.data.ingesting import run_program
from bench.trial import Figure, Trial

BUCKET = "bench-commits"
LONG, SHORT = 1_000, 10
"""How many commits came before those that are measured."""
WARMING = SHORT
MEASURED = 20
"""Among so many, the manifests of single commits are merged once."""
NOISE = 1.2
NOTE = (
    f"1,000 rows of 20 columns each; the mean of {MEASURED} commits of a warm process. All snapshots are "
    "kept, and every commit writes metadata that names them all, as Iceberg has it."
)


def trials(cloud: LocalCloud) -> Iterator[Trial]:
    """Give the trial, with the long history made."""
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    _commit(cloud, "long", 0, LONG)
    yield Trial(
        (Figure(f"a commit after {LONG:,} others, beside one after {SHORT}", "ms", at_most_of_peer=NOISE),),
        _after_many(cloud),
        _after_few(cloud),
        "our own first ones",
        note=NOTE,
    )


def _after_many(cloud: LocalCloud) -> Callable[[], Sequence[float]]:
    """Return what makes some more commits to the long history and says what they took."""
    rounds = count()

    def measure() -> Sequence[float]:
        first = LONG + next(rounds) * (WARMING + MEASURED)
        took_ms = _commit(cloud, "long", first, first + WARMING + MEASURED)
        return [statistics.mean(took_ms[WARMING:])]

    return measure


def _after_few(cloud: LocalCloud) -> Callable[[], Sequence[float]]:
    """Return what begins a history and says what the commits after its first ones took."""
    rounds = count()

    def measure() -> Sequence[float]:
        took_ms = _commit(cloud, f"short_{next(rounds)}", 0, SHORT + MEASURED)
        return [statistics.mean(took_ms[SHORT:])]

    return measure


def _commit(cloud: LocalCloud, database: str, first: int, end: int) -> list[float]:
    """Make the commits from one number to before another, and return the milliseconds of each."""
    took_ms: list[float] = run_program("commits", cloud, BUCKET, database, str(first), str(end))
    return took_ms
