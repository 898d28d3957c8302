"""TimeIndex counts moments as a plain loop does, also where entity and time do not fit one integer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.features.time_index import TimeIndex

CODES = st.integers(0, 2000)
NEAR = st.integers(-20, 20)
FAR = st.integers(-(2**58), 2**58)


@pytest.mark.parametrize("times", [NEAR, FAR], ids=["times close together", "times ages apart"])
def test_moments_before_an_entity_and_time_are_counted(times: st.SearchStrategy[int]) -> None:
    @given(
        st.lists(st.tuples(CODES, times), max_size=30),
        st.lists(st.tuples(st.integers(-1, 3000), times | FAR), min_size=1, max_size=10),
    )
    def counts(moments: list[tuple[int, int]], asked: list[tuple[int, int]]) -> None:
        questions = asked + moments
        table = np.array(moments, dtype=np.int64).reshape(len(moments), 2)
        index = TimeIndex(table[:, 0], table[:, 1])
        wanted = np.array(questions, dtype=np.int64)
        found = index.count_before(wanted[:, 0], wanted[:, 1])
        assert found.tolist() == [sum(each < question for each in moments) for question in questions]

    counts()


@given(st.lists(st.tuples(CODES, NEAR), max_size=30), st.integers(1, 50))
def test_moments_a_while_later_are_counted_as_if_they_were_written_so(
    moments: list[tuple[int, int]], us: int
) -> None:
    table = np.array(moments, dtype=np.int64).reshape(len(moments), 2)
    index = TimeIndex(table[:, 0], table[:, 1])
    later = index.later(us)
    codes, times = table[:, 0], table[:, 1]
    expected = [sum((c, t + us) < (code, time) for c, t in moments) for code, time in moments]
    assert later.count_before(codes, times).tolist() == expected
    in_order = sorted(moments)
    assert later.times(np.array([code for code, _ in in_order], dtype=np.int64)).tolist() == [
        time + us for _, time in in_order
    ]
    assert index.has_ties() == (len(set(moments)) < len(moments))
