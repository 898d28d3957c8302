"""The feature plan of a model: its request, views, transforms and inputs, as plain data.

A plan is compiled from a model's declaration when it is trained and carried in the model package; the
predict path works from it alone, with no project loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tidemill.errors import ExpressionError, did_you_mean
from tidemill.expressions import Column, Columns, Expr, Type, evaluate, from_json
from tidemill.features.definitions import Declared, ViewDefinition, define, read_definition

Matrix = npt.NDArray[np.float32]

_FORMAT = 2


class ModelDeclaration(Protocol):
    """What compiling needs of ``tidemill.project.Model``."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    @property
    def observations(self) -> Any:
        """The observations: ``key``, ``time``, ``source`` and ``request_schema``."""
        ...

    @property
    def views(self) -> tuple[Declared, ...]:
        """The model's views."""
        ...

    @property
    def transforms(self) -> dict[str, Expr]:
        """Named expressions over request columns."""
        ...

    @property
    def input_types(self) -> dict[str, Type]:
        """The estimator's inputs, in order."""
        ...


@dataclass(frozen=True, eq=False)
class FeaturePlan:
    """How a request becomes a row of the matrix.

    Attributes
    ----------
    model
        The model's name.
    key, key_type
        The column that names an observation.
    request
        The columns a caller sends, and their types.
    time
        When a prediction is made, as an expression over the request.
    views
        The views whose features are looked up.
    transforms
        The inputs computed from the request, by name.
    inputs
        Every input of the estimator and its type, in order.
    encodings
        The values of each string input met in training, sorted; a value's place is its code. Empty
        until ``fit_encodings``.
    """

    model: str
    key: str
    key_type: Type
    request: Mapping[str, Type]
    time: Expr
    views: tuple[ViewDefinition, ...]
    transforms: Mapping[str, Expr]
    inputs: Mapping[str, Type]
    encodings: Mapping[str, tuple[str, ...]]

    @property
    def view_features(self) -> dict[str, Type]:
        """The features looked up in views, and their types, in order."""
        return {feature.name: feature.type for view in self.views for feature in view.features}

    def times(self, request: Columns) -> Column:
        """Return when each prediction is made."""
        return evaluate(self.time, request)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain data for ``read_plan``."""
        return {
            "format": _FORMAT,
            "model": self.model,
            "key": {"name": self.key, "type": self.key_type.value},
            "request": _types_to_json(self.request),
            "time": self.time.to_json(),
            "views": [view.definition() for view in self.views],
            "transforms": {name: expr.to_json() for name, expr in self.transforms.items()},
            "inputs": _types_to_json(self.inputs),
            "encodings": {name: list(values) for name, values in self.encodings.items()},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "FeaturePlan":
        """Read a plan that ``to_json`` wrote.

        Raises
        ------
        ExpressionError
            If the plan is of a format this library does not read.
        """
        if data.get("format") != _FORMAT:
            raise ExpressionError(
                f"a feature plan of format {data.get('format')!r} is not {_FORMAT}, the one known"
            )
        return FeaturePlan(
            model=data["model"],
            key=data["key"]["name"],
            key_type=Type(data["key"]["type"]),
            request=_types_from_json(data["request"]),
            time=from_json(data["time"]),
            views=tuple(read_definition(view) for view in data["views"]),
            transforms={name: from_json(expr) for name, expr in data["transforms"].items()},
            inputs=_types_from_json(data["inputs"]),
            encodings={name: tuple(values) for name, values in data["encodings"].items()},
        )


def compile_plan(model: ModelDeclaration) -> FeaturePlan:
    """Compile a model's declaration into its plan, with no encodings yet."""
    observations = model.observations
    return FeaturePlan(
        model=model.name,
        key=observations.key,
        key_type=observations.source.schema[observations.key],
        request=observations.request_schema,
        time=observations.time,
        views=tuple(define(view) for view in model.views),
        transforms=model.transforms,
        inputs=model.input_types,
        encodings={},
    )


def assemble(plan: FeaturePlan, request: Columns, view_features: Columns) -> dict[str, Column]:
    """Put a model's inputs together.

    Parameters
    ----------
    plan
        The model's plan.
    request
        The request columns, n rows.
    view_features
        The views' features for the same rows, from ``join_features`` or ``read_features``.

    Returns
    -------
    dict of Column
        The inputs in plan order, n rows.

    Raises
    ------
    ExpressionError
        If a request column or a feature is not there.
    """
    looked_up = plan.view_features
    inputs: dict[str, Column] = {}
    for name in plan.inputs:
        if name in plan.transforms:
            inputs[name] = evaluate(plan.transforms[name], request)
        elif name in looked_up:
            inputs[name] = _find(view_features, name, "the views' features")
        else:
            inputs[name] = _find(request, name, "the request")
    return inputs


def fit_encodings(plan: FeaturePlan, inputs: Columns) -> FeaturePlan:
    """Return the plan with the values of every string input of a training set.

    Parameters
    ----------
    plan
        The model's plan.
    inputs
        The training rows' inputs, as ``assemble`` gives them.

    Returns
    -------
    FeaturePlan
        The plan with encodings; the order of rows does not matter.
    """
    encodings: dict[str, tuple[str, ...]] = {}
    for name, type_ in plan.inputs.items():
        if type_ is Type.STRING:
            column = _find(inputs, name, "the inputs")
            encodings[name] = tuple(sorted(set(column.values[column.valid].tolist())))
    return replace(plan, encodings=encodings)


def matrix(plan: FeaturePlan, inputs: Columns) -> Matrix:
    """Write inputs as the float32 matrix that both training and serving give the estimator.

    Parameters
    ----------
    plan
        A plan with encodings.
    inputs
        The inputs, as ``assemble`` gives them, n rows.

    Returns
    -------
    Matrix
        Shape (n_rows, n_inputs). A null is NaN; a string is its code, one not met in training NaN;
        booleans are 0 and 1.

    Raises
    ------
    ExpressionError
        If a string input has no encoding: ``fit_encodings`` comes first.
    """
    written = [_write(plan, name, _find(inputs, name, "the inputs")) for name in plan.inputs]
    return np.column_stack(written)


def _write(plan: FeaturePlan, name: str, column: Column) -> Matrix:
    if column.type is Type.STRING:
        if name not in plan.encodings:
            raise ExpressionError(
                f"string input `{name}` has no encoding; fit_encodings(plan, inputs) makes it"
            )
        codes = {value: code for code, value in enumerate(plan.encodings[name])}
        numbers = [codes.get(value, np.nan) for value in column.filled().tolist()]
        return np.where(column.valid, np.array(numbers, dtype=np.float32), np.float32(np.nan))
    with np.errstate(over="ignore"):  # a float64 beyond float32 is infinite, in training as in serving
        values = column.filled().astype(np.float32)
    return np.where(column.valid, values, np.float32(np.nan))


def _find(columns: Columns, name: str, within: str) -> Column:
    if name not in columns:
        raise ExpressionError(f"there is no `{name}` in {within}{did_you_mean(name, columns)}")
    return columns[name]


def _types_to_json(types: Mapping[str, Type]) -> list[dict[str, str]]:
    return [{"name": name, "type": type_.value} for name, type_ in types.items()]


def _types_from_json(data: list[dict[str, str]]) -> dict[str, Type]:
    return {item["name"]: Type(item["type"]) for item in data}
