"""What the operations of ``col()`` expressions mean: their types and their values.

Each operation is one entry of ``OPERATIONS``. Nulls follow SQL: an operation with a null argument is
null, but for ``and``, ``or`` (three-valued logic), ``is_null``, ``coalesce`` and ``case``. A number that
can not be had (a division by zero, the square root of -1, an int beyond 64 bits, a string that is no
number) is null.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tidemill.errors import ExpressionError
from tidemill.expressions.columns import Array, Column, Type, format_timestamp, parse_timestamp

Mask = npt.NDArray[np.bool_]
Kernel = Callable[..., Column]
Result = Callable[[Sequence[Type]], Type | None]
"""From the arguments' types to the result's; None if they do not go together."""

NUMBERS = frozenset({Type.INT, Type.FLOAT})
STRINGS = frozenset({Type.STRING})
BOOLS = frozenset({Type.BOOL})
TIMES = frozenset({Type.TIMESTAMP})
ANY = frozenset(Type)

DAY_US = 86_400_000_000
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


def unify(types: Sequence[Type]) -> Type | None:
    """Return the type that holds values of all these types, or None: an int may stand for a float.

    Examples
    --------
    >>> unify([Type.INT, Type.FLOAT])
    <Type.FLOAT: 'float'>
    >>> unify([Type.INT, Type.STRING])
    """
    if set(types) == NUMBERS:
        return Type.FLOAT
    return types[0] if len(set(types)) == 1 else None


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


def _all_valid(arguments: Sequence[Column]) -> Mask:
    valid = arguments[0].valid
    for argument in arguments[1:]:
        valid = valid & argument.valid
    return valid


def cast_values(argument: Column, type_: Type) -> Array:
    """Return a column's values, those of an int as floats where a float is asked for; nulls are fillers."""
    return argument.filled().astype(type_.dtype, copy=False)


def _strict(type_: Type, compute: Callable[..., Array]) -> Kernel:
    """Lift a function of plain arrays: null in, null out; a float that is not finite is null."""

    def kernel(*arguments: Column) -> Column:
        with np.errstate(all="ignore"):
            values = np.asarray(compute(*[argument.filled() for argument in arguments]))
        valid = np.broadcast_to(_all_valid(arguments), values.shape)
        if type_ is Type.FLOAT:
            values = values.astype(np.float64, copy=False)
            valid = valid & np.isfinite(values)
        return Column(type_, values, valid)

    return kernel


def _arithmetic(compute: Callable[[Array, Array], Array]) -> Kernel:
    def kernel(left: Column, right: Column) -> Column:
        if left.type is Type.INT and right.type is Type.INT:
            a, b = left.filled(), right.filled()
            with np.errstate(all="ignore"):
                values = compute(a, b)
                near = compute(a.astype(np.float64), b.astype(np.float64))
            fits = np.abs(values.astype(np.float64) - near) < 2.0**62  # an int that wrapped is 2**64 off
            return Column(Type.INT, values, left.valid & right.valid & fits)
        return _strict(Type.FLOAT, compute)(left, right)

    return kernel


def _integral(compute: Callable[[Array, Array], Array]) -> Kernel:
    def kernel(left: Column, right: Column) -> Column:
        if left.type is Type.INT and right.type is Type.INT:
            divisor = right.filled()
            safe = np.where(divisor == 0, 1, divisor)
            with np.errstate(all="ignore"):
                values = compute(left.filled(), safe)
            return Column(Type.INT, values, left.valid & right.valid & (divisor != 0))
        return _strict(Type.FLOAT, compute)(left, right)

    return kernel


def _subtract(left: Column, right: Column) -> Column:
    if left.type is Type.TIMESTAMP:
        return _strict(Type.FLOAT, lambda a, b: (a - b).astype(np.int64) / 1e6)(left, right)
    return _arithmetic(np.subtract)(left, right)


def _divide(left: Array, right: Array) -> Array:
    quotient: Array = left.astype(np.float64) / right.astype(np.float64)
    return quotient


def _compare(compute: Callable[[Array, Array], Array]) -> Kernel:
    return _strict(Type.BOOL, lambda a, b: compute(a, b).astype(np.bool_, copy=False))


def _and(left: Column, right: Column) -> Column:
    a, b = left.filled(), right.filled()
    certain = (left.valid & ~a) | (right.valid & ~b)
    return Column(Type.BOOL, a & b, (left.valid & right.valid) | certain)


def _or(left: Column, right: Column) -> Column:
    a, b = left.filled(), right.filled()
    return Column(Type.BOOL, a | b, (left.valid & right.valid) | a | b)


def _is_null(argument: Column) -> Column:
    return Column(Type.BOOL, ~argument.valid, np.ones_like(argument.valid))


def _coalesce(*arguments: Column) -> Column:
    type_ = unify([argument.type for argument in arguments]) or arguments[0].type
    values, valid = cast_values(arguments[-1], type_), arguments[-1].valid
    for argument in reversed(arguments[:-1]):
        values = np.where(argument.valid, cast_values(argument, type_), values)
        valid = argument.valid | valid
    return Column(type_, values, valid)


def _choose(*arguments: Column) -> Column:
    """``condition, value, condition, value, ..., [otherwise]``: the first condition that is true wins."""
    pairs = list(zip(arguments[0:-1:2], arguments[1::2], strict=False))
    rest = arguments[-1] if len(arguments) % 2 else None
    branches = [value for _, value in pairs] + ([rest] if rest else [])
    type_ = unify([branch.type for branch in branches]) or branches[0].type
    last = rest or pairs[-1][1]
    values, valid = cast_values(last, type_), last.valid & np.bool_(rest is not None)
    for condition, value in reversed(pairs):
        chosen = condition.valid & condition.filled()
        values = np.where(chosen, cast_values(value, type_), values)
        valid = np.where(chosen, value.valid, valid)
    return Column(type_, values, valid)


def _is_in(argument: Column, *choices: Column) -> Column:
    needles = argument.filled()
    found = np.zeros(needles.shape, dtype=np.bool_)
    for choice in choices:
        found = found | ((needles == choice.filled()).astype(np.bool_) & choice.valid)
    return Column(Type.BOOL, found, argument.valid)


def _fold(compute: Callable[[Array, Array], Array]) -> Kernel:
    def kernel(*arguments: Column) -> Column:
        type_ = unify([argument.type for argument in arguments]) or arguments[0].type
        values = cast_values(arguments[0], type_)
        for argument in arguments[1:]:
            values = compute(values, cast_values(argument, type_))
        return Column(type_, values, np.broadcast_to(_all_valid(arguments), values.shape))

    return kernel


def _same(compute: Callable[[Array], Array]) -> Kernel:
    def kernel(argument: Column) -> Column:
        if argument.type is Type.INT:
            return Column(Type.INT, compute(argument.filled()).astype(np.int64), argument.valid)
        return _strict(argument.type, compute)(argument)

    return kernel


def _each(dtype: type, compute: Callable[..., Any]) -> Callable[..., Array]:
    """Apply a Python function to strings, row by row."""

    def over(*arrays: Array) -> Array:
        rows = np.broadcast_arrays(*arrays)
        results = [compute(*items) for items in zip(*(row.tolist() for row in rows), strict=True)]
        answer: Array = np.empty(len(results), dtype=dtype)
        answer[:] = results
        return answer

    return over


def _microseconds(times: Array) -> Array:
    return times.astype("datetime64[us]").astype(np.int64)


def _year_start(times: Array) -> Array:
    return times.astype("datetime64[Y]").astype("datetime64[D]")


def _day_of_year(times: Array) -> Array:
    return (times.astype("datetime64[D]") - _year_start(times)).astype(np.int64) + 1


def _next_weekly(times: Array, offset_us: Array) -> Array:
    """Return the first moment after each time that is ``offset_us`` into a week; weeks begin as 1970 did."""
    weeks = (_microseconds(times) - offset_us) // WEEK_US
    return ((weeks + 1) * WEEK_US + offset_us).astype("datetime64[us]")


def _parse_all(type_: Type, parse: Callable[[str], Any]) -> Kernel:
    def kernel(argument: Column) -> Column:
        values = np.zeros(argument.values.shape, dtype=type_.dtype)
        valid = argument.valid.copy()
        for position, text in enumerate(argument.filled().tolist()):
            try:
                values[position] = parse(text)
            except (ValueError, OverflowError, ExpressionError):
                valid[position] = False
        if type_ is Type.FLOAT:
            valid &= np.isfinite(values)
        return Column(type_, values, valid)

    return kernel


def _to_int(argument: Column) -> Column:
    if argument.type is Type.STRING:
        return _parse_all(Type.INT, int)(argument)
    if argument.type is Type.FLOAT:
        numbers = argument.filled()
        fits = np.abs(numbers) < 2.0**63
        return Column(Type.INT, np.where(fits, numbers, 0.0).astype(np.int64), argument.valid & fits)
    return Column(Type.INT, argument.filled().astype(np.int64), argument.valid)


def _to_float(argument: Column) -> Column:
    if argument.type is Type.STRING:
        return _parse_all(Type.FLOAT, float)(argument)
    return Column(Type.FLOAT, argument.filled().astype(np.float64), argument.valid)


def _show(type_: Type, value: Any) -> str:
    if type_ is Type.TIMESTAMP:
        return format_timestamp(np.datetime64(value, "us"))
    return str(value).lower() if type_ is Type.BOOL else str(value)


def _to_string(argument: Column) -> Column:
    shown = _each(object, lambda value: _show(argument.type, value))(argument.filled())
    return Column(Type.STRING, shown, argument.valid)


def _to_timestamp(argument: Column) -> Column:
    return (
        argument if argument.type is Type.TIMESTAMP else _parse_all(Type.TIMESTAMP, parse_timestamp)(argument)
    )


def _of_time(compute: Callable[[Array], Array]) -> Operation:
    return Operation(_strict(Type.INT, compute), (TIMES,), _always(Type.INT))


def _of_number(compute: Callable[[Array], Array]) -> Operation:
    kernel = _strict(Type.FLOAT, lambda values: compute(values.astype(np.float64)))
    return Operation(kernel, (NUMBERS,), _always(Type.FLOAT))


def _test_strings(compute: Callable[[str, str], bool]) -> Operation:
    return Operation(_strict(Type.BOOL, _each(np.bool_, compute)), (STRINGS, STRINGS), _always(Type.BOOL))


def _comparison(compute: Callable[[Array, Array], Array]) -> Operation:
    return Operation(_compare(compute), (ANY, ANY), _comparable)


_COMMON = Operation(_fold(np.minimum), (NUMBERS | TIMES, NUMBERS | TIMES), unify, repeats=True)

OPERATIONS: dict[str, Operation] = {
    "add": Operation(_arithmetic(np.add), (NUMBERS, NUMBERS), _number),
    "subtract": Operation(_subtract, (NUMBERS | TIMES, NUMBERS | TIMES), _difference),
    "multiply": Operation(_arithmetic(np.multiply), (NUMBERS, NUMBERS), _number),
    "divide": Operation(_strict(Type.FLOAT, _divide), (NUMBERS, NUMBERS), _always(Type.FLOAT)),
    "floor_divide": Operation(_integral(np.floor_divide), (NUMBERS, NUMBERS), _number),
    "modulo": Operation(_integral(np.mod), (NUMBERS, NUMBERS), _number),
    "negate": Operation(_same(np.negative), (NUMBERS,), _number),
    "equal": _comparison(np.equal),
    "not_equal": _comparison(np.not_equal),
    "less": _comparison(np.less),
    "less_equal": _comparison(np.less_equal),
    "greater": _comparison(np.greater),
    "greater_equal": _comparison(np.greater_equal),
    "and": Operation(_and, (BOOLS, BOOLS), _always(Type.BOOL)),
    "or": Operation(_or, (BOOLS, BOOLS), _always(Type.BOOL)),
    "not": Operation(_strict(Type.BOOL, np.logical_not), (BOOLS,), _always(Type.BOOL)),
    "is_null": Operation(_is_null, (ANY,), _always(Type.BOOL)),
    "coalesce": Operation(_coalesce, (ANY, ANY), unify, repeats=True),
    "case": Operation(_choose, (BOOLS, ANY), _case, repeats=True),
    "is_in": Operation(_is_in, (ANY, ANY), _comparable, repeats=True),
    "least": _COMMON,
    "greatest": Operation(_fold(np.maximum), _COMMON.accepts, unify, repeats=True),
    "abs": Operation(_same(np.abs), (NUMBERS,), _number),
    "floor": Operation(_same(np.floor), (NUMBERS,), _number),
    "round": Operation(_same(np.round), (NUMBERS,), _number),
    "log1p": _of_number(np.log1p),
    "sqrt": _of_number(np.sqrt),
    "sin": _of_number(np.sin),
    "cos": _of_number(np.cos),
    "year": _of_time(lambda times: times.astype("datetime64[Y]").astype(np.int64) + 1970),
    "month": _of_time(lambda times: times.astype("datetime64[M]").astype(np.int64) % 12 + 1),
    "day_of_year": _of_time(_day_of_year),
    "weekday": _of_time(lambda times: (_microseconds(times) // DAY_US + 3) % 7),
    "hour": _of_time(lambda times: _microseconds(times) // 3_600_000_000 % 24),
    "minute": _of_time(lambda times: _microseconds(times) // 60_000_000 % 60),
    "later": Operation(
        _strict(Type.TIMESTAMP, lambda times, us: times + us.astype("timedelta64[us]")),
        (TIMES, frozenset({Type.INT})),
        _always(Type.TIMESTAMP),
    ),
    "next_weekly": Operation(
        _strict(Type.TIMESTAMP, _next_weekly), (TIMES, frozenset({Type.INT})), _always(Type.TIMESTAMP)
    ),
    "lower": Operation(_strict(Type.STRING, _each(object, str.lower)), (STRINGS,), _always(Type.STRING)),
    "upper": Operation(_strict(Type.STRING, _each(object, str.upper)), (STRINGS,), _always(Type.STRING)),
    "length": Operation(_strict(Type.INT, _each(np.int64, len)), (STRINGS,), _always(Type.INT)),
    "contains": _test_strings(lambda text, part: part in text),
    "starts_with": _test_strings(str.startswith),
    "concat": Operation(
        _strict(Type.STRING, _each(object, lambda *parts: "".join(parts))),
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
