"""Checking expressions against a schema, and running them on columns."""

import numpy as np

from tidemill.errors import ExpressionError, did_you_mean
from tidemill.expressions.columns import Column, Columns, Schema, Type, length, schema_of
from tidemill.expressions.expression import Call, ColumnRef, Expr, Literal
from tidemill.expressions.operations import OPERATIONS, Operation


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
    infer_type(expr, schema_of(columns))
    n_rows = length(columns)
    result = _run(expr, columns)
    if len(result) == n_rows:
        return result
    values, valid = np.broadcast_to(result.values, n_rows), np.broadcast_to(result.valid, n_rows)
    return Column(result.type, values.copy(), valid.copy())


def _run(expr: Expr, columns: Columns) -> Column:
    """Run a checked expression; a part that reads no column stays one row and is spread by its user."""
    if isinstance(expr, ColumnRef):
        return columns[expr.name]
    if isinstance(expr, Literal):
        values = np.empty(1, dtype=expr.type.dtype)
        values[0] = expr.value
        return Column(expr.type, values, np.ones(1, dtype=np.bool_))
    if not isinstance(expr, Call):
        raise ExpressionError(f"{expr!r} is not an expression; build one with col(...)")
    arguments = [_run(argument, columns) for argument in expr.arguments]
    result = OPERATIONS[expr.operation].kernel(*arguments)
    valid = np.broadcast_to(result.valid, result.values.shape)
    return Column(result.type, result.values, valid)
