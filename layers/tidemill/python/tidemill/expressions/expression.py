"""``col()`` expressions: trees of column names, literals and operations, as plain data.

An expression is built by methods and operators, checked against a schema (``infer_type``), run on
columns (``evaluate``) and carried as JSON, all from the same three kinds of node.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Union

import numpy as np

from tidemill.errors import ExpressionError, did_you_mean
from tidemill.expressions.columns import Type, column, format_timestamp
from tidemill.expressions.operations import OPERATIONS

Operand = Union["Expr", str, int, float, bool, datetime, np.datetime64]
"""What may stand beside an operator: an expression, or a value that becomes a literal."""

_SYMBOLS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//", "modulo": "%",
    "equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=", "greater": ">",
    "greater_equal": ">=", "and": "&", "or": "|",
}  # fmt: skip


class Expr:
    """A value computed from a row's columns; null where it can not be.

    Examples
    --------
    >>> late = (col("arr_delay") > 15) & col("origin").is_in(["JFK", "LGA"])
    >>> late
    ((col("arr_delay") > 15) & is_in(col("origin"), "JFK", "LGA"))
    >>> sorted(late.columns())
    ['arr_delay', 'origin']
    >>> from_json(late.to_json()).to_json() == late.to_json()
    True
    """

    __hash__ = object.__hash__

    def columns(self) -> frozenset[str]:
        """Return the names of the columns the expression reads."""
        return frozenset()

    def to_json(self) -> dict[str, Any]:
        """Return the expression as plain data for ``from_json``."""
        raise NotImplementedError

    def __bool__(self) -> bool:
        raise ExpressionError(f"`{self!r}` has no truth value by itself; combine conditions with & | ~")

    def __add__(self, other: Operand) -> "Expr":
        return _call("add", self, other)

    def __radd__(self, other: Operand) -> "Expr":
        return _call("add", other, self)

    def __sub__(self, other: Operand) -> "Expr":
        return _call("subtract", self, other)

    def __rsub__(self, other: Operand) -> "Expr":
        return _call("subtract", other, self)

    def __mul__(self, other: Operand) -> "Expr":
        return _call("multiply", self, other)

    def __rmul__(self, other: Operand) -> "Expr":
        return _call("multiply", other, self)

    def __truediv__(self, other: Operand) -> "Expr":
        return _call("divide", self, other)

    def __rtruediv__(self, other: Operand) -> "Expr":
        return _call("divide", other, self)

    def __floordiv__(self, other: Operand) -> "Expr":
        return _call("floor_divide", self, other)

    def __mod__(self, other: Operand) -> "Expr":
        return _call("modulo", self, other)

    def __neg__(self) -> "Expr":
        return _call("negate", self)

    def __eq__(self, other: object) -> "Expr":  # type: ignore[override]  # builds a comparison, as SQL's = does
        return _call("equal", self, other)

    def __ne__(self, other: object) -> "Expr":  # type: ignore[override]  # builds a comparison, as SQL's <> does
        return _call("not_equal", self, other)

    def __lt__(self, other: Operand) -> "Expr":
        return _call("less", self, other)

    def __le__(self, other: Operand) -> "Expr":
        return _call("less_equal", self, other)

    def __gt__(self, other: Operand) -> "Expr":
        return _call("greater", self, other)

    def __ge__(self, other: Operand) -> "Expr":
        return _call("greater_equal", self, other)

    def __and__(self, other: Operand) -> "Expr":
        return _call("and", self, other)

    def __or__(self, other: Operand) -> "Expr":
        return _call("or", self, other)

    def __invert__(self) -> "Expr":
        return _call("not", self)

    def is_null(self) -> "Expr":
        """Tell where the value is null; never null itself."""
        return _call("is_null", self)

    def is_not_null(self) -> "Expr":
        """Tell where the value is not null; never null itself."""
        return _call("is_not_null", self)

    def fill_null(self, other: Operand) -> "Expr":
        """Put another value where this one is null."""
        return _call("coalesce", self, other)

    def is_in(self, choices: list[Any] | tuple[Any, ...]) -> "Expr":
        """Tell whether the value is one of the choices; null where the value is null."""
        if not choices:
            raise ExpressionError(f"`{self!r}.is_in([])` has no choices; give at least one")
        return _call("is_in", self, *choices)

    def clip(self, lower: Operand, upper: Operand) -> "Expr":
        """Hold the value between two bounds."""
        return _call("clip", self, lower, upper)

    def abs(self) -> "Expr":
        """Return the size of a number."""
        return _call("abs", self)

    def floor(self) -> "Expr":
        """Round down to a whole number, of the same type."""
        return _call("floor", self)

    def round(self) -> "Expr":
        """Round to the nearest whole number, of the same type; halves go to the even one."""
        return _call("round", self)

    def log1p(self) -> "Expr":
        """Return log(1 + x); null at and below -1."""
        return _call("log1p", self)

    def sqrt(self) -> "Expr":
        """Return the square root; null below 0."""
        return _call("sqrt", self)

    def sin(self) -> "Expr":
        """Return the sine of radians."""
        return _call("sin", self)

    def cos(self) -> "Expr":
        """Return the cosine of radians."""
        return _call("cos", self)

    def year(self) -> "Expr":
        """Return the year, in UTC."""
        return _call("year", self)

    def month(self) -> "Expr":
        """Return the month, 1 to 12, in UTC."""
        return _call("month", self)

    def day_of_year(self) -> "Expr":
        """Return the day of the year, 1 to 366, in UTC."""
        return _call("day_of_year", self)

    def weekday(self) -> "Expr":
        """Return the day of the week, Monday 0 to Sunday 6, in UTC."""
        return _call("weekday", self)

    def hour(self) -> "Expr":
        """Return the hour, 0 to 23, in UTC."""
        return _call("hour", self)

    def minute(self) -> "Expr":
        """Return the minute, 0 to 59, in UTC."""
        return _call("minute", self)

    def lower(self) -> "Expr":
        """Return the string in lower case."""
        return _call("lower", self)

    def upper(self) -> "Expr":
        """Return the string in upper case."""
        return _call("upper", self)

    def length(self) -> "Expr":
        """Return the number of characters."""
        return _call("length", self)

    def contains(self, part: Operand) -> "Expr":
        """Tell whether a string holds another."""
        return _call("contains", self, part)

    def starts_with(self, part: Operand) -> "Expr":
        """Tell whether a string begins with another."""
        return _call("starts_with", self, part)

    def cast(self, type_: Type) -> "Expr":
        """Convert to another type; null where the value has no such form. Floats lose their fraction."""
        if type_ is Type.BOOL:
            raise ExpressionError(f"`{self!r}` can not be cast to bool; compare it instead, as in `x != 0`")
        return _call(f"to_{type_.value}", self)


@dataclass(frozen=True, eq=False, repr=False)
class ColumnRef(Expr):
    """The value of a named column."""

    name: str

    def columns(self) -> frozenset[str]:
        """Return the one name."""
        return frozenset({self.name})

    def to_json(self) -> dict[str, Any]:
        """Return ``{"col": name}``."""
        return {"col": self.name}

    def __repr__(self) -> str:
        return f'col("{self.name}")'


@dataclass(frozen=True, eq=False, repr=False)
class Literal(Expr):
    """A constant of a type; ``value`` is a string, int, float, bool or ``datetime64``."""

    type: Type
    value: Any

    def to_json(self) -> dict[str, Any]:
        """Return ``{"lit": value, "type": type}``; a time is written in RFC 3339."""
        value = format_timestamp(self.value) if self.type is Type.TIMESTAMP else self.value
        return {"lit": value, "type": self.type.value}

    def __repr__(self) -> str:
        return f'"{self.value}"' if self.type is Type.STRING else str(self.value)


@dataclass(frozen=True, eq=False, repr=False)
class Call(Expr):
    """An operation on other expressions."""

    operation: str
    arguments: tuple[Expr, ...]

    def columns(self) -> frozenset[str]:
        """Return the names all arguments read."""
        return frozenset().union(*(argument.columns() for argument in self.arguments))

    def to_json(self) -> dict[str, Any]:
        """Return ``{"op": name, "args": [...]}``."""
        return {"op": self.operation, "args": [argument.to_json() for argument in self.arguments]}

    def __repr__(self) -> str:
        shown = [repr(argument) for argument in self.arguments]
        if self.operation in _SYMBOLS:
            return f"({shown[0]} {_SYMBOLS[self.operation]} {shown[1]})"
        return f"{self.operation}({', '.join(shown)})"


@dataclass(frozen=True)
class When:
    """A chain of conditions; ``then`` gives the last one its value and ``otherwise`` ends the chain."""

    _branches: tuple[Expr, ...]

    def then(self, value: Operand) -> "Then":
        """Give the value where the condition is true."""
        return Then((*self._branches, as_expression(value)))


@dataclass(frozen=True)
class Then:
    """Conditions with their values, waiting for another condition or for ``otherwise``."""

    _branches: tuple[Expr, ...]

    def when(self, condition: Expr) -> When:
        """Ask another condition where none before was true."""
        return When((*self._branches, as_expression(condition)))

    def otherwise(self, value: Operand | None) -> Expr:
        """Give the value where no condition is true; None is null."""
        rest = () if value is None else (as_expression(value),)
        return Call("case", (*self._branches, *rest))


def col(name: str) -> Expr:
    """Return the expression that reads a column."""
    return ColumnRef(name)


def lit(value: Operand) -> Expr:
    """Return the expression that is a constant; an expression is returned as it is."""
    return as_expression(value)


def when(condition: Expr) -> When:
    """Begin a choice: ``when(c).then(a).otherwise(b)``; a condition that is null is not true."""
    return When((as_expression(condition),))


def concat(*parts: Operand) -> Expr:
    """Join strings end to end."""
    return _call("concat", *parts)


def least(*values: Operand) -> Expr:
    """Return the smallest of the values; null if one is null."""
    return _call("least", *values)


def greatest(*values: Operand) -> Expr:
    """Return the largest of the values; null if one is null."""
    return _call("greatest", *values)


def as_expression(value: Any) -> Expr:
    """Return a literal for a plain value, and an expression as it is.

    Raises
    ------
    ExpressionError
        If the value is none of the types a column may have.
    """
    if isinstance(value, Expr):
        return value
    for python_type, type_ in _LITERALS:
        if isinstance(value, python_type):
            made = column(type_, [value])
            if not made.valid[0]:
                raise ExpressionError(f"{value!r} is not a value; a null is asked for with `.is_null()`")
            return Literal(type_, made.values[0] if type_ is Type.TIMESTAMP else made.values.tolist()[0])
    raise ExpressionError(f"{value!r} ({type(value).__name__}) can not stand in an expression")


def from_json(data: Mapping[str, Any]) -> Expr:
    """Read an expression that ``to_json`` wrote.

    Raises
    ------
    ExpressionError
        If the data is no expression, or names an operation there is none of.
    """
    if set(data) == {"col"}:
        return ColumnRef(str(data["col"]))
    if set(data) == {"lit", "type"} and data["type"] in {each.value for each in Type}:
        type_ = Type(data["type"])
        made = column(type_, [data["lit"]])
        return Literal(type_, made.values[0] if type_ is Type.TIMESTAMP else made.values.tolist()[0])
    if set(data) != {"op", "args"}:
        raise ExpressionError(f"{dict(data)!r} is not an expression; it has neither `col`, `lit` nor `op`")
    return _call(data["op"], *[from_json(argument) for argument in data["args"]])


def _call(name: str, *arguments: Any) -> Call:
    operation = OPERATIONS.get(name)
    if operation is None:
        raise ExpressionError(f"unknown operation `{name}`{did_you_mean(name, OPERATIONS)}")
    if not operation.takes(len(arguments)):
        raise ExpressionError(f"`{name}` does not take {len(arguments)} arguments")
    return Call(name, tuple(as_expression(argument) for argument in arguments))


_LITERALS: tuple[tuple[type, Type], ...] = (
    (bool, Type.BOOL),
    (int, Type.INT),
    (float, Type.FLOAT),
    (str, Type.STRING),
    (datetime, Type.TIMESTAMP),
    (np.datetime64, Type.TIMESTAMP),
)
