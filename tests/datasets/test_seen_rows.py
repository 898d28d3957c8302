"""Large sets of rows: the first of equal ones is new, and memory is bounded however many there are."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.datasets.seen_rows import SeenRows

MEASURED = """
import sys
from pathlib import Path

import numpy as np

from tidemill.datasets.seen_rows import SeenRows


def most_mb():
    # Of this program alone: what getrusage tells begins with the peak of the one that started it.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6


def evenly(offset):
    return np.arange(1_000_000, dtype=np.uint64) * np.uint64(2**64 // 1_000_000) + np.uint64(offset)


random = np.random.default_rng(0)
"""
SEARCHED = """
before = most_mb()
seen = SeenRows(map(evenly, range(30)), largest=2**18)
assert seen.contains(evenly(7)[::-10]).all()
assert not seen.contains(evenly(99)[::10]).any()
print(most_mb() - before)
"""
FILLED = """
before = most_mb()
seen = SeenRows(largest=2**18)
for _ in range(100):
    assert not seen.add(random.integers(0, 2**64, 100_000, dtype=np.uint64)).any()
print(most_mb() - before)
"""
STORED = """
before = most_mb()
seen = SeenRows(map(evenly, range(30)), largest=2**18, longest=2**18)
stored = sum(len(run.to_bytes()) for run in seen.runs)
assert stored == 240_000_000, stored
print(most_mb() - before)
"""


@given(
    spread=st.sampled_from([1, 0x9E3779B97F4A7C15]),
    largest=st.sampled_from([4, 2**22]),
    longest=st.sampled_from([4, 2**22]),
    filtered_from=st.sampled_from([0, 30, 2**22]),
    batches=st.lists(st.lists(st.integers(0, 60), max_size=20), max_size=12),
)
def test_of_equal_rows_the_first_is_new_however_they_are_batched(
    spread: int, largest: int, longest: int, filtered_from: int, batches: list[list[int]]
) -> None:
    """Spread over all bits, as hashes are, or alike in all but the last of them."""
    seen, expected = SeenRows(largest=largest, longest=longest, filtered_from=filtered_from), set()
    for batch in ([number * spread % 2**64 for number in numbers] for numbers in batches):
        repeated = seen.add(np.array(batch, dtype=np.uint64)).tolist()
        for number, again in zip(batch, repeated, strict=True):
            assert again == (number in expected)
            expected.add(number)
    runs = [[hash_ for block in run.blocks() for hash_ in block.tolist()] for run in seen.runs]
    assert sorted(hash_ for run in runs for hash_ in run) == sorted(expected)
    assert all(run == sorted(set(run)) for run in runs)


@pytest.mark.parametrize("filtered_from", [0, 2**22])
def test_what_was_in_a_set_to_begin_with_is_in_it(filtered_from: int) -> None:
    numbers = np.arange(100_000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    seen = SeenRows([np.sort(numbers)], largest=2**15, filtered_from=filtered_from)
    assert seen.add(numbers[::7]).all()
    assert not seen.add(numbers + np.uint64(1)).any()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a process")
@pytest.mark.parametrize(
    ("program", "most_mb"),
    [
        pytest.param(SEARCHED, 40, id="240 MB of hashes searched"),
        pytest.param(FILLED, 64 + 50, id="80 MB of hashes filled in, beside the filter"),
        pytest.param(STORED, 40, id="240 MB of hashes stored"),
    ],
)
def test_memory_holds_a_part_of_a_large_set_and_no_more_of_it_than_it_looks_at(
    program: str, most_mb: float
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED + program], check=True, stdout=subprocess.PIPE, text=True
    )
    assert float(done.stdout) < most_mb
