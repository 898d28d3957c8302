"""Whatever well-typed expression: JSON brings it back, and one row gives what all rows give."""

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.expressions.test_evaluation import TABLE
from tidemill import Expr, Float, Int, Timestamp, Type, col, lit
from tidemill.expressions import column, evaluate, from_json, infer_type, schema_of, take_rows
from tidemill.expressions.operations import OPERATIONS

Signature = tuple[str, tuple[Type, ...]]
COLUMN_OF = {each.type: name for name, each in TABLE.items()}
LITERALS: dict[Type, st.SearchStrategy[Any]] = {
    Type.STRING: st.text(max_size=3),
    Type.INT: st.integers(-(2**63), 2**63 - 1),
    Type.FLOAT: st.floats(allow_nan=False, allow_infinity=False),
    Type.BOOL: st.booleans(),
    Type.TIMESTAMP: st.datetimes(),
}


def signatures() -> dict[Type, list[Signature]]:
    """List every operation with the types it takes, by the type it gives."""
    found: dict[Type, list[Signature]] = {type_: [] for type_ in Type}
    for name, operation in OPERATIONS.items():
        n_most = len(operation.accepts) + (1 if operation.repeats else 0)
        for n_arguments in range(len(operation.accepts), n_most + 1):
            for types in product(*(sorted(operation.accepted(at), key=str) for at in range(n_arguments))):
                result = operation.result(types)
                if result is not None:
                    found[result].append((name, types))
    return found


SIGNATURES = signatures()


@st.composite
def expressions(draw: st.DrawFn, type_: Type, depth: int) -> Expr:
    """Draw an expression of a type, at most so many operations deep."""
    what = draw(st.integers(0, 4))
    if depth == 0 or what == 0:
        return col(COLUMN_OF[type_]) if draw(st.booleans()) else lit(draw(LITERALS[type_]))
    name, types = draw(st.sampled_from(SIGNATURES[type_]))
    arguments = [draw(expressions(each, depth - 1)).to_json() for each in types]
    return from_json({"op": name, "args": arguments})


def typed() -> st.SearchStrategy[tuple[Type, Expr]]:
    """Draw a type and an expression of it."""
    return st.sampled_from(Type).flatmap(lambda type_: st.tuples(st.just(type_), expressions(type_, 3)))


@settings(deadline=None, max_examples=150)
@given(typed())
def test_json_brings_the_same_expression_back_and_it_means_the_same(drawn: tuple[Type, Expr]) -> None:
    type_, expr = drawn
    back = from_json(json.loads(json.dumps(expr.to_json())))
    assert back.to_json() == expr.to_json()
    assert infer_type(back, schema_of(TABLE)) is type_
    assert same(values_of(back), values_of(expr))


@settings(deadline=None, max_examples=150)
@given(typed())
def test_one_row_gives_what_all_rows_give_whatever_lies_under_nulls(drawn: tuple[Type, Expr]) -> None:
    _, expr = drawn
    whole = values_of(expr)
    single = [
        evaluate(expr, take_rows(TABLE, np.array([row]))).to_list()[0] for row in range(len(TABLE["x"]))
    ]
    assert same(single, whole)
    disturbed = {name: type(each)(each.type, each.values.copy(), each.valid) for name, each in TABLE.items()}
    for each in disturbed.values():
        each.values[~each.valid] = UNDER_NULL[each.type]
    assert same(evaluate(expr, disturbed).to_list(), whole)


UNDER_NULL = {
    Type.STRING: None,
    Int: -(2**63),
    Float: float("nan"),
    Type.BOOL: True,
    Timestamp: np.datetime64("NaT", "us"),
}


def values_of(expr: Expr) -> list[Any]:
    """Evaluate an expression on the table."""
    return evaluate(expr, TABLE).to_list()


def same(left: Sequence[Any], right: Sequence[Any]) -> bool:
    """Compare to the bit, so that 0.0 is not -0.0."""
    return [repr(each) for each in left] == [repr(each) for each in right]


@st.composite
def formulas(draw: st.DrawFn, depth: int = 3) -> tuple[Expr, Callable[[Mapping[str, int]], int | None]]:
    """Draw a formula of ints, and the same in Python's: None as soon as something does not fit 64 bits."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        name, constant = draw(st.sampled_from("ab")), draw(st.one_of(st.none(), LITERALS[Int]))
        if constant is None:
            return col(name), lambda row: row[name]
        return lit(constant), lambda _: constant
    compute = draw(st.sampled_from([operator.add, operator.sub, operator.mul]))
    (left, one), (right, other) = draw(formulas(depth - 1)), draw(formulas(depth - 1))

    def exactly(row: Mapping[str, int]) -> int | None:
        x, y = one(row), other(row)
        result = None if x is None or y is None else compute(x, y)
        return result if result is not None and -(2**63) <= result < 2**63 else None

    return compute(left, right), exactly


LARGE_OR_SMALL = st.one_of(LITERALS[Int], st.integers(-9, 9), st.sampled_from([2**62, -(2**62), 2**63 - 1]))


@settings(deadline=None, max_examples=150)
@given(formulas(), st.lists(st.tuples(LARGE_OR_SMALL, LARGE_OR_SMALL), min_size=1, max_size=6))
def test_ints_are_exact_or_null(
    drawn: tuple[Expr, Callable[[Mapping[str, int]], int | None]], rows: list[tuple[int, int]]
) -> None:
    expr, exactly = drawn
    table = {name: column(Int, [row[place] for row in rows]) for place, name in enumerate("ab")}
    assert evaluate(expr, table).to_list() == [exactly({"a": a, "b": b}) for a, b in rows]
