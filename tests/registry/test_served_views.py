"""The views that have to be kept up are those of versions in service, and of those a rollback returns to."""

from typing import Any

from tidemill import (
    Entity,
    FeatureView,
    Float,
    Model,
    Observations,
    Source,
    String,
    TimeSplit,
    Timestamp,
    col,
)
from tidemill.canonical import canonical_json
from tidemill.features.definitions import ViewDefinition, define
from tidemill.features.plan import compile_plan
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.documents import MemoryDocuments
from tidemill.project import mean
from tidemill.registry.aliases import get_alias, move_alias
from tidemill.registry.package import store_package
from tidemill.registry.served_views import ServedViews
from tidemill.registry.versions import register_version

AT = "2013-01-01T00:00:00Z"
TRIPS = Source("trips", {"id": String, "city": String, "at": Timestamp, "x": Float}, ["id"], "at")


def view_of(window: str) -> FeatureView:
    return FeatureView("city", Entity("city", ["city"]), TRIPS, {"x_mean": mean("x", over=window)})


class Registry:
    """A registry whose model's version n looks back n hours."""

    def __init__(self) -> None:
        self.documents, self.blobs = MemoryDocuments(), MemoryBlobs()

    def register(self, window: str) -> ViewDefinition:
        view = view_of(window)
        model = Model(
            "late",
            observations=Observations(TRIPS, key="id", time=col("at"), request=["city", "at"]),
            label=col("x") > 0,
            features=[view],
            estimator=dict,
            split=TimeSplit(validation="7d", test="7d"),
        )
        serving = {"format": 1, "plan": compile_plan(model).to_json(), "threshold": 0.5}
        package = store_package(self.blobs, "late", {"serving.json": canonical_json(serving)})
        nothing: dict[str, Any] = {}
        register_version(
            self.documents,
            "late",
            run_id=window,
            package=package,
            at=AT,
            passed=True,
            gates=[],
            metrics=nothing,
            lineage=nothing,
        )
        return define(view)

    def point(self, alias: str, version: int) -> None:
        found = get_alias(self.documents, "late", alias)
        revision = found.revision if found else 0
        move_alias(self.documents, "late", alias, version, revision=revision, at=AT, by=f"to {version}")

    def kept(self) -> set[str]:
        return {view.reference for view in ServedViews(self.documents, self.blobs).of_source("trips")}


def test_a_version_without_an_alias_keeps_no_view() -> None:
    registry = Registry()
    registry.register("1h")
    assert registry.kept() == set()


def test_every_alias_keeps_its_versions_views_and_those_a_rollback_returns_to() -> None:
    registry = Registry()
    views = [registry.register(f"{hours}h").reference for hours in (1, 2, 3, 4)]
    registry.point("champion", 1)
    registry.point("challenger", 4)
    assert registry.kept() == {views[0], views[3]}
    registry.point("champion", 2)
    assert registry.kept() == {views[0], views[1], views[3]}
    registry.point("champion", 3)
    assert registry.kept() == {views[1], views[2], views[3]}


def test_views_of_other_sources_are_left_out() -> None:
    registry = Registry()
    registry.register("1h")
    registry.point("champion", 1)
    served = ServedViews(registry.documents, registry.blobs)
    assert served.of_source("planes") == []
    assert [name for name, _ in served.by_model()] == ["late@1"]


def test_views_of_versions_out_of_service_are_known_too() -> None:
    registry = Registry()
    views = [registry.register(window) for window in ("1h", "2h", "3h")]
    registry.point("champion", 3)
    served = ServedViews(registry.documents, registry.blobs)
    assert {view.reference for view in served.registered()} == {view.reference for view in views}
    assert [view.reference for view in served.of_version("late", 1)] == [views[0].reference]
