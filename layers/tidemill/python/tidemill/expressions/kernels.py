"""How a function of plain arrays becomes an operation on columns: nulls, and what is no value.

A kernel computes on whatever lies in the slots of nulls and marks the result null there; only strings, which
Python functions take, are filled first. The caller silences numpy's warnings about such numbers.

A kernel that passes over its rows more than once does so by blocks, while they are in the processor's cache.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from tidemill.errors import ExpressionError
from tidemill.expressions.columns import Array, Column, Type

Mask = npt.NDArray[np.bool_]
Kernel = Callable[..., Column]
"""From columns to a column; arguments of one row stand for any number of rows."""

BLOCK_ROWS = 1 << 15
"""As many rows of 8 bytes as stay in the processor's cache with what an expression makes of them."""

_LEAST_INT, _GREATEST_INT = -(2**63), 2**63 - 1
_FIRST_TIME, _LAST_TIME = np.array(["0001-01-01", "9999-12-31T23:59:59.999999"], dtype="datetime64[us]")


def unify(types: Sequence[Type]) -> Type | None:
    """Return the type that holds values of all these types, or None: an int may stand for a float.

    Examples
    --------
    >>> unify([Type.INT, Type.FLOAT])
    <Type.FLOAT: 'float'>
    >>> unify([Type.INT, Type.STRING])
    """
    for each in types:
        if each is not types[0]:
            return Type.FLOAT if set(types) == {Type.INT, Type.FLOAT} else None
    return types[0]


def all_valid(arguments: Sequence[Column]) -> Mask:
    """Tell where no argument is null; a mask of one row beside masks of many is never spread for nothing."""
    valid = arguments[0].valid
    for argument in arguments[1:]:
        valid = both(valid, argument.valid)
    return valid


def both(left: Mask, right: Mask) -> Mask:
    """Tell where both are true; a mask of one row stands for any number."""
    if len(right) == 1 and right[0]:
        return left
    return right if len(left) == 1 and left[0] else left & right


def blocks(n_rows: int, row_bytes: int = 8) -> Iterator[slice]:
    """Cut rows into blocks, of more rows where each takes fewer bytes.

    Examples
    --------
    >>> list(blocks(40_000))
    [slice(0, 32768, None), slice(32768, 40000, None)]
    """
    step = 8 * BLOCK_ROWS // row_bytes
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def _n_rows(*arrays: Array) -> int:
    """Return how many rows come of arrays, those of one row standing for any number."""
    lengths = [len(each) for each in arrays if len(each) != 1]
    return lengths[0] if lengths else 1


def _cut(values: Array, rows: slice) -> Array:
    return values if len(values) == 1 else values[rows]


def cast(argument: Column, type_: Type) -> Array:
    """Return a column's values, those of an int as floats where a float is asked for."""
    return argument.values if argument.type is type_ else argument.values.astype(type_.dtype)


def strict(type_: Type, compute: Callable[..., Array]) -> Kernel:
    """Lift a function of plain arrays: null in, null out, and what is no value of the type is null."""
    check = _CHECKS.get(type_)

    def kernel(*arguments: Column) -> Column:
        values = compute(*[each.filled() if each.type is Type.STRING else each.values for each in arguments])
        valid = all_valid(arguments)
        return Column(type_, values, valid if check is None else both(valid, check(values)))

    return kernel


def _is_time(values: Array) -> Mask:
    within: Mask = (values >= _FIRST_TIME) & (values <= _LAST_TIME)
    return within


_CHECKS: dict[Type, Callable[[Array], Mask]] = {Type.FLOAT: np.isfinite, Type.TIMESTAMP: _is_time}
"""Where a computed value is one of its type; of the other types every one is."""


def arithmetic(compute: np.ufunc, exact: Callable[[int, int], int]) -> Kernel:
    """Lift a function of two numbers; an int that does not fit 64 bits is null.

    Parameters
    ----------
    compute
        The function on arrays; ints may wrap around.
    exact
        The same of two ints. Over a range of each it is least and greatest at the ranges' ends.
    """
    of_floats = strict(Type.FLOAT, compute)

    def kernel(left: Column, right: Column) -> Column:
        if left.type is not Type.INT or right.type is not Type.INT:
            return of_floats(left, right)
        if len(left) == len(right) == 1:
            return _one_int(exact(left.values.item(), right.values.item()), both(left.valid, right.valid))
        return _many_ints(compute, exact, left, right)

    return kernel


@dataclass(frozen=True, eq=False)
class _Ints(Column):
    """Ints that were computed, and the ends of a range they lie in: what uses them need not look for it."""

    ends: tuple[int, int] | None = None


def _one_int(value: int, valid: Mask) -> Column:
    if _LEAST_INT <= value <= _GREATEST_INT:
        return Column(Type.INT, np.array([value]), valid)
    return Column(Type.INT, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.bool_))


def _many_ints(compute: np.ufunc, exact: Callable[[int, int], int], left: Column, right: Column) -> Column:
    """Compute on ints, one of which may stand for any number of the other."""
    a, b, valid = left.values, right.values, both(left.valid, right.valid)
    a_range, b_range = _Range(left), _Range(right)
    values = np.empty(_n_rows(a, b), dtype=np.int64)
    for rows in blocks(len(values)):
        x, y = _cut(a, rows), _cut(b, rows)
        compute(x, y, out=values[rows])
        a_range.take_in(x)
        b_range.take_in(y)
    corners = [exact(one, other) for one in a_range.ends() for other in b_range.ends()]
    ends = min(corners), max(corners)
    if ends[0] >= _LEAST_INT and ends[1] <= _GREATEST_INT:
        return _Ints(Type.INT, values, valid, ends=ends)
    return Column(Type.INT, values, valid & _unwrapped(compute, a, b, values))


def _unwrapped(compute: np.ufunc, a: Array, b: Array, values: Array) -> Mask:
    """Tell which ints did not wrap around: one that did is 2**64 off what floats come to."""
    fits = np.empty(len(values), dtype=np.bool_)
    for rows in blocks(len(values)):
        off = compute(_cut(a, rows).astype(np.float64), _cut(b, rows).astype(np.float64))
        off -= values[rows]
        np.less(np.abs(off, out=off), 2.0**62, out=fits[rows])
    return fits


class _Range:
    """The ends of the range that ints lie in, those in the slots of nulls too: known, or found by block."""

    def __init__(self, ints: Column) -> None:
        self._known = ints.ends if isinstance(ints, _Ints) else None
        if len(ints) == 1:
            self._known = (ints.values.item(), ints.values.item())
        self._found = [0]

    def take_in(self, values: Array) -> None:
        if self._known is None:
            self._found += (np.minimum.reduce(values), np.maximum.reduce(values))

    def ends(self) -> tuple[int, int]:
        return self._known or (int(min(self._found)), int(max(self._found)))


def integral(compute: Callable[[Array, Array], Array]) -> Kernel:
    """Lift a division of whole numbers; what is divided by zero is null."""
    of_floats = strict(Type.FLOAT, compute)

    def kernel(left: Column, right: Column) -> Column:
        if left.type is not Type.INT or right.type is not Type.INT:
            return of_floats(left, right)
        values, by = compute(left.values, right.values), right.values
        valid = both(both(left.valid, right.valid), by != 0)
        minus_one = by == -1
        if minus_one.any():  # the least int by -1 wraps around to itself
            valid = valid & ~(minus_one & (values == _LEAST_INT))
        return Column(Type.INT, values, valid)

    return kernel


def compare(compute: np.ufunc) -> Kernel:
    """Lift a comparison that puts values in order."""
    return strict(Type.BOOL, compute)


def equate(compute: np.ufunc) -> Kernel:
    """Lift a comparison that whatever lies in the slot of a null can take part in."""

    def kernel(left: Column, right: Column) -> Column:
        return Column(Type.BOOL, compute(left.values, right.values), both(left.valid, right.valid))

    return kernel


def fold(compute: Callable[[Array, Array], Array]) -> Kernel:
    """Lift a function of two values to any number of them, of the type that holds them all."""

    def kernel(*arguments: Column) -> Column:
        type_ = unify([argument.type for argument in arguments]) or arguments[0].type
        values = cast(arguments[0], type_)
        for argument in arguments[1:]:
            values = compute(values, cast(argument, type_))
        return Column(type_, values, all_valid(arguments))

    return kernel


def clip(*arguments: Column) -> Column:
    """Hold values between lower and upper bounds; where the bounds cross, the upper one counts."""
    type_ = unify([argument.type for argument in arguments]) or arguments[0].type
    given, lower, upper = (cast(argument, type_) for argument in arguments)
    values = np.empty(_n_rows(given, lower, upper), dtype=type_.dtype)
    for rows in blocks(len(values)):
        held = np.maximum(_cut(given, rows), _cut(lower, rows), out=values[rows])
        np.minimum(held, _cut(upper, rows), out=held)
    return Column(type_, values, all_valid(arguments))


def same(compute: Callable[[Array], Array], *, of_ints: Callable[[Array], Array] | None = None) -> Kernel:
    """Lift a function whose values have the type of its argument; ints are left alone without ``of_ints``."""
    of_floats = strict(Type.FLOAT, compute)

    def kernel(argument: Column) -> Column:
        if argument.type is not Type.INT:
            return of_floats(argument)
        if of_ints is None:
            return argument
        values, valid = argument.values, argument.valid
        if np.minimum.reduce(values, initial=0) == _LEAST_INT:
            valid = valid & (values != _LEAST_INT)
        return Column(Type.INT, of_ints(values), valid)

    return kernel


def truncate(argument: Column) -> Column:
    """Turn floats into ints, towards zero; what does not fit 64 bits is null."""
    values, fits = np.empty(len(argument), dtype=np.int64), np.empty(len(argument), dtype=np.bool_)
    for rows in blocks(len(argument)):
        numbers = argument.values[rows]
        values[rows] = numbers
        np.less(np.abs(numbers), 2.0**63, out=fits[rows])
    return Column(Type.INT, values, both(argument.valid, fits))


def each(dtype: type, compute: Callable[..., Any]) -> Callable[..., Array]:
    """Apply a Python function to strings, row by row."""

    def over(*arrays: Array) -> Array:
        n_rows = _n_rows(*arrays)
        items = [each.tolist() if len(each) == n_rows else repeat(each.item()) for each in arrays]
        return np.fromiter(map(compute, *items), dtype=dtype, count=n_rows)

    return over


def parse_all(type_: Type, parse: Callable[[str], Any]) -> Kernel:
    """Lift a function of one string; a string that has no such form is null."""

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
