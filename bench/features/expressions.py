"""What expressions cost on one row, and on columns beside the same formulas written in numpy by hand."""

import time
import timeit
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.trial import Figure, Trial
from tidemill import Expr, Float, Int, col, when
from tidemill.expressions import Column, Columns, Type, evaluate, take_rows

N_ROWS = 1_000_000
BAR_US = 10.0
BAR_TO_NUMPY = 2.0
NOTE = "by hand: the values, and the mask of nulls. The least of several calls, in the processor's time."
_CALLS = 300
_REPEATS = 7
_HOUR_US = 3_600_000_000
_NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)
_NOON_64 = np.datetime64("2013-06-01T12:00", "us")

Values = tuple[Any, Any]
"""Values, and the mask of those that are there."""
Formula = Callable[[Any, Any], Values]
"""From the columns' values and their masks, each under its column's name."""


class Differs(Exception):
    """What is written by hand is not what the expression means: the two do not do the same thing."""


@dataclass(frozen=True)
class Case:
    """A formula in both forms."""

    name: str
    expr: Expr
    by_hand: Formula
    n_operations: int = 1


def _finite(values: Any, there: Any) -> Values:
    return values, there & np.isfinite(values)


def _and(left: Values, right: Values) -> Values:
    (a, a_there), (b, b_there) = left, right
    return a & b, (a_there & b_there) | (a_there & ~a) | (b_there & ~b)


def _or(left: Values, right: Values) -> Values:
    (a, a_there), (b, b_there) = left, right
    return a | b, (a_there & b_there) | (a_there & a) | (b_there & b)


def _choose(chosen: Any, yes: Values, no: Values) -> Values:
    return np.where(chosen, yes[0], no[0]), (chosen & yes[1]) | (~chosen & no[1])


def _each(compute: Callable[[str], Any], words: Any, dtype: Any) -> Any:
    return np.array([compute(word) for word in words.tolist()], dtype=dtype)


X, Y, N, M, S, T, U, B, C = map(col, "xynmstubc")
CASES: Sequence[Case] = (
    Case("floats: x + y", X + Y, lambda v, there: (v.x + v.y, there.x & there.y)),
    Case("x > 0.5", X > 0.5, lambda v, there: (v.x > 0.5, there.x)),
    Case("x from 0.2 to 0.8", X.clip(0.2, 0.8), lambda v, there: (np.clip(v.x, 0.2, 0.8), there.x)),
    Case("the root of x", X.sqrt(), lambda v, there: _finite(np.sqrt(v.x), there.x)),
    Case("x rounded", X.round(), lambda v, there: (np.round(v.x), there.x)),
    Case(
        "x as an int",
        X.cast(Int),
        lambda v, there: (v.x.astype(np.int64), there.x & (np.abs(v.x) < 2.0**63)),
    ),
    Case("ints: n + m", N + M, lambda v, there: (v.n + v.m, there.n & there.m)),
    Case("n - m", N - M, lambda v, there: (v.n - v.m, there.n & there.m)),
    Case("n * m", N * M, lambda v, there: (v.n * v.m, there.n & there.m)),
    Case("n * 2", N * 2, lambda v, there: (v.n * 2, there.n)),
    Case(
        "2 n + 3 m - 1",
        N * 2 + M * 3 - 1,
        lambda v, there: (v.n * 2 + v.m * 3 - 1, there.n & there.m),
        n_operations=4,
    ),
    Case("n / m", N / M, lambda v, there: _finite(v.n / v.m, there.n & there.m)),
    Case("n // 7", N // 7, lambda v, there: (v.n // 7, there.n)),
    Case("n % m", N % M, lambda v, there: (v.n % v.m, there.n & there.m & (v.m != 0))),
    Case("-n", -N, lambda v, there: (-v.n, there.n)),
    Case("n > m", N > M, lambda v, there: (v.n > v.m, there.n & there.m)),
    Case("n as a float", N.cast(Float), lambda v, there: (v.n.astype(np.float64), there.n)),
    Case("strings: s == 'JFK'", S == "JFK", lambda v, there: (v.s == "JFK", there.s)),
    Case("s < 'K'", S < "K", lambda v, there: (v.s < "K", there.s)),
    Case(
        "s one of two",
        S.is_in(["JFK", "LGA"]),
        lambda v, there: ((v.s == "JFK") | (v.s == "LGA"), there.s),
    ),
    Case(
        "s begins with J",
        S.starts_with("J"),
        lambda v, there: (_each(lambda word: word.startswith("J"), v.s, np.bool_), there.s),
    ),
    Case("s in lower case", S.lower(), lambda v, there: (_each(str.lower, v.s, object), there.s)),
    Case("the length of s", S.length(), lambda v, there: (_each(len, v.s, np.int64), there.s)),
    Case("times: t > noon", T > _NOON, lambda v, there: (v.t > _NOON_64, there.t)),
    Case("t == u", T == U, lambda v, there: (v.t == v.u, there.t & there.u)),
    Case(
        "seconds from u to t",
        T - U,
        lambda v, there: ((v.t - v.u).astype(np.int64) / 1e6, there.t & there.u),
    ),
    Case("the hour of t", T.hour(), lambda v, there: (v.t.view(np.int64) // _HOUR_US % 24, there.t)),
    Case(
        "the weekday of t",
        T.weekday(),
        lambda v, there: ((v.t.view(np.int64) // (24 * _HOUR_US) + 3) % 7, there.t),
    ),
    Case(
        "the month of t",
        T.month(),
        lambda v, there: (v.t.astype("datetime64[M]").astype(np.int64) % 12 + 1, there.t),
    ),
    Case("bools: b and c", B & C, lambda v, there: _and((v.b, there.b), (v.c, there.c))),
    Case("b or c", B | C, lambda v, there: _or((v.b, there.b), (v.c, there.c))),
    Case("not b", ~B, lambda v, there: (~v.b, there.b)),
    Case(
        "(b and c) or not b",
        (B & C) | ~B,
        lambda v, there: _or(_and((v.b, there.b), (v.c, there.c)), (~v.b, there.b)),
        n_operations=3,
    ),
    Case("nulls: is x null", X.is_null(), lambda v, there: (~there.x, np.ones(len(v.x), dtype=np.bool_))),
    Case(
        "is x not null",
        X.is_not_null(),
        lambda v, there: (there.x.copy(), np.ones(len(v.x), dtype=np.bool_)),
    ),
    Case(
        "x, or y for null", X.fill_null(Y), lambda v, there: (np.where(there.x, v.x, v.y), there.x | there.y)
    ),
    Case(
        "choices: x if b, else y",
        when(B).then(X).otherwise(Y),
        lambda v, there: _choose(v.b & there.b, (v.x, there.x), (v.y, there.y)),
    ),
    Case(
        "x if x > 0.5, else y",
        when(X > 0.5).then(X).otherwise(Y),
        lambda v, there: _choose((v.x > 0.5) & there.x, (v.x, there.x), (v.y, there.y)),
        n_operations=2,
    ),
    Case(
        "all in one: the root of (2 x + 3 y - 1) / (x + 1)",
        ((X * 2 + Y * 3 - 1) / (X + 1)).sqrt(),
        lambda v, there: _finite(np.sqrt((v.x * 2 + v.y * 3 - 1) / (v.x + 1)), there.x & there.y),
        n_operations=7,
    ),
)
"""Every operation, or one of those that are made alike."""


def trials() -> Iterator[Trial]:
    """Give the trials."""
    columns = table(N_ROWS)
    one_row = take_rows(columns, np.array([0]))
    for case in CASES:
        check(case, columns)
        yield Trial(
            (Figure(f"{case.name}; on one row, each operation", "us", BAR_US),),
            _microseconds(case, one_row),
        )
        yield Trial(
            (Figure(f"{case.name}; on {N_ROWS // 1_000_000} M rows", "ms", at_most_of_peer=BAR_TO_NUMPY),),
            _milliseconds(partial(evaluate, case.expr, columns)),
            _milliseconds(partial(hand, case, columns)),
            "numpy by hand",
            note=NOTE,
        )


def table(n_rows: int) -> dict[str, Column]:
    """Return columns of every type, a tenth of each null."""
    random = np.random.default_rng(0)
    words = np.array(["EWR", "JFK", "LGA", "SFO"], dtype=object)
    began_us, year_us = 1_356_998_400_000_000, 365 * 24 * _HOUR_US

    def column(type_: Type, values: Any) -> Column:
        return Column(type_, values, random.random(n_rows) < 0.9)

    return {
        **{name: column(Type.FLOAT, random.random(n_rows)) for name in "xy"},
        **{name: column(Type.INT, random.integers(-1000, 1000, n_rows)) for name in "nm"},
        "s": column(Type.STRING, words[random.integers(0, len(words), n_rows)]),
        **{
            name: column(
                Type.TIMESTAMP, (began_us + random.integers(0, year_us, n_rows)).view("datetime64[us]")
            )
            for name in "tu"
        },
        **{name: column(Type.BOOL, random.random(n_rows) < 0.5) for name in "bc"},
    }


def hand(case: Case, columns: Columns) -> Values:
    """Compute a formula by hand."""
    values = SimpleNamespace(**{name: each.values for name, each in columns.items()})
    there = SimpleNamespace(**{name: each.valid for name, each in columns.items()})
    return case.by_hand(values, there)


def check(case: Case, columns: Columns) -> None:
    """Raise ``Differs`` unless both forms of a formula come to the same."""
    with np.errstate(all="ignore"):
        values, there = hand(case, columns)
    found = evaluate(case.expr, columns)
    if not (found.valid == there).all() or not (found.values[there] == values[there]).all():
        raise Differs(f"{case.name}: by hand it is something else than the expression")


def _microseconds(case: Case, columns: Columns) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        seconds = _least_seconds(partial(evaluate, case.expr, columns), _CALLS)
        return [1e6 * seconds / case.n_operations]

    return measure


def _milliseconds(call: Callable[[], Any]) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        with np.errstate(all="ignore"):
            return [1e3 * _least_seconds(call, 1)]

    return measure


def _least_seconds(call: Callable[[], Any], number: int) -> float:
    """Time calls, so many together; what else the machine does meanwhile does not count."""
    return min(timeit.repeat(call, timer=time.thread_time, number=number, repeat=_REPEATS)) / number
