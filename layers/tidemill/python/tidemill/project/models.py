"""Models: what is predicted, from what, and by which rules.

What a prediction may use is what its caller can know: the declared request columns, and features that
are known by the prediction's time. Everything else of the observations' source (the label's columns
first of all) can not be named in a feature.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidemill.errors import DeclarationError, ExpressionError, did_you_mean
from tidemill.expressions import Expr, Type, infer_type
from tidemill.project.names import check_distinct, check_known, check_name
from tidemill.project.policies import METRICS, Gate, Monitor, Retrain, Slices, TimeSplit
from tidemill.project.sources import Source, type_in
from tidemill.project.views import FeatureView

ModelFeature = FeatureView | str | Mapping[str, Expr]
"""A whole view, a request column by name, or named expressions over request columns."""


@dataclass(frozen=True, eq=False)
class Observations:
    """The things to predict: rows of a source, seen before their label is known.

    Attributes
    ----------
    source
        Where they, and later their labels, come from.
    key
        The column that names an observation, in predictions and outcomes alike.
    time
        When the prediction is made: an expression over request columns.
    request
        The columns a caller knows and sends at that time.
    """

    source: Source
    key: str
    time: Expr
    request: Sequence[str]

    def __post_init__(self) -> None:
        owner = f"observations of source `{self.source.name}`"
        check_known(owner, "key", self.key, self.source.schema, "its schema")
        for name in self.request:
            check_known(owner, "request column", name, self.source.schema, "its schema")
        check_distinct(owner, "request columns", self.request)
        if type_in(self.time, self.source, f"{owner}: time") is not Type.TIMESTAMP:
            raise DeclarationError(f"{owner}: time `{self.time!r}` is not a timestamp")

    @property
    def request_schema(self) -> dict[str, Type]:
        """Each request column's type by name, in declared order."""
        return {name: self.source.schema[name] for name in self.request}


@dataclass(frozen=True, eq=False)
class Model:
    """A model: its observations, label and features, and how it is trained, gated and watched.

    Attributes
    ----------
    name
        The model's name.
    observations
        The things to predict.
    label
        A boolean expression over the source's columns; null where there is nothing to learn from.
    features
        Views, request columns, and named expressions over request columns, in the order of the inputs.
    estimator
        A function without arguments that returns a fresh scikit-learn estimator.
    search
        The values to try for each parameter.
    metric
        What candidates and versions are compared by.
    split
        How observations are divided by time.
    gates
        What a version must pass to take an alias.
    monitor, retrain
        When it is watched, and when it trains again.
    """

    name: str
    observations: Observations
    label: Expr
    features: Sequence[ModelFeature]
    estimator: Callable[[], Any]
    search: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    metric: str = "roc_auc"
    split: TimeSplit = field(default_factory=lambda: TimeSplit(validation="7d", test="7d"))
    gates: Sequence[Gate] = ()
    monitor: Monitor = field(default_factory=Monitor)
    retrain: Retrain = field(default_factory=Retrain)

    def __post_init__(self) -> None:
        check_name("model", self.name)
        owner = f"model `{self.name}`"
        self._check_label(owner)
        self._check_knowable(owner, "observations: time", self.observations.time)
        for item in self.features:
            self._check_item(owner, item)
        for name, type_ in self.input_types.items():
            if type_ is Type.TIMESTAMP:
                raise DeclarationError(
                    f'{owner}: feature `{name}` is a timestamp; take a part of it, as in col("{name}").hour()'
                )
        check_known(owner, "metric", self.metric, METRICS, "the metrics")
        self._check_training(owner)

    def _check_label(self, owner: str) -> None:
        source = self.observations.source
        if type_in(self.label, source, f"{owner}: label") is not Type.BOOL:
            raise DeclarationError(f"{owner}: label `{self.label!r}` is not true or false; compare it")
        for name in sorted(self.label.columns() & {*self.observations.request, self.observations.key}):
            raise DeclarationError(
                f"{owner}: `{name}` is the label's column and can not be a request column or the key: "
                "nobody knows it when the prediction is made"
            )

    def _check_item(self, owner: str, item: ModelFeature) -> None:
        if isinstance(item, FeatureView):
            self._check_view(owner, item)
        elif isinstance(item, str):
            self._check_reads(owner, f"feature `{item}`", {item})
        elif isinstance(item, Mapping):
            for name, expr in item.items():
                check_name(f"{owner}: feature", name)
                self._check_knowable(owner, f"feature `{name}`", expr)
        else:
            raise DeclarationError(
                f"{owner}: {item!r} is not a view, a request column or {{name: expression}}"
            )

    def _check_view(self, owner: str, view: FeatureView) -> None:
        schema = self.observations.request_schema
        for key in view.entity.keys:
            if key not in schema:
                raise DeclarationError(
                    f"{owner}: view `{view.name}` needs the key `{key}`, which is not a request column"
                    f"{did_you_mean(key, schema)}"
                )
            if schema[key] is not view.source.schema[key]:
                raise DeclarationError(
                    f"{owner}: key `{key}` is {schema[key].value} in the request and "
                    f"{view.source.schema[key].value} in source `{view.source.name}`; make them one type"
                )

    def _check_reads(self, owner: str, what: str, names: set[str] | frozenset[str]) -> None:
        source = self.observations.source
        for name in sorted(names - set(self.observations.request)):
            check_known(f"{owner}: {what}", "column", name, source.schema, f"source `{source.name}`")
            part = "part of the label" if name in self.label.columns() else "not a request column"
            raise DeclarationError(
                f"{owner}: {what} reads `{name}`, which is {part}: it can not be known when the prediction "
                f"is made; request columns: {', '.join(self.observations.request)}"
            )

    def _check_knowable(self, owner: str, what: str, expr: Expr) -> None:
        if not isinstance(expr, Expr):
            raise DeclarationError(f"{owner}: {what} is {expr!r}, not an expression; build one with col(...)")
        self._check_reads(owner, what, expr.columns())
        try:
            infer_type(expr, self.observations.request_schema, within="the request")
        except ExpressionError as error:
            raise DeclarationError(f"{owner}: {what}: {error}") from error

    def _check_training(self, owner: str) -> None:
        if not self.features:
            raise DeclarationError(f"{owner} has no features; declare at least one")
        if not callable(self.estimator) or hasattr(self.estimator, "fit"):
            raise DeclarationError(f"{owner}: estimator must be a function that returns a fresh estimator")
        for name, values in self.search.items():
            if isinstance(values, str) or not values:
                raise DeclarationError(
                    f"{owner}: search `{name}` is {values!r}; give a list of values to try"
                )
        known = {**self.observations.request_schema, **self.input_types}
        for gate in self.gates:
            if isinstance(gate, Slices):
                check_known(owner, "column of Slices", gate.column, known, "the request and the features")

    @property
    def views(self) -> tuple[FeatureView, ...]:
        """The views among the features, in order."""
        return tuple(item for item in self.features if isinstance(item, FeatureView))

    @property
    def transforms(self) -> dict[str, Expr]:
        """The named expressions among the features."""
        items = (item for item in self.features if isinstance(item, Mapping))
        return {name: expr for item in items for name, expr in item.items()}

    @property
    def input_types(self) -> dict[str, Type]:
        """The type of every input of the estimator by name, in order."""
        inputs = [pair for item in self.features for pair in self._types_of(item).items()]
        check_distinct(f"model `{self.name}`", "features", [name for name, _ in inputs])
        return dict(inputs)

    def _types_of(self, item: ModelFeature) -> dict[str, Type]:
        schema = self.observations.request_schema
        if isinstance(item, FeatureView):
            return item.feature_types
        if isinstance(item, str):
            return {item: schema[item]}
        return {name: infer_type(expr, schema) for name, expr in item.items()}
