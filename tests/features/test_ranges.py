"""The smallest value of a range is what a plain loop finds, for any range of any array."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tidemill.features.ranges import RangeMinima


@given(st.integers(0, 300), st.randoms(use_true_random=False))
def test_the_smallest_value_of_any_range_is_found(n_values: int, random: Random) -> None:
    values = np.array([random.choice([-1.5, 0.0, 2.0, np.inf, random.random()]) for _ in range(n_values)])
    ranges = [(random.randint(0, n_values), random.randint(0, n_values)) for _ in range(50)]
    starts, ends = np.array(ranges).T
    found = RangeMinima(values).of(starts, ends)
    assert found.tolist() == [min(values[start:end], default=np.inf) for start, end in ranges]
