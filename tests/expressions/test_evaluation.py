"""col() expressions: types, values, nulls as SQL has them, and JSON."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill import Bool, Expr, Float, Int, String, Timestamp, Type, col, concat, greatest, least, lit, when
from tidemill.errors import ExpressionError
from tidemill.expressions import column, evaluate, from_json, infer_type, take_rows
from tidemill.expressions.operations import OPERATIONS

T0 = datetime(2013, 1, 6, 23, 59, 30, tzinfo=UTC)
TABLE = {
    "x": column(Float, [1.5, None, -2.0, 0.0]),
    "n": column(Int, [7, 0, None, -3]),
    "s": column(String, ["JFK", "", None, "ewr"]),
    "b": column(Bool, [True, False, None, True]),
    "t": column(Timestamp, [T0, T0 + timedelta(days=1), None, datetime(2012, 12, 31, tzinfo=UTC)]),
}

CASES: list[tuple[Expr, list[Any]]] = [
    (col("x") + col("n"), [8.5, None, None, -3.0]),
    (col("n") * 2 - 1, [13, -1, None, -7]),
    (1 / col("x"), [1 / 1.5, None, -0.5, None]),
    (col("n") / col("n"), [1.0, None, None, 1.0]),
    (col("n") // 2, [3, 0, None, -2]),
    (lit(7) % col("n"), [0, None, None, -2]),
    (-col("x"), [-1.5, None, 2.0, 0.0]),
    (col("n") + 2**62 + 2**62, [None, None, None, 2**63 - 3]),
    (col("x") > 0, [True, None, False, False]),
    (col("s") == "JFK", [True, False, None, False]),
    (col("s") < "a", [True, True, None, False]),
    (col("t") >= T0, [True, True, None, False]),
    (col("t") - T0, [0.0, 86_400.0, None, -604_770.0]),
    (col("b") & (col("x") > 0), [True, False, False, False]),
    (col("b") | (col("x") > 0), [True, None, None, True]),
    (~col("b"), [False, True, None, False]),
    (col("x").is_null(), [False, True, False, False]),
    (col("x").is_not_null(), [True, False, True, True]),
    (col("x").fill_null(9), [1.5, 9.0, -2.0, 0.0]),
    (col("n").fill_null(col("x")), [7.0, 0.0, -2.0, -3.0]),
    (
        when(col("x") > 0).then("up").when(col("x") < 0).then("down").otherwise("flat"),
        ["up", "flat", "down", "flat"],
    ),
    (when(col("b")).then(col("n")).otherwise(None), [7, None, None, -3]),
    (when(col("b")).then(1).otherwise(0.5), [1.0, 0.5, 0.5, 1.0]),
    (col("s").is_in(["JFK", "LGA"]), [True, False, None, False]),
    (col("n").is_in([7, 0]), [True, True, None, False]),
    (col("n").clip(0, 5), [5, 0, None, 0]),
    (least(col("x"), col("n")), [1.5, None, None, -3.0]),
    (greatest(col("x"), col("n"), 1), [7.0, None, None, 1.0]),
    (col("n").abs(), [7, 0, None, 3]),
    (col("x").floor(), [1.0, None, -2.0, 0.0]),
    (col("x").round(), [2.0, None, -2.0, 0.0]),
    (col("x").log1p(), [math.log1p(1.5), None, None, 0.0]),
    (col("x").sqrt(), [math.sqrt(1.5), None, None, 0.0]),
    (col("x").sin() * 0 + col("x").cos() * 0, [0.0, None, 0.0, 0.0]),
    (col("t").year(), [2013, 2013, None, 2012]),
    (col("t").month(), [1, 1, None, 12]),
    (col("t").day_of_year(), [6, 7, None, 366]),
    (col("t").weekday(), [6, 0, None, 0]),
    (col("t").hour(), [23, 23, None, 0]),
    (col("t").minute(), [59, 59, None, 0]),
    (col("s").lower(), ["jfk", "", None, "ewr"]),
    (col("s").upper(), ["JFK", "", None, "EWR"]),
    (col("s").length(), [3, 0, None, 3]),
    (col("s").contains("w"), [False, False, None, True]),
    (col("s").starts_with("J"), [True, False, None, False]),
    (concat(col("s"), "-", col("s")), ["JFK-JFK", "-", None, "ewr-ewr"]),
    (col("x").cast(Int), [1, None, -2, 0]),
    (col("n").cast(Float), [7.0, 0.0, None, -3.0]),
    (col("b").cast(Int), [1, 0, None, 1]),
    (col("n").cast(String), ["7", "0", None, "-3"]),
    (col("b").cast(String), ["true", "false", None, "true"]),
    (col("n").cast(String).cast(Int), [7, 0, None, -3]),
    (col("s").cast(Float), [None, None, None, None]),
    (-(col("n") * 0 - 2**62 - 2**62), [None, None, None, None]),
    ((col("n") * 0 - 2**62 - 2**62).abs(), [None, None, None, None]),
    ((col("n") * 0 - 2**62 - 2**62) // -1, [None, None, None, None]),
    ((col("n") * 0 - 2**62 - 2**62) % -1, [0, 0, None, 0]),
    (lit(7).is_in([col("n"), 1]), [True, False, False, False]),
    (col("t").cast(String).cast(Timestamp) == col("t"), [True, True, None, True]),
    (lit(3), [3, 3, 3, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("expr", "expected"), CASES, ids=[repr(expr) for expr, _ in CASES])
def test_values_and_nulls_are_those_of_sql(expr: Expr, expected: list[Any]) -> None:
    found = evaluate(expr, TABLE)
    assert found.to_list() == expected
    assert found.type is infer_type(expr, {name: each.type for name, each in TABLE.items()})
    assert found.values.dtype == found.type.dtype


@pytest.mark.parametrize("expr", [expr for expr, _ in CASES], ids=[repr(expr) for expr, _ in CASES])
def test_one_row_at_a_time_gives_what_all_rows_give(expr: Expr) -> None:
    whole = evaluate(expr, TABLE).to_list()
    single = [evaluate(expr, take_rows(TABLE, np.array([row]))).to_list()[0] for row in range(4)]
    assert single == whole
    assert evaluate(expr, take_rows(TABLE, np.array([], dtype=np.intp))).to_list() == []


@pytest.mark.parametrize("expr", [expr for expr, _ in CASES], ids=[repr(expr) for expr, _ in CASES])
def test_json_brings_the_same_expression_back(expr: Expr) -> None:
    back = from_json(expr.to_json())
    assert back.to_json() == expr.to_json()
    assert evaluate(back, TABLE).to_list() == evaluate(expr, TABLE).to_list()


@pytest.mark.parametrize("expr", [expr for expr, _ in CASES], ids=[repr(expr) for expr, _ in CASES])
def test_many_rows_give_what_a_few_give(expr: Expr) -> None:
    """Many rows are computed in blocks."""
    times = 9000
    many = evaluate(expr, take_rows(TABLE, np.tile(np.arange(4), times)))
    assert many.to_list() == evaluate(expr, TABLE).to_list() * times
    assert many.values.dtype == many.type.dtype


def test_every_operation_is_among_the_cases() -> None:
    def names(data: dict[str, Any]) -> set[str]:
        return {data["op"]}.union(*(names(each) for each in data["args"])) if "op" in data else set()

    used = set().union(*(names(expr.to_json()) for expr, _ in CASES))
    rules = {"later", "next_weekly"}  # made by Delay and Weekly; tests/project has them
    assert set(OPERATIONS) - used - rules == {"not_equal", "less_equal"}


Truth = bool | None
THREE_VALUED = st.sampled_from([True, False, None])


@given(THREE_VALUED, THREE_VALUED)
def test_and_or_not_are_three_valued_logic(a: Truth, b: Truth) -> None:
    table = {"a": column(Bool, [a]), "b": column(Bool, [b])}
    conjunction = False if a is False or b is False else (None if a is None or b is None else True)
    disjunction = True if a is True or b is True else (None if a is None or b is None else False)
    assert evaluate(col("a") & col("b"), table).to_list() == [conjunction]
    assert evaluate(col("a") | col("b"), table).to_list() == [disjunction]
    left, right = evaluate(~(col("a") & col("b")), table), evaluate(~col("a") | ~col("b"), table)
    assert left.to_list() == right.to_list()


SCHEMA = {name: each.type for name, each in TABLE.items()}


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        (col("xx") > 1, "unknown column `xx` in the columns; did you mean `x`?"),
        (col("s") + 1, '`add` takes float or int, but `col("s")` is string'),
        (
            col("s") > 1,
            'the types in `(col("s") > 1)` do not go together: `col("s")` is string, `1` is int; cast',
        ),
        (when(col("n")).then(1).otherwise(2), "do not go together"),
        (when(col("b")).then(1).otherwise("a"), "do not go together"),
        (col("x").hour(), '`hour` takes timestamp, but `col("x")` is float'),
        (col("b") & col("n"), '`and` takes bool, but `col("n")` is int'),
    ],
)
def test_an_ill_typed_expression_names_the_part_and_its_type(expr: Expr, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        infer_type(expr, SCHEMA)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: bool(col("x") > 1),
        lambda: col("x").is_in([]),
        lambda: col("x").cast(Bool),
        lambda: lit(float("nan")),
        lambda: lit([1]),  # type: ignore[arg-type]  # the mistake under test
        lambda: from_json({"op": "explode", "args": []}),
        lambda: from_json({"op": "add", "args": [{"col": "x"}]}),
        lambda: from_json({"what": 1}),
    ],
)
def test_what_is_no_expression_is_refused_when_it_is_built(make: Callable[[], object]) -> None:
    with pytest.raises(ExpressionError):
        make()


def test_types_are_all_those_columns_have() -> None:
    assert {each.type for each in TABLE.values()} == set(Type)
