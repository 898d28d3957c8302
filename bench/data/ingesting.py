"""A large upload, brought in by us and by Arrow alone, from the same object in the same local cloud."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.clouds import CREDENTIALS, LocalCloud
from bench.machine import AS_DEPLOYED
from bench.trial import Figure, Trial

ROOT = Path(__file__).parents[2]
BUCKET = "bench-data"
TIMES_ARROW = 2.0
PEAK_MB = 1000.0
NOTE = (
    "S3 to S3 in the local cloud, each in a process of its own. Ours also checks each row and that no key "
    "comes twice, digests the file and commits to Iceberg; Arrow only reads CSV and writes Parquet."
)


class Differs(Exception):
    """The two did not read the same number of rows: no time can be compared."""


def trials(cloud: LocalCloud, files: Mapping[Path, int]) -> Iterator[Trial]:
    """Give a trial for each file, of so many rounds, with the file uploaded."""
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    for file, rounds in files.items():
        key = f"uploads/bench/flights/{file.name}"
        cloud.client("s3").upload_file(str(file), BUCKET, key)
        rows: list[int] = []
        size = f"{file.stat().st_size / 1e9:.1f} GB of CSV"
        yield Trial(
            (
                Figure(f"{size} to rows everyone can read", "s", at_most_of_peer=TIMES_ARROW),
                Figure(f"{size}: peak memory", "MB", PEAK_MB),
            ),
            _timed("with_tidemill", cloud, key, rows),
            _timed("with_pyarrow", cloud, key, rows),
            "pyarrow",
            rounds=rounds,
            note=NOTE if rounds > 1 else f"{NOTE} One round.",
        )


def run_program(program: str, cloud: LocalCloud, *arguments: str) -> Any:
    """Run a program in a process that is told the cloud, and return what it prints."""
    ours = {} if program == "with_pyarrow" else AS_DEPLOYED
    environment = {**os.environ, **CREDENTIALS, **ours, "AWS_ENDPOINT_URL": cloud.endpoint}
    command = [sys.executable, "-m", f"bench.data.programs.{program}", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _timed(program: str, cloud: LocalCloud, key: str, rows: list[int]) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        found = run_program(program, cloud, BUCKET, key, f"b{uuid.uuid4().hex}")
        rows.append(found["rows"])
        if len(set(rows)) > 1:
            raise Differs(f"{program} read {found['rows']} rows, and another {rows[0]}")
        return [found["seconds"], found["peak_mb"]]

    return measure
