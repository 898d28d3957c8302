"""Exact sums: the same numbers give the same bits in any order and any grouping, and the right ones."""

from fractions import Fraction
from random import Random

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tidemill.features.exact import LOWEST, Limbs, finest, scaled_deviations, split, split_squares, to_float

NUMBERS = st.lists(
    st.floats(-(2.0**62), 2.0**62) | st.sampled_from([1e18, -1e18, 1e-30, 0.1, 2.0**-128]),
    min_size=1,
    max_size=30,
)
SMALL = st.floats(1e-20, 1e-9)
"""Numbers whose squares end below the resolution, or just above."""
RESOLUTION = Fraction(1, 2**128)


def summed(limbs: Limbs) -> Limbs:
    return {place: limb.sum(keepdims=True) for place, limb in limbs.items()}


def tiled(limbs: Limbs, n: int = 100) -> Limbs:
    """Repeat a sum, so that there are too many to be added up one by one."""
    return {place: np.repeat(limb, n) for place, limb in limbs.items()}


def side_by_side(sums: list[Limbs]) -> Limbs:
    """Lay sums side by side; a limb that one of them lacks is zero."""
    places, zero = set().union(*sums), np.zeros(1, dtype=np.int64)
    return {place: np.concatenate([each.get(place, zero) for each in sums]) for place in places}


def rounded(value: Fraction) -> Fraction:
    return round(value / RESOLUTION) * RESOLUTION


@given(NUMBERS)
@example([2.3058430092136945e18, 2.3058430092136945e18, 4.4507069123819945e18, 6.527702866289145e-25])
def test_a_sum_is_the_exact_sum_rounded_once(numbers: list[float]) -> None:
    exact = sum((rounded(Fraction(number)) for number in numbers), Fraction(0))
    sums = summed(split(np.array(numbers)))
    assert to_float(sums, 1).tolist() == [float(exact)]
    assert to_float(tiled(sums), 100).tolist() == [float(exact)] * 100


@given(NUMBERS, st.randoms(use_true_random=False), st.integers(0, 30))
def test_order_and_grouping_do_not_change_a_bit(numbers: list[float], random: Random, cut: int) -> None:
    whole = to_float(summed(split(np.array(numbers))), 1)
    shuffled = list(numbers)
    random.shuffle(shuffled)
    parts = [summed(split(np.array(part, dtype=np.float64))) for part in (shuffled[:cut], shuffled[cut:])]
    places = set(parts[0]) | set(parts[1])
    zero = np.zeros(1, dtype=np.int64)
    joined = {place: parts[0].get(place, zero) + parts[1].get(place, zero) for place in places}
    assert to_float(joined, 1).tobytes() == whole.tobytes()


@given(st.lists(st.floats(-1e15, 1e15), min_size=2, max_size=20) | st.lists(SMALL, min_size=2, max_size=3))
@example([7.958729450323381e-13, 0.0])
def test_deviations_are_right_however_close_the_numbers_lie(numbers: list[float]) -> None:
    values = np.array(numbers)
    sums, sums_of_squares = summed(split(values)), summed(split_squares(values))
    found = scaled_deviations(sums, sums_of_squares, np.array([len(values)]))
    many = scaled_deviations(tiled(sums), tiled(sums_of_squares), np.full(100, len(values)))
    n, total = len(numbers), sum((rounded(Fraction(number)) for number in numbers), Fraction(0))
    squares = sum((rounded(Fraction(number) ** 2) for number in numbers), Fraction(0))
    exact = float(max(n * squares - total**2, Fraction(0)))
    assert found.tolist() == [exact]
    assert many.tolist() == [exact] * 100


@given(SMALL)
@example(7.958729450323381e-13)  # half a unit but for what its square, as a float, lacks
@example(3.11815101892357e-12)
def test_a_square_is_rounded_once(number: float) -> None:
    limbs = split_squares(np.array([number]))
    found = sum(Fraction(int(limb[0])) * Fraction(2) ** exponent for exponent, limb in limbs.items())
    assert found == rounded(Fraction(number) ** 2)


def test_equal_numbers_have_no_deviation_at_all() -> None:
    values = np.full(7, 1_356_998_400.1)
    found = scaled_deviations(summed(split(values)), summed(split_squares(values)), np.array([7]))
    assert found.tolist() == [0.0]


def test_whole_numbers_take_one_limb() -> None:
    assert set(split(np.array([3.0, -40.0, 2.0**31]))) == {0}


@given(NUMBERS, st.integers(33, 52))
def test_fewer_and_wider_limbs_give_the_same_bits(numbers: list[float], width: int) -> None:
    values = np.array(numbers)
    count = np.array([len(values)])
    wide = summed(split(values, finest(values), width))
    wide_squares = summed(split_squares(values, max(2 * finest(values), LOWEST), width))
    assert to_float(wide, 1).tobytes() == to_float(summed(split(values)), 1).tobytes()
    assert to_float(wide_squares, 1).tobytes() == to_float(summed(split_squares(values)), 1).tobytes()
    plain = scaled_deviations(summed(split(values)), summed(split_squares(values)), count)
    assert scaled_deviations(wide, wide_squares, count).tobytes() == plain.tobytes()


@given(st.lists(NUMBERS, min_size=2, max_size=6), st.integers(33, 52))
def test_each_of_many_sums_has_the_bits_it_has_by_itself(groups: list[list[float]], width: int) -> None:
    groups = groups * 40  # too many to be added up one by one
    numbers, counts = [np.array(group) for group in groups], np.array([len(group) for group in groups])
    lowest = min(finest(each) for each in numbers)
    sums = [summed(split(each, lowest, width)) for each in numbers]
    squares = [summed(split_squares(each, max(2 * lowest, LOWEST), width)) for each in numbers]
    alone = [to_float(each, 1)[0] for each in sums]
    deviations = [
        scaled_deviations(one, other, counts[place : place + 1])[0]
        for place, (one, other) in enumerate(zip(sums, squares, strict=True))
    ]
    assert to_float(side_by_side(sums), len(groups)).tolist() == alone
    assert scaled_deviations(side_by_side(sums), side_by_side(squares), counts).tolist() == deviations
