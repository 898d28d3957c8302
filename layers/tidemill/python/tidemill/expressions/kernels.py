"""How a function of plain arrays becomes an operation on columns: nulls, and what is no value.

A kernel computes on whatever lies in the slots of nulls and marks the result null there; only strings, which
Python functions take, are filled first. The caller silences numpy's warnings about such numbers.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tidemill.errors import ExpressionError
from tidemill.expressions.columns import Array, Column, Type

Mask = npt.NDArray[np.bool_]
Kernel = Callable[..., Column]
"""From columns to a column; arguments of one row stand for any number of rows."""

_LEAST_INT = -(2**63)
_FIRST_TIME, _LAST_TIME = np.array(["0001-01-01", "9999-12-31T23:59:59.999999"], dtype="datetime64[us]")


def unify(types: Sequence[Type]) -> Type | None:
    """Return the type that holds values of all these types, or None: an int may stand for a float.

    Examples
    --------
    >>> unify([Type.INT, Type.FLOAT])
    <Type.FLOAT: 'float'>
    >>> unify([Type.INT, Type.STRING])
    """
    if set(types) == {Type.INT, Type.FLOAT}:
        return Type.FLOAT
    return types[0] if len(set(types)) == 1 else None


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


def cast(argument: Column, type_: Type) -> Array:
    """Return a column's values, those of an int as floats where a float is asked for."""
    return argument.values.astype(type_.dtype, copy=False)


def _operand(argument: Column) -> Array:
    return argument.filled() if argument.type is Type.STRING else argument.values


def strict(type_: Type, compute: Callable[..., Array]) -> Kernel:
    """Lift a function of plain arrays: null in, null out, and what is no value of the type is null."""

    def kernel(*arguments: Column) -> Column:
        values = compute(*[_operand(argument) for argument in arguments])
        valid = all_valid(arguments)
        if type_ is Type.FLOAT:
            values = values.astype(np.float64, copy=False)
            valid = valid & np.isfinite(values)
        if type_ is Type.TIMESTAMP:
            valid = valid & (values >= _FIRST_TIME) & (values <= _LAST_TIME)
        return Column(type_, values, valid)

    return kernel


def _bounds(values: Array) -> tuple[int, int]:
    if values.size == 1:
        return values.item(), values.item()
    return int(values.min(initial=0)), int(values.max(initial=0))


def arithmetic(compute: Callable[[Any, Any], Any]) -> Kernel:
    """Lift a function of two numbers; an int that does not fit 64 bits is null."""
    of_floats = strict(Type.FLOAT, compute)

    def kernel(left: Column, right: Column) -> Column:
        if left.type is not Type.INT or right.type is not Type.INT:
            return of_floats(left, right)
        a, b, valid = left.values, right.values, both(left.valid, right.valid)
        values = compute(a, b)
        corners = [compute(x, y) for x in _bounds(a) for y in _bounds(b)]
        if min(corners) < -(2**63) or max(corners) >= 2**63:
            near = compute(a.astype(np.float64), b.astype(np.float64))
            # An int that wrapped around is 2**64 off.
            valid = valid & (np.abs(values.astype(np.float64) - near) < 2.0**62)
        return Column(Type.INT, values, valid)

    return kernel


def integral(compute: Callable[[Array, Array], Array]) -> Kernel:
    """Lift a division of whole numbers; what is divided by zero is null."""
    of_floats = strict(Type.FLOAT, compute)

    def kernel(left: Column, right: Column) -> Column:
        if left.type is not Type.INT or right.type is not Type.INT:
            return of_floats(left, right)
        values = compute(left.values, right.values)
        beyond = (values == _LEAST_INT) & (right.values == -1)  # the least int by -1 wraps around to itself
        valid = both(left.valid, right.valid) & (right.values != 0)
        return Column(Type.INT, values, valid & ~beyond)

    return kernel


def compare(compute: Callable[[Array, Array], Array]) -> Kernel:
    """Lift a comparison."""
    return strict(Type.BOOL, lambda a, b: compute(a, b).astype(np.bool_, copy=False))


def fold(compute: Callable[[Array, Array], Array]) -> Kernel:
    """Lift a function of two values to any number of them, of the type that holds them all."""

    def kernel(*arguments: Column) -> Column:
        type_ = unify([argument.type for argument in arguments]) or arguments[0].type
        values = cast(arguments[0], type_)
        for argument in arguments[1:]:
            values = compute(values, cast(argument, type_))
        return Column(type_, values, all_valid(arguments))

    return kernel


def same(compute: Callable[[Array], Array], *, of_ints: Callable[[Array], Array] | None = None) -> Kernel:
    """Lift a function whose values have the type of its argument; ints are left alone without ``of_ints``."""
    of_floats = strict(Type.FLOAT, compute)

    def kernel(argument: Column) -> Column:
        if argument.type is not Type.INT:
            return of_floats(argument)
        if of_ints is None:
            return argument
        return Column(Type.INT, of_ints(argument.values), argument.valid & (argument.values != _LEAST_INT))

    return kernel


def each(dtype: type, compute: Callable[..., Any]) -> Callable[..., Array]:
    """Apply a Python function to strings, row by row."""

    def over(*arrays: Array) -> Array:
        rows = np.broadcast_arrays(*arrays) if len({*map(len, arrays)}) > 1 else arrays
        results = [compute(*items) for items in zip(*(row.tolist() for row in rows), strict=True)]
        answer: Array = np.empty(len(results), dtype=dtype)
        answer[:] = results
        return answer

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
