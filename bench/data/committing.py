"""Commits to a table with a long history, beside commits to one with a short one."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from bench.clouds import LocalCloud
from bench.data.ingesting import BUCKET, run_program
from bench.trial import Figure, Trial

LONG, SHORT = 1_000, 10
"""How many commits came before those that are measured."""
WARMING, MEASURED = 3, 9
NOISE = 1.2
NOTE = (
    "1,000 rows of 20 columns each, all snapshots kept, as between two weekly upkeeps. Iceberg's metadata "
    "names every snapshot, so that a commit reads and writes more the more are kept."
)


def trials(cloud: LocalCloud) -> Iterator[Trial]:
    """Give the trial, with both histories made."""
    yield Trial(
        (Figure(f"a commit after {LONG:,} others, beside one after {SHORT}", "ms", at_most_of_peer=NOISE),),
        _committing(cloud, LONG),
        _committing(cloud, SHORT),
        "our own first ones",
        note=NOTE,
    )


def _committing(cloud: LocalCloud, history: int) -> Callable[[], Sequence[float]]:
    """Make so many commits, and return what makes some more and says what they took."""
    database = f"commits_{history}"
    run_program("commits", cloud, BUCKET, database, "0", str(history))
    rounds = count()

    def measure() -> Sequence[float]:
        each = WARMING + MEASURED
        first = history + next(rounds) * each
        took_ms = run_program("commits", cloud, BUCKET, database, str(first), str(first + each))
        return [statistics.median(took_ms[WARMING:])]

    return measure
