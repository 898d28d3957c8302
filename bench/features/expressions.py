"""What an expression costs on one row, and on columns beside the same formula written in numpy by hand."""

import timeit
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from bench.trial import Figure, Trial
from tidemill import Expr, col, when
from tidemill.expressions import Columns, evaluate, from_array, take_rows
from tidemill.expressions.columns import Column, Type

N_ROWS = 1_000_000
BAR_US = 10.0
BAR_TO_NUMPY = 2.0
_CALLS = 1000

Formula = Callable[..., tuple[Any, Any]]
"""From values and masks of two columns to those of the result."""

CASES: Sequence[tuple[str, int, Expr, Formula]] = (
    ("x + y", 1, col("x") + col("y"), lambda x, y, there: (x + y, there)),
    ("x > 0.5", 1, col("x") > 0.5, lambda x, _, there: (x > 0.5, there)),
    (
        "the root of (2 x + 3 y - 1) / (x + 1)",
        7,
        ((col("x") * 2 + col("y") * 3 - 1) / (col("x") + 1)).sqrt(),
        lambda x, y, there: _finite(np.sqrt((x * 2 + y * 3 - 1) / (x + 1)), there),
    ),
    (
        "a choice of x or y",
        2,
        when(col("x") > 0.5).then(col("x")).otherwise(col("y")),
        lambda x, y, there: (np.where(x > 0.5, x, y), there),
    ),
)
"""A formula's name, its number of operations, the expression, and the same by hand."""


def trials() -> Iterator[Trial]:
    """Give the trials."""
    random = np.random.default_rng(0)
    there = random.random(N_ROWS) < 0.9
    x, y = random.random((2, N_ROWS))
    columns: Columns = {"x": Column(Type.FLOAT, x, there), "y": from_array(Type.FLOAT, y)}
    one_row = take_rows(columns, np.array([0]))
    for name, n_operations, expr, by_hand in CASES:
        yield Trial(
            (Figure(f"`{name}` on one row, each operation", "us", BAR_US),),
            _microseconds(expr, one_row, n_operations),
        )
        yield Trial(
            (Figure(f"`{name}` on {N_ROWS // 1_000_000} M rows", "ms", at_most_of_peer=BAR_TO_NUMPY),),
            _milliseconds(partial(evaluate, expr, columns)),
            _milliseconds(partial(by_hand, x, y, there)),
            "numpy by hand",
            note="by hand: the values, and the mask of nulls.",
        )


def _finite(values: Any, there: Any) -> tuple[Any, Any]:
    return values, there & np.isfinite(values)


def _microseconds(expr: Expr, columns: Columns, n_operations: int) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        return [1e6 * timeit.timeit(lambda: evaluate(expr, columns), number=_CALLS) / _CALLS / n_operations]

    return measure


def _milliseconds(call: Callable[[], Any]) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        with np.errstate(all="ignore"):
            call()
            return [1e3 * min(timeit.repeat(call, number=1, repeat=5))]

    return measure
