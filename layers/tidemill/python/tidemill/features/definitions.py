"""Feature views as plain data: all that computing their features takes, with no project loaded.

A ``tidemill.project.FeatureView`` describes itself by ``definition()``; a model package carries that
description, and both are read here into the same ``ViewDefinition``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tidemill.canonical import digest_json
from tidemill.errors import ExpressionError, did_you_mean
from tidemill.expressions import Array, Columns, Expr, Schema, Type, evaluate, from_json

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SECOND_US = 1_000_000


class Declared(Protocol):
    """Whatever can describe a feature view: the declaration, or a definition read from a package."""

    def definition(self) -> dict[str, Any]:
        """Return the view as plain data."""
        ...


@dataclass(frozen=True, eq=False)
class FeatureDefinition:
    """One feature: the latest value of an expression, or a figure over a window of rows."""

    name: str
    type: Type
    kind: str
    value: Expr | None
    window_us: int
    hop_us: int
    at_most: int = 0

    @cached_property
    def value_id(self) -> str:
        """A name for what the figure is taken of, equal for equal expressions."""
        return "" if self.value is None else digest_json(self.value.to_json())


@dataclass(frozen=True, eq=False)
class ViewDefinition:
    """One feature view.

    Attributes
    ----------
    name, version
        The view, and the digest of what it means; together they name its items in the online store.
    source, timestamp, known
        Where the rows come from, when they happened and when they are known.
    keys
        The entity's key columns and their types.
    schema
        The columns of the source that the view reads, and the types it was defined by.
    features
        In declared order.
    ttl_us
        How old the newest row may be for its latest values to count; None for any age.
    grace_us
        How far behind its newest known row an item of the online store still answers exactly.
    data
        The plain data this was read from.
    """

    name: str
    version: str
    source: str
    timestamp: str
    known: Expr
    keys: tuple[tuple[str, Type], ...]
    schema: Schema
    features: tuple[FeatureDefinition, ...]
    ttl_us: int | None
    grace_us: int
    data: Mapping[str, Any]

    def definition(self) -> dict[str, Any]:
        """Return the view as plain data."""
        return dict(self.data)

    @cached_property
    def reference(self) -> str:
        """The view and its version, ``name@version``."""
        return f"{self.name}@{self.version}"

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the source that the view reads."""
        return frozenset(self.schema)

    @cached_property
    def latest(self) -> tuple[FeatureDefinition, ...]:
        """The features that are latest values."""
        return tuple(feature for feature in self.features if feature.kind == "latest")

    @cached_property
    def windowed(self) -> tuple[FeatureDefinition, ...]:
        """The features that are figures over windows."""
        return tuple(feature for feature in self.features if feature.kind != "latest")

    @property
    def kept_us(self) -> int | None:
        """How long an item can still be asked for after its newest row came to be seen; None for ever.

        Its longest window with the hop that rounds it, the ttl of its latest values, and the grace.
        """
        if self.latest and self.ttl_us is None:
            return None
        windows = [feature.window_us + feature.hop_us for feature in self.windowed]
        return max(windows, default=0) + (self.ttl_us or 0) + self.grace_us


def define(view: Declared) -> ViewDefinition:
    """Read a view's description.

    Parameters
    ----------
    view
        A declared view, or a definition, which comes back as it is.

    Returns
    -------
    ViewDefinition
        The view as the feature engine takes it.
    """
    if isinstance(view, ViewDefinition):
        return view
    return read_definition(view.definition())


def read_definition(data: Mapping[str, Any]) -> ViewDefinition:
    """Read what ``definition()`` wrote."""
    ttl_seconds = data["ttl_seconds"]
    return ViewDefinition(
        name=data["name"],
        version=digest_json(data)[:12],
        source=data["source"],
        timestamp=data["timestamp"],
        known=from_json(data["known"]),
        keys=tuple((key["name"], Type(key["type"])) for key in data["keys"]),
        schema={column["name"]: Type(column["type"]) for column in data["columns"]},
        features=tuple(_read_feature(feature) for feature in data["features"]),
        ttl_us=None if ttl_seconds is None else ttl_seconds * SECOND_US,
        grace_us=data["grace_seconds"] * SECOND_US,
        data=data,
    )


def _read_feature(data: Mapping[str, Any]) -> FeatureDefinition:
    return FeatureDefinition(
        name=data["name"],
        type=Type(data["type"]),
        kind=data["kind"],
        value=None if data["value"] is None else from_json(data["value"]),
        window_us=data.get("window_seconds", 0) * SECOND_US,
        hop_us=data.get("hop_seconds", 0) * SECOND_US,
        at_most=data.get("at_most", 0),
    )


@dataclass(frozen=True, eq=False)
class Events:
    """The rows of a view that can count: those whose key, timestamp and moment of knowing are there.

    Attributes
    ----------
    columns
        The rows.
    happened, known
        Shape (n_rows,), microseconds since 1970.
    not_before
        Shape (n_rows,), the moment before which a row is not seen whenever it was known; None for none.
    """

    columns: Columns
    happened: Ints
    known: Ints
    not_before: Ints | None = None

    @cached_property
    def visible(self) -> Ints:
        """When each row is seen by a feature for the first time: it happened before, and is known by then."""
        visible = self.happened + 1
        np.maximum(visible, self.known, out=visible)
        return visible if self.not_before is None else np.maximum(visible, self.not_before)


def read_events(view: ViewDefinition, rows: Columns) -> Events:
    """Take the rows of a source that can count for a view.

    Raises
    ------
    ExpressionError
        If a column the view reads is not there.
    """
    needed = view.columns
    for name in sorted(needed - set(rows)):
        raise ExpressionError(
            f"view `{view.name}`: the rows of source `{view.source}` have no column `{name}`"
            f"{did_you_mean(name, rows)}"
        )
    happened, known = rows[view.timestamp], evaluate(view.known, rows)
    there = happened.valid & known.valid
    for name, _ in view.keys:
        there = there & rows[name].valid
    columns = {name: rows[name] for name in sorted(needed)}
    times = [happened, known]
    if not there.all():
        positions = np.flatnonzero(there)
        columns = {name: each.take(positions) for name, each in columns.items()}
        times = [each.take(positions) for each in times]
    happened_us = microseconds(times[0].values)
    known_us = happened_us if known is happened else microseconds(times[1].values)
    return Events(columns, happened_us, known_us)


def microseconds(times: Array) -> Ints:
    """Return times as whole microseconds since 1970."""
    return times.astype("datetime64[us]", copy=False).view(np.int64)
