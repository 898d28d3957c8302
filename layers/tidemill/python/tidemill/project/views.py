"""Feature views: features of one entity from one source, declared once for training and serving.

Windows end at the moment asked about and begin ``window`` before it, rounded down to the window's hop:
the largest of 1 s, 1 min, 5 min, 1 h and 1 d that is at most a twelfth of the window, unless declared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from tidemill.canonical import digest_json
from tidemill.errors import DeclarationError
from tidemill.expressions import Expr, Type, col, infer_type
from tidemill.project.item_sizes import Windowed, check_item_size
from tidemill.project.names import check_distinct, check_known, check_name
from tidemill.project.sources import Entity, Source, type_in
from tidemill.project.times import Weekly, parse_duration

AggregateKind = Literal[
    "count", "sum", "mean", "min", "max", "var", "std", "rate", "first", "last", "distinct"
]

_HOPS_SECONDS = (86_400, 3600, 300, 60, 1)
_NUMERIC = (Type.INT, Type.FLOAT, Type.BOOL)
_OF_ANY_TYPE = ("count", "first", "last", "distinct")
_HOUR_SECONDS = 3600
_WEEK_SECONDS = 7 * 86_400


@dataclass(frozen=True, eq=False)
class Aggregate:
    """One figure over the rows of a trailing window.

    Attributes
    ----------
    kind
        Which figure.
    value
        What it is taken of; None counts rows.
    window_seconds
        How far the window looks back.
    hop_seconds
        What the window's far end is rounded down to.
    at_most
        The greatest number of different values that is told apart from more; 0 for other kinds.
    """

    kind: AggregateKind
    value: Expr | None
    window_seconds: int
    hop_seconds: int
    at_most: int = 0


@dataclass(frozen=True)
class Latest:
    """The value of a column in the newest row."""

    column: str


Feature = Aggregate | Latest


def default_hop_seconds(window_seconds: int) -> int:
    """Return the hop of a window that declares none.

    Examples
    --------
    >>> default_hop_seconds(14 * 86_400), default_hop_seconds(3600), default_hop_seconds(5)
    (86400, 300, 1)
    """
    return next((hop for hop in _HOPS_SECONDS if hop * 12 <= window_seconds), 1)


def _aggregate(kind: AggregateKind, value: str | Expr | None, over: str, hop: str | None) -> Aggregate:
    window_seconds = parse_duration(over, f"{kind}(over=)")
    hop_seconds = parse_duration(hop, f"{kind}(hop=)") if hop else default_hop_seconds(window_seconds)
    if hop_seconds > window_seconds:
        raise DeclarationError(f"{kind}: hop {hop!r} is longer than the window {over!r}; shorten it")
    return Aggregate(kind, col(value) if isinstance(value, str) else value, window_seconds, hop_seconds)


def latest(*columns: str) -> dict[str, Feature]:
    """Take the columns of the newest row, each as a feature of the same name."""
    return {name: Latest(name) for name in columns}


def count(value: str | Expr | None = None, *, over: str, hop: str | None = None) -> Aggregate:
    """Count the rows, or those where the value is not null; 0 where there are none."""
    return _aggregate("count", value, over, hop)


def total(value: str | Expr, *, over: str, hop: str | None = None) -> Aggregate:
    """Add the values up; null where there are none. Named ``sum`` in ``tidemill``."""
    return _aggregate("sum", value, over, hop)


def mean(value: str | Expr, *, over: str, hop: str | None = None) -> Aggregate:
    """Take the mean of the values; null where there are none."""
    return _aggregate("mean", value, over, hop)


def smallest(value: str | Expr, *, over: str, hop: str | None = None) -> Aggregate:
    """Take the smallest value; null where there are none. Named ``min`` in ``tidemill``."""
    return _aggregate("min", value, over, hop)


def largest(value: str | Expr, *, over: str, hop: str | None = None) -> Aggregate:
    """Take the largest value; null where there are none. Named ``max`` in ``tidemill``."""
    return _aggregate("max", value, over, hop)


def var(value: str | Expr, *, over: str, hop: str | None = None) -> Aggregate:
    """Take the sample variance (over n - 1); null below two values."""
    return _aggregate("var", value, over, hop)


def std(value: str | Expr, *, over: str, hop: str | None = None) -> Aggregate:
    """Take the sample standard deviation (over n - 1); null below two values."""
    return _aggregate("std", value, over, hop)


def rate(condition: str | Expr, *, over: str, hop: str | None = None) -> Aggregate:
    """Take the share of rows where a condition is true among those where it is not null."""
    return _aggregate("rate", condition, over, hop)


def first(value: str | Expr, *, over: str, hop: str | None = None) -> Aggregate:
    """Take the oldest value that is not null, of any type; null where there is none."""
    return _aggregate("first", value, over, hop)


def last(value: str | Expr, *, over: str, hop: str | None = None) -> Aggregate:
    """Take the newest value that is not null, of any type; null where there is none."""
    return _aggregate("last", value, over, hop)


def distinct(value: str | Expr, *, over: str, hop: str | None = None, at_most: int = 1000) -> Aggregate:
    """Count different values, of any type, as far as ``at_most``; 0 where there are none.

    What is kept of an entity grows with the different values, so their number is bounded by declaration.
    """
    if at_most < 1:
        raise DeclarationError(f"distinct(at_most={at_most}) would tell nothing apart; it is 1 or more")
    return replace(_aggregate("distinct", value, over, hop), at_most=at_most)


@dataclass(frozen=True, eq=False)
class FeatureView:
    """Features of one entity from one source.

    Attributes
    ----------
    name
        The view's name.
    entity
        What the features are about; its keys are columns of the source.
    source
        Where the rows come from.
    features
        Each feature by name: ``latest(...)``, or aggregates over windows.
    ttl
        How old the newest row may be for its latest values to count; None for any age.
    """

    name: str
    entity: Entity
    source: Source
    features: Mapping[str, Feature]
    ttl: str | None = None

    def __post_init__(self) -> None:
        check_name("view", self.name)
        owner = f"view `{self.name}`"
        for key in self.entity.keys:
            within = f"source `{self.source.name}`"
            check_known(owner, f"key of entity `{self.entity.name}`", key, self.source.schema, within)
            if self.source.schema[key] is Type.FLOAT:
                raise DeclarationError(
                    f"{owner}: key `{key}` is float; numbers that should be the same may differ in their last"
                    " digit, so a float tells no entities apart; declare the column as an int or a string"
                )
        if not self.features:
            raise DeclarationError(f"{owner} has no features; declare at least one")
        for name, feature in self.features.items():
            check_name(f"{owner}: feature", name)
            self.feature_type(name, feature)
        check_distinct(owner, "features or keys", [*self.entity.keys, *self.features])
        if self.ttl is not None:
            parse_duration(self.ttl, f"{owner}: ttl")
        aggregates = [each for each in self.features.values() if isinstance(each, Aggregate)]
        check_item_size(
            owner, [self.windowed(each) for each in aggregates], len(self.features) - len(aggregates)
        )

    def windowed(self, feature: Aggregate) -> Windowed:
        """Return a figure as far as it bears on the size of the view's items."""
        type_ = None if feature.value is None else infer_type(feature.value, self.source.schema)
        return Windowed(feature.kind, feature.value, type_, feature.window_seconds, feature.hop_seconds)

    def feature_type(self, name: str, feature: Feature) -> Type:
        """Return the type of a feature's values; DeclarationError if it can not have one."""
        owner = f"view `{self.name}`: feature `{name}`"
        if isinstance(feature, Latest):
            return type_in(col(feature.column), self.source, owner)
        if not isinstance(feature, Aggregate):
            raise DeclarationError(f"{owner} is {feature!r}; use latest(), mean(), rate(), ...")
        if feature.value is not None:
            type_ = type_in(feature.value, self.source, owner)
            if feature.kind == "rate" and type_ is not Type.BOOL:
                raise DeclarationError(
                    f"{owner}: rate of `{feature.value!r}` is of a {type_.value}, not a bool"
                )
            if feature.kind not in _OF_ANY_TYPE and type_ not in _NUMERIC:
                raise DeclarationError(
                    f"{owner}: {feature.kind} of `{feature.value!r}` is of a {type_.value}"
                )
            if feature.kind in {"first", "last"}:
                return type_
        return Type.INT if feature.kind in {"count", "distinct"} else Type.FLOAT

    @property
    def feature_types(self) -> dict[str, Type]:
        """Each feature's type by name, in declared order."""
        return {name: self.feature_type(name, feature) for name, feature in self.features.items()}

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits that change when anything about the features' meaning does."""
        return digest_json(self.definition())[:12]

    def definition(self) -> dict[str, Any]:
        """Return all there is to know to compute the features, as plain data.

        ``grace_seconds`` is how far behind the newest known row the online store still answers exactly.
        """
        schema = self.source.schema
        hops = [each.hop_seconds for each in self.features.values() if isinstance(each, Aggregate)]
        slack = _WEEK_SECONDS if isinstance(self.source.known, Weekly) else max([_HOUR_SECONDS, *hops])
        return {
            "name": self.name,
            "source": self.source.name,
            "timestamp": self.source.timestamp,
            "known": self.source.known_expression.to_json(),
            "keys": [{"name": key, "type": schema[key].value} for key in self.entity.keys],
            "columns": [{"name": name, "type": schema[name].value} for name in sorted(self._columns)],
            "features": [self._feature_definition(name) for name in self.features],
            "ttl_seconds": None if self.ttl is None else parse_duration(self.ttl, "ttl"),
            "grace_seconds": slack,
        }

    @property
    def _columns(self) -> set[str]:
        """The columns of the source that the features are computed from."""
        needed = {self.source.timestamp, *self.entity.keys, *self.source.known_expression.columns()}
        for feature in self.features.values():
            if isinstance(feature, Latest):
                needed.add(feature.column)
            elif feature.value is not None:
                needed |= feature.value.columns()
        return needed

    def _feature_definition(self, name: str) -> dict[str, Any]:
        feature = self.features[name]
        type_ = self.feature_type(name, feature).value
        if isinstance(feature, Latest):
            return {"name": name, "type": type_, "kind": "latest", "value": col(feature.column).to_json()}
        return {
            "name": name,
            "type": type_,
            "kind": feature.kind,
            "value": None if feature.value is None else feature.value.to_json(),
            "window_seconds": feature.window_seconds,
            "hop_seconds": feature.hop_seconds,
            **({"at_most": feature.at_most} if feature.at_most else {}),
        }
