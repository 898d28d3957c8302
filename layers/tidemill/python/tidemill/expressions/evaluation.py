"""Checking expressions against a schema, and running them on columns."""

from collections.abc import Callable
from operator import itemgetter
from weakref import finalize

import numpy as np

from tidemill.errors import ExpressionError, did_you_mean
from tidemill.expressions.columns import Column, Columns, Schema, Type, length, schema_of
from tidemill.expressions.expression import Call, ColumnRef, Expr, Literal
from tidemill.expressions.kernels import BLOCK_ROWS, blocks
from tidemill.expressions.operations import OPERATIONS, Operation

_Run = Callable[[Columns], Column]


def infer_type(expr: Expr, schema: Schema, *, within: str = "the columns") -> Type:
    """Return the type of an expression's values.

    Parameters
    ----------
    expr
        The expression.
    schema
        The types of the columns it may read.
    within
        What the schema is of, for the message: "source `flights`".

    Returns
    -------
    Type
        The result's type.

    Raises
    ------
    ExpressionError
        If a column is not there, or an operation is given a type it does not take.

    Examples
    --------
    >>> from tidemill.expressions import col
    >>> infer_type(col("delay") > 15, {"delay": Type.FLOAT})
    <Type.BOOL: 'bool'>
    >>> infer_type(col("dely") > 15, {"delay": Type.FLOAT})
    Traceback (most recent call last):
    tidemill.errors.ExpressionError: unknown column `dely` in the columns; did you mean `delay`?
    """
    if isinstance(expr, ColumnRef):
        if expr.name not in schema:
            raise ExpressionError(
                f"unknown column `{expr.name}` in {within}{did_you_mean(expr.name, schema)}"
            )
        return schema[expr.name]
    if isinstance(expr, Literal):
        return expr.type
    if isinstance(expr, Call):
        operation = OPERATIONS[expr.operation]
        types = [infer_type(argument, schema, within=within) for argument in expr.arguments]
        _check_arguments(expr, operation, types)
        result = operation.result(types)
        if result is None:
            shown = ", ".join(
                f"`{argument!r}` is {type_.value}"
                for argument, type_ in zip(expr.arguments, types, strict=True)
            )
            raise ExpressionError(f"the types in `{expr!r}` do not go together: {shown}; cast one of them")
        return result
    raise ExpressionError(f"{expr!r} is not an expression; build one with col(...)")


def _check_arguments(expr: Call, operation: Operation, types: list[Type]) -> None:
    variadic_case = expr.operation == "case"  # its arguments alternate, so its own rule checks them
    for position, (argument, type_) in enumerate(zip(expr.arguments, types, strict=True)):
        accepted = operation.accepted(position)
        if not variadic_case and type_ not in accepted:
            wanted = " or ".join(sorted(each.value for each in accepted))
            raise ExpressionError(f"`{expr.operation}` takes {wanted}, but `{argument!r}` is {type_.value}")


def evaluate(expr: Expr, columns: Columns) -> Column:
    """Run an expression on columns: the same code for one row and for a million.

    Parameters
    ----------
    expr
        The expression.
    columns
        The columns it reads, of equal length; others may be there too.

    Returns
    -------
    Column
        Shape (n_rows,), of the type ``infer_type`` says.

    Raises
    ------
    ExpressionError
        As ``infer_type`` does.

    Examples
    --------
    >>> from tidemill.expressions import Float, col, column
    >>> evaluate(col("delay") > 15, {"delay": column(Float, [3, 16, None])}).to_list()
    [False, True, None]
    """
    if isinstance(expr, ColumnRef) and expr.name in columns:
        return columns[expr.name]
    program = _program(expr)
    type_, n_rows = program.check(expr, columns), length(columns)
    with np.errstate(all="ignore"):  # what is no number becomes null
        if n_rows > BLOCK_ROWS and program.is_nested and program.reads:
            return _run_in_blocks(program, type_, columns, n_rows)
        result = program.run(columns)
    return result if len(result) == n_rows else _spread(result, n_rows)


class _Program:
    """An expression as nested functions, and the types of columns it was found to go together with.

    Attributes
    ----------
    reads
        The columns it reads.
    is_nested
        Whether it is an operation on what others give, rather than one alone.
    run
        From columns to the result; a part that reads no column stays one row and is spread by its user.
    """

    def __init__(self, expr: Expr) -> None:
        self.reads = sorted(expr.columns())
        self.is_nested = isinstance(expr, Call) and any(isinstance(each, Call) for each in expr.arguments)
        self.run = _compile(expr)
        self._types: dict[tuple[Type, ...], Type] = {}

    def check(self, expr: Expr, columns: Columns) -> Type:
        """Return the type of the result; ExpressionError if the columns do not go together."""
        given = tuple([columns[name].type for name in self.reads if name in columns])
        type_ = self._types.get(given)
        if type_ is None:
            type_ = self._types[given] = infer_type(expr, schema_of(columns))
        return type_


_PROGRAMS: dict[int, _Program] = {}
"""Programs by the ids of their expressions (`==` does not compare those); each goes with its expression."""


def _program(expr: Expr) -> _Program:
    if not isinstance(expr, Expr):
        raise ExpressionError(f"{expr!r} is not an expression; build one with col(...)")
    program = _PROGRAMS.get(id(expr))
    if program is None:
        program = _PROGRAMS[id(expr)] = _Program(expr)
        finalize(expr, _PROGRAMS.pop, id(expr), None)
    return program


def _compile(expr: Expr) -> _Run:
    if isinstance(expr, ColumnRef):
        return itemgetter(expr.name)
    if isinstance(expr, Literal):
        values = np.empty(1, dtype=expr.type.dtype)
        values[0] = expr.value
        constant = Column(expr.type, values, np.ones(1, dtype=np.bool_))
        return lambda _columns: constant
    if not isinstance(expr, Call):
        raise ExpressionError(f"{expr!r} is not an expression; build one with col(...)")
    kernel, parts = OPERATIONS[expr.operation].kernel, [_compile(argument) for argument in expr.arguments]

    def run(columns: Columns) -> Column:
        result = kernel(*[part(columns) for part in parts])
        if result.valid.shape == result.values.shape:
            return result
        return Column(result.type, result.values, np.broadcast_to(result.valid, result.values.shape))

    return run


def _run_in_blocks(program: _Program, type_: Type, columns: Columns, n_rows: int) -> Column:
    """Run a program on as many rows at a time as stay in the processor's cache with what lies between."""
    read = [(name, columns[name]) for name in program.reads]
    values, valid = np.empty(n_rows, dtype=type_.dtype), np.empty(n_rows, dtype=np.bool_)
    row_bytes = max(values.itemsize, *[each.values.itemsize for _, each in read])
    for rows in blocks(n_rows, row_bytes):
        block = {name: Column(each.type, each.values[rows], each.valid[rows]) for name, each in read}
        result = program.run(block)
        values[rows], valid[rows] = result.values, result.valid
    return Column(type_, values, valid)


def _spread(result: Column, n_rows: int) -> Column:
    values, valid = np.broadcast_to(result.values, n_rows), np.broadcast_to(result.valid, n_rows)
    return Column(result.type, values.copy(), valid.copy())
