"""The features bench compares only what comes to the same result, and runs what it times from files."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.features.__main__ import ROOT, Differs, check_answer


def test_a_peer_that_finds_something_else_is_not_compared() -> None:
    check_answer("a peer", {"sum": 1.0}, {"sum": 1.0 + 1e-9})
    with pytest.raises(Differs, match=r"a peer: sum adds up to 2.0, not to 1.0"):
        check_answer("a peer", {"sum": 1.0}, {"sum": 2.0})


def test_our_program_takes_windows_of_the_files_it_is_given(tmp_path: Path) -> None:
    at = pa.array(np.array([10, 20, 30]) * 1_000_000, type=pa.timestamp("us", tz="UTC"))
    events = {"entity": [1, 1, 2], "at": at, "x": [1.0, 2.0, 4.0], "word": [7, 7, 8]}
    pq.write_table(pa.table(events), tmp_path / "events.parquet")
    pq.write_table(pa.table({"entity": [1, 2, 1], "at": at}), tmp_path / "moments.parquet")
    program = "bench.features.programs.with_tidemill"
    command = [sys.executable, "-m", program, "sums", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert (found["answer"]["sum_1h"], found["answer"]["count_720h"]) == (3.0, 2.0)
    assert found["seconds"] > 0
    assert found["peak_mb"] > 10
