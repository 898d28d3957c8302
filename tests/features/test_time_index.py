"""TimeIndex sorts and counts moments as plain loops do, however far apart they lie."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.features.blocks import BLOCK
from tidemill.features.definitions import Ints
from tidemill.features.time_index import TimeIndex, sort_codes

Moments = list[tuple[int, int]]

CODES = st.integers(0, 2000)
NEAR = st.integers(-20, 20)
FAR = st.integers(-(2**58), 2**58)
CHANGES: dict[str, Callable[[Ints], Ints]] = {
    "as they are": lambda times: times,
    "a while later": lambda times: times + 7,
    "rounded down": lambda times: times // 5 * 5,
}


def index_of(moments: Moments) -> TimeIndex:
    table = np.array(moments, dtype=np.int64).reshape(len(moments), 2)
    return TimeIndex(table[:, 0], table[:, 1])


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
@pytest.mark.parametrize("times", [NEAR, FAR], ids=["times close together", "times ages apart"])
def test_moments_before_an_entity_and_time_are_counted(
    times: st.SearchStrategy[int], change: Callable[[Ints], Ints]
) -> None:
    @given(
        st.lists(st.tuples(CODES, times), max_size=30),
        st.lists(st.tuples(st.integers(-1, 3000), times | FAR), max_size=10),
    )
    def counts(moments: Moments, others: Moments) -> None:
        asked = others + moments
        index, others_index = index_of(moments), index_of(asked)
        found = index.count_before(others_index, change)
        wanted = [(code, int(change(np.array([time]))[0])) for code, time in sorted(asked)]
        assert found.tolist() == [sum(each < question for each in moments) for question in wanted]

    counts()


@given(st.lists(st.tuples(CODES, NEAR), max_size=30))
def test_moments_are_sorted_by_entity_and_time_and_say_where_they_came_from(moments: Moments) -> None:
    index = index_of(moments)
    in_order = sorted(moments)
    assert list(zip(index.codes.tolist(), index.times.tolist(), strict=True)) == in_order
    ranks = np.arange(len(moments))
    entities, positions = index.at(ranks)
    assert entities.tolist() == [code for code, _ in in_order]
    assert [moments[position] for position in positions.tolist()] == in_order
    assert index.arrange(np.arange(len(moments))).tolist() == positions.tolist()
    assert index.has_ties() == (len(set(moments)) < len(moments))


@given(st.lists(st.tuples(CODES, NEAR, NEAR), max_size=30))
def test_rows_sorted_by_one_time_are_found_in_the_order_of_another(rows: list[tuple[int, int, int]]) -> None:
    by_first = index_of([(code, first) for code, first, _ in rows])
    by_second = index_of([(code, second) for code, _, second in rows])
    first_order = by_first.arrange(np.arange(len(rows)))
    second_order = by_second.arrange(np.arange(len(rows)))
    assert first_order[by_first.ranks(by_second)].tolist() == second_order.tolist()


@given(st.lists(st.integers(0, 2**62) | CODES, max_size=30))
def test_sorting_codes_leaves_equal_ones_in_their_order(codes: list[int]) -> None:
    in_order, order = sort_codes(np.array(codes, dtype=np.int64))
    assert in_order.tolist() == sorted(codes)
    assert order.tolist() == sorted(range(len(codes)), key=lambda place: codes[place])


@pytest.mark.parametrize("place", [1, BLOCK - 1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK])
@pytest.mark.parametrize("n", [2 * BLOCK, 2 * BLOCK + 1])
def test_one_moment_out_of_order_is_noticed_wherever_it_stands(place: int, n: int) -> None:
    times = np.arange(n)
    place = min(place, n - 1)
    times[[place - 1, place]] = times[[place, place - 1]]
    index = TimeIndex(np.zeros(n, dtype=np.int64), times)
    assert not index.is_sorted
    assert (index.moments == np.arange(n)).all()
    assert TimeIndex(np.zeros(n, dtype=np.int64), np.arange(n)).is_sorted
