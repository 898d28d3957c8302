"""What the operations of ``col()`` expressions mean: their types and their values.

Each operation is one entry of ``OPERATIONS``. Nulls follow SQL: an operation with a null argument is
null, but for ``and``, ``or`` (three-valued logic), ``is_null``, ``coalesce`` and ``case``. A number that
can not be had (a division by zero, the square root of -1, an int beyond 64 bits, a string that is no
number) is null, and so is a time outside the years 1 to 9999.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tidemill.expressions.columns import Array, Column, Type, format_timestamp, parse_timestamp
from tidemill.expressions.kernels import (
    Kernel,
    arithmetic,
    both,
    cast,
    clip,
    compare,
    each,
    equate,
    fold,
    integral,
    parse_all,
    same,
    strict,
    truncate,
    unify,
)

Result = Callable[[Sequence[Type]], Type | None]
"""From the arguments' types to the result's; None if they do not go together."""

NUMBERS = frozenset({Type.INT, Type.FLOAT})
STRINGS = frozenset({Type.STRING})
BOOLS = frozenset({Type.BOOL})
TIMES = frozenset({Type.TIMESTAMP})
ANY = frozenset(Type)

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
WEEK_US = 7 * DAY_US


@dataclass(frozen=True)
class Operation:
    """An operation's types and its values.

    Attributes
    ----------
    kernel
        From columns to a column; arguments of one row stand for any number of rows.
    accepts
        The types each argument may have.
    result
        The result's type.
    repeats
        Whether the last argument may be given more than once.
    """

    kernel: Kernel
    accepts: tuple[frozenset[Type], ...]
    result: Result
    repeats: bool = False

    def accepted(self, position: int) -> frozenset[Type]:
        """Return the types the argument at a position may have."""
        return self.accepts[min(position, len(self.accepts) - 1)]

    def takes(self, n_arguments: int) -> bool:
        """Tell whether the operation can be given so many arguments."""
        return n_arguments == len(self.accepts) or (self.repeats and n_arguments > len(self.accepts))


def _always(type_: Type) -> Result:
    return lambda _types: type_


def _comparable(types: Sequence[Type]) -> Type | None:
    return None if unify(types) is None else Type.BOOL


def _difference(types: Sequence[Type]) -> Type | None:
    return Type.FLOAT if types[0] is Type.TIMESTAMP and unify(types) else _number(types)


def _number(types: Sequence[Type]) -> Type | None:
    return unify(types) if set(types) <= NUMBERS else None


def _case(types: Sequence[Type]) -> Type | None:
    conditions, branches = types[: len(types) - 1 : 2], [*types[1::2]]
    if len(types) % 2:
        branches.append(types[-1])
    return unify(branches) if set(conditions) == {Type.BOOL} else None


_subtract_numbers = arithmetic(np.subtract, operator.sub)
_subtract_times = strict(Type.FLOAT, lambda a, b: (a - b).view(np.int64) / 1e6)


def _subtract(left: Column, right: Column) -> Column:
    return (_subtract_times if left.type is Type.TIMESTAMP else _subtract_numbers)(left, right)


# Of bools, `a > b` is `a & ~b`.
def _and(left: Column, right: Column) -> Column:
    a, b = left.values, right.values
    valid = both(left.valid, right.valid) | (left.valid > a) | (right.valid > b)
    return Column(Type.BOOL, a & b, valid)


def _or(left: Column, right: Column) -> Column:
    a, b = left.values, right.values
    valid = both(left.valid, right.valid) | (left.valid & a) | (right.valid & b)
    return Column(Type.BOOL, a | b, valid)


def _is_null(argument: Column) -> Column:
    return Column(Type.BOOL, ~argument.valid, np.ones_like(argument.valid))


def _is_not_null(argument: Column) -> Column:
    return Column(Type.BOOL, argument.valid, np.ones_like(argument.valid))


def _coalesce(*arguments: Column) -> Column:
    type_ = unify([argument.type for argument in arguments]) or arguments[0].type
    values, valid = cast(arguments[-1], type_), arguments[-1].valid
    for argument in reversed(arguments[:-1]):
        values = np.where(argument.valid, cast(argument, type_), values)
        valid = argument.valid | valid
    return Column(type_, values, valid)


def _choose(*arguments: Column) -> Column:
    """``condition, value, condition, value, ..., [otherwise]``: the first condition that is true wins."""
    pairs = list(zip(arguments[0:-1:2], arguments[1::2], strict=False))
    rest = arguments[-1] if len(arguments) % 2 else None
    branches = [value for _, value in pairs] + ([rest] if rest else [])
    type_ = unify([branch.type for branch in branches]) or branches[0].type
    last = rest or pairs[-1][1]
    values, valid = cast(last, type_), last.valid & np.bool_(rest is not None)
    for condition, value in reversed(pairs):
        chosen = condition.valid & condition.values
        values = np.where(chosen, cast(value, type_), values)
        valid = both(chosen, value.valid) | (valid > chosen)
    return Column(type_, values, valid)


def _is_in(argument: Column, *choices: Column) -> Column:
    needles = argument.values
    found = np.zeros(needles.shape, dtype=np.bool_)
    for choice in choices:
        found = found | both((needles == choice.values).astype(np.bool_, copy=False), choice.valid)
    return Column(Type.BOOL, found, argument.valid)


def _microseconds(times: Array) -> Array:
    return times.astype("datetime64[us]", copy=False).view(np.int64)


def _part(times: Array, unit_us: int, of: int) -> Array:
    """Return how many units have passed, counted anew after so many; dividing is faster than taking rests."""
    units: Array = _microseconds(times) // unit_us
    rest: Array = units - units // of * of
    return rest


def _year_start(times: Array) -> Array:
    return times.astype("datetime64[Y]").astype("datetime64[D]")


def _day_of_year(times: Array) -> Array:
    return (times.astype("datetime64[D]") - _year_start(times)).astype(np.int64) + 1


def _next_weekly(times: Array, offset_us: Array) -> Array:
    """Return the first moment after each time that is ``offset_us`` into a week; weeks begin as 1970 did."""
    weeks = (_microseconds(times) - offset_us) // WEEK_US
    return ((weeks + 1) * WEEK_US + offset_us).astype("datetime64[us]")


def _to_int(argument: Column) -> Column:
    if argument.type is Type.STRING:
        return parse_all(Type.INT, int)(argument)
    if argument.type is Type.FLOAT:
        return truncate(argument)
    return Column(Type.INT, cast(argument, Type.INT), argument.valid)


def _to_float(argument: Column) -> Column:
    if argument.type is Type.STRING:
        return parse_all(Type.FLOAT, float)(argument)
    return Column(Type.FLOAT, cast(argument, Type.FLOAT), argument.valid)


_SHOWN: dict[Type, Callable[[Any], str]] = {
    Type.BOOL: lambda value: str(value).lower(),
    Type.TIMESTAMP: lambda value: format_timestamp(np.datetime64(value, "us")),
}
"""How values become text, where `str` does not do."""


def _to_string(argument: Column) -> Column:
    if argument.type is Type.STRING:
        return argument
    shown = each(object, _SHOWN.get(argument.type, str))(argument.filled())
    return Column(Type.STRING, shown, argument.valid)


def _to_timestamp(argument: Column) -> Column:
    return (
        argument if argument.type is Type.TIMESTAMP else parse_all(Type.TIMESTAMP, parse_timestamp)(argument)
    )


def _of_time(compute: Callable[[Array], Array]) -> Operation:
    return Operation(strict(Type.INT, compute), (TIMES,), _always(Type.INT))


def _of_number(compute: Callable[[Array], Array]) -> Operation:
    kernel = strict(Type.FLOAT, lambda values: compute(values.astype(np.float64, copy=False)))
    return Operation(kernel, (NUMBERS,), _always(Type.FLOAT))


def _test_strings(compute: Callable[[str, str], bool]) -> Operation:
    return Operation(strict(Type.BOOL, each(np.bool_, compute)), (STRINGS, STRINGS), _always(Type.BOOL))


def _comparison(kernel: Kernel) -> Operation:
    return Operation(kernel, (ANY, ANY), _comparable)


_COMMON = Operation(fold(np.minimum), (NUMBERS | TIMES, NUMBERS | TIMES), unify, repeats=True)

OPERATIONS: dict[str, Operation] = {
    "add": Operation(arithmetic(np.add, operator.add), (NUMBERS, NUMBERS), _number),
    "subtract": Operation(_subtract, (NUMBERS | TIMES, NUMBERS | TIMES), _difference),
    "multiply": Operation(arithmetic(np.multiply, operator.mul), (NUMBERS, NUMBERS), _number),
    "divide": Operation(strict(Type.FLOAT, np.divide), (NUMBERS, NUMBERS), _always(Type.FLOAT)),
    "floor_divide": Operation(integral(np.floor_divide), (NUMBERS, NUMBERS), _number),
    "modulo": Operation(integral(np.mod), (NUMBERS, NUMBERS), _number),
    "negate": Operation(same(np.negative, of_ints=np.negative), (NUMBERS,), _number),
    "equal": _comparison(equate(np.equal)),
    "not_equal": _comparison(equate(np.not_equal)),
    "less": _comparison(compare(np.less)),
    "less_equal": _comparison(compare(np.less_equal)),
    "greater": _comparison(compare(np.greater)),
    "greater_equal": _comparison(compare(np.greater_equal)),
    "and": Operation(_and, (BOOLS, BOOLS), _always(Type.BOOL)),
    "or": Operation(_or, (BOOLS, BOOLS), _always(Type.BOOL)),
    "not": Operation(strict(Type.BOOL, np.logical_not), (BOOLS,), _always(Type.BOOL)),
    "is_null": Operation(_is_null, (ANY,), _always(Type.BOOL)),
    "is_not_null": Operation(_is_not_null, (ANY,), _always(Type.BOOL)),
    "coalesce": Operation(_coalesce, (ANY, ANY), unify, repeats=True),
    "case": Operation(_choose, (BOOLS, ANY), _case, repeats=True),
    "is_in": Operation(_is_in, (ANY, ANY), _comparable, repeats=True),
    "least": _COMMON,
    "greatest": Operation(fold(np.maximum), _COMMON.accepts, unify, repeats=True),
    "clip": Operation(clip, (NUMBERS | TIMES,) * 3, unify),
    "abs": Operation(same(np.abs, of_ints=np.abs), (NUMBERS,), _number),
    "floor": Operation(same(np.floor), (NUMBERS,), _number),
    "round": Operation(same(np.round), (NUMBERS,), _number),
    "log1p": _of_number(np.log1p),
    "sqrt": _of_number(np.sqrt),
    "sin": _of_number(np.sin),
    "cos": _of_number(np.cos),
    "year": _of_time(lambda times: times.astype("datetime64[Y]").astype(np.int64) + 1970),
    "month": _of_time(lambda times: times.astype("datetime64[M]").astype(np.int64) % 12 + 1),
    "day_of_year": _of_time(_day_of_year),
    "weekday": _of_time(lambda times: (_microseconds(times) // DAY_US + 3) % 7),
    "hour": _of_time(lambda times: _part(times, HOUR_US, 24)),
    "minute": _of_time(lambda times: _part(times, MINUTE_US, 60)),
    "later": Operation(
        strict(Type.TIMESTAMP, lambda times, us: times + us.view("timedelta64[us]")),
        (TIMES, frozenset({Type.INT})),
        _always(Type.TIMESTAMP),
    ),
    "next_weekly": Operation(
        strict(Type.TIMESTAMP, _next_weekly), (TIMES, frozenset({Type.INT})), _always(Type.TIMESTAMP)
    ),
    "lower": Operation(strict(Type.STRING, each(object, str.lower)), (STRINGS,), _always(Type.STRING)),
    "upper": Operation(strict(Type.STRING, each(object, str.upper)), (STRINGS,), _always(Type.STRING)),
    "length": Operation(strict(Type.INT, each(np.int64, len)), (STRINGS,), _always(Type.INT)),
    "contains": _test_strings(lambda text, part: part in text),
    "starts_with": _test_strings(str.startswith),
    "concat": Operation(
        strict(Type.STRING, each(object, lambda *parts: "".join(parts))),
        (STRINGS, STRINGS),
        _always(Type.STRING),
        repeats=True,
    ),
    "to_int": Operation(_to_int, (ANY - TIMES,), _always(Type.INT)),
    "to_float": Operation(_to_float, (ANY - TIMES,), _always(Type.FLOAT)),
    "to_string": Operation(_to_string, (ANY,), _always(Type.STRING)),
    "to_timestamp": Operation(_to_timestamp, (STRINGS | TIMES,), _always(Type.TIMESTAMP)),
}
"""Every operation by the name it has in JSON."""
