"""The bench of expressions compares only what means the same."""

from dataclasses import replace

import pytest

from bench.features.expressions import CASES, Case, Differs, check, table


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_is_written_by_hand_is_what_the_expression_means(case: Case) -> None:
    check(case, table(500))


def test_something_else_written_by_hand_is_not_compared() -> None:
    other = replace(CASES[0], by_hand=lambda v, there: (v.x - v.y, there.x & there.y))
    with pytest.raises(Differs, match=r"floats: x \+ y: by hand it is something else"):
        check(other, table(500))
