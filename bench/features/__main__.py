"""python -m bench.features: point-in-time joins and windows over files, ours and the peers'."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.command import main
from bench.features import expressions
from bench.features.files import N_EVENTS, N_OBSERVATIONS, NAMED_VIEW_ROWS, VIEW_ROWS, make_files
from bench.machine import AS_DEPLOYED
from bench.peers import DUCKDB, FEAST, PANDAS, POLARS, Peer
from bench.trial import Figure, Trial

ROOT = Path(__file__).parents[2]
PROGRAMS = {POLARS: "with_polars", PANDAS: "with_pandas", DUCKDB: "with_duckdb", FEAST: "with_feast"}
NOTE = "from Parquet files to the result in memory, each in a process of its own, imports left out."
_MILLION = 1_000_000
_OBSERVATIONS = f"{N_OBSERVATIONS // _MILLION} M observations x"
AS_OF = f"as-of join, {_OBSERVATIONS} {len(VIEW_ROWS)} views of {sum(VIEW_ROWS) // _MILLION} M rows"
NAMED = f"the same by string keys, {len(NAMED_VIEW_ROWS)} views of {sum(NAMED_VIEW_ROWS) // _MILLION} M rows"
WINDOWS = f"{_OBSERVATIONS} {N_EVENTS // _MILLION} M events, 3 windows x"
JOINS: Sequence[tuple[str, str, Peer, float | None]] = (
    (AS_OF, "as_of", POLARS, 1.0),
    (AS_OF, "as_of", PANDAS, None),
    (AS_OF, "as_of", DUCKDB, None),
    (AS_OF, "as_of", FEAST, 1 / 25),
    (NAMED, "as_of_named", POLARS, None),
    (NAMED, "as_of_named", FEAST, None),
    (f"{WINDOWS} (sum, count, mean)", "sums", POLARS, 1 / 2.5),
    (f"{WINDOWS} (sum, count, mean)", "sums", PANDAS, 1 / 15),
    (f"{WINDOWS} (sum, count, mean)", "sums", DUCKDB, 1 / 15),
    (f"{WINDOWS} (min, max)", "extremes", POLARS, None),
    (f"{WINDOWS} (distinct)", "distinct", POLARS, None),
)
"""What is done, the job's name, the peer, and the bar as a multiple of the peer's time."""
AS_OF_PEAK_MB = 1200.0
EXTREMES_TO_SUMS = 3.0


class Differs(Exception):
    """A peer's result is not ours: the two do not do the same thing, and no time can be compared."""


def trials() -> Iterator[Trial]:
    """Give every trial; the files and the peers' environments are made before anything is timed."""
    directory = make_files()
    for peer in PROGRAMS:
        peer.program("python")
    for name, job, peer, times in JOINS:
        peak = AS_OF_PEAK_MB if job == "as_of" else None
        answers: dict[str, float] = {}
        yield Trial(
            (Figure(name, "s", at_most_of_peer=times), Figure(f"{name}: peak memory", "MB", peak)),
            _timed(sys.executable, "with_tidemill", job, directory, answers),
            _timed(str(peer.program("python")), PROGRAMS[peer], job, directory, answers),
            peer.name,
            note=NOTE,
        )
    for job, name in (("extremes", "min, max"), ("distinct", "distinct")):
        yield Trial(
            (
                Figure(
                    f"3 windows x ({name}), beside 3 windows x (sum, count, mean)",
                    "s",
                    at_most_of_peer=EXTREMES_TO_SUMS,
                ),
            ),
            _timed(sys.executable, "with_tidemill", job, directory, {}),
            _timed(sys.executable, "with_tidemill", "sums", directory, {}),
            "our own sums",
            note=NOTE,
        )
    yield from expressions.trials()


def _timed(
    python: str, program: str, job: str, directory: Path, answers: dict[str, float]
) -> Callable[[], Sequence[float]]:
    """Run a program in a process; what it finds must be what was found before."""
    environment = {**os.environ, **(AS_DEPLOYED if program == "with_tidemill" else {})}

    def measure() -> Sequence[float]:
        command = [python, "-m", f"bench.features.programs.{program}", job, str(directory)]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        if not answers:
            answers.update(found["answer"])
        check_answer(program, answers, found["answer"])
        return [found["seconds"], found["peak_mb"]]

    return measure


def check_answer(program: str, wanted: Mapping[str, float], found: Mapping[str, float]) -> None:
    """Raise ``Differs`` unless the columns of two results add up to the same."""
    for name, value in wanted.items():
        if not math.isclose(found[name], value, rel_tol=1e-6, abs_tol=1e-6):
            raise Differs(f"{program}: {name} adds up to {found[name]}, not to {value}")


if __name__ == "__main__":
    sys.exit(
        main(
            "features",
            trials,
            packages=("numpy", "pyarrow"),
            peers={peer.name: peer.version for peer in PROGRAMS},
        )
    )
