"""The smallest value of a range is what a plain loop finds, for any range of any array."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tidemill.features.ranges import RangeMinima, spread_minima


@given(st.integers(0, 300), st.randoms(use_true_random=False))
def test_the_smallest_value_of_any_range_is_found(n_values: int, random: Random) -> None:
    values = np.array([random.choice([-1.5, 0.0, 2.0, np.inf, random.random()]) for _ in range(n_values)])
    ranges = [(random.randint(0, n_values), random.randint(0, n_values)) for _ in range(50)]
    starts, ends = np.array(ranges).T
    found = RangeMinima(values).of(starts, ends)
    assert found.tolist() == [min(values[start:end], default=np.inf) for start, end in ranges]


@given(st.integers(1, 100), st.integers(0, 50), st.randoms(use_true_random=False))
def test_the_smallest_value_whose_range_covers_a_place_is_found(
    n: int, n_ranges: int, random: Random
) -> None:
    ranges = [sorted(random.sample(range(n + 1), 2)) for _ in range(n_ranges)]
    values = [random.choice([-1.5, 0.0, 2.0]) for _ in ranges]
    starts, ends = np.array(ranges, dtype=np.int64).reshape(n_ranges, 2).T
    found = spread_minima(n, starts, ends, np.array(values, dtype=np.float64))
    covering = [
        [value for value, (start, end) in zip(values, ranges, strict=True) if start <= place < end]
        for place in range(n)
    ]
    assert found.tolist() == [min(each, default=np.inf) for each in covering]
