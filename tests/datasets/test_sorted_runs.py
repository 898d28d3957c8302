"""Sorted hashes are found, read and merged alike in memory and in a file."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.datasets.hashes import Hashes
from tidemill.datasets.sorted_runs import FileRun, MemoryRun, Run, merged

MakeRun = Callable[[Hashes], Run]
RUNS: list[MakeRun] = [MemoryRun, lambda hashes: FileRun(np.array_split(hashes, 3))]


def hashes_of(n_hashes: int, seed: int) -> Hashes:
    """Return sorted hashes, some of them near to each other."""
    random = np.random.default_rng(seed)
    wide = random.integers(0, 2**64, n_hashes, dtype=np.uint64)
    near = random.integers(2**40, 2**40 + n_hashes, n_hashes, dtype=np.uint64)
    return np.unique(np.where(random.random(n_hashes) < 0.5, wide, near))


@pytest.mark.parametrize("make_run", RUNS)
@given(n_hashes=st.sampled_from([1, 2, 511, 512, 513, 70_000]), n_asked=st.sampled_from([0, 1, 600, 50_000]))
def test_what_is_in_a_run_is_found_and_nothing_else(make_run: MakeRun, n_hashes: int, n_asked: int) -> None:
    inside = hashes_of(n_hashes, seed=0)
    asked = np.sort(np.concatenate([hashes_of(n_asked, seed=1), inside[:: 1 + n_hashes // (n_asked + 1)]]))
    assert make_run(inside).contains(asked).tolist() == np.isin(asked, inside).tolist()


@pytest.mark.parametrize("make_run", RUNS)
@pytest.mark.parametrize("n_hashes", [1, 65_536, 200_000])
def test_a_run_gives_back_what_is_in_it(make_run: MakeRun, n_hashes: int) -> None:
    hashes = hashes_of(n_hashes, seed=0)
    run = make_run(hashes)
    assert len(run) == len(hashes)
    assert np.concatenate([*run.blocks()]).tolist() == hashes.tolist()
    assert run.to_bytes() == hashes.astype("<u8").tobytes()


@pytest.mark.parametrize("make_first", RUNS)
@pytest.mark.parametrize("make_second", RUNS)
@pytest.mark.parametrize("sizes", [(1, 1), (3, 200_000), (200_000, 3), (150_000, 180_000)])
def test_merged_runs_have_the_hashes_of_both_in_order(
    make_first: MakeRun, make_second: MakeRun, sizes: tuple[int, int]
) -> None:
    first, second = hashes_of(sizes[0], seed=0), hashes_of(sizes[1], seed=1)
    together = np.concatenate([*merged(make_first(first), make_second(second))])
    assert together.tolist() == np.sort(np.concatenate([first, second])).tolist()
