"""A source of one view whose history changes, and backfills as the state machine runs them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.datasets.streams import BEGINNING, Cloud, OfOneView, upload
from tests.features.histories import ENTITY, SCHEMA, Row
from tidemill import FeatureView, Source, distinct, mean
from tidemill.datasets.backfill import Backfills, start_anew, start_backfill
from tidemill.datasets.backfill_parts import Sizes
from tidemill.datasets.materialization import ServedView, materialize_commit, served_views
from tidemill.datasets.retirement import Retirement
from tidemill.datasets.rollback import rollback
from tidemill.datasets.tables import Commit
from tidemill.datasets.upkeep import Housekeeping
from tidemill.datasets.watermarks import watermarks_of
from tidemill.errors import Outdated
from tidemill.features.definitions import ViewDefinition, define
from tidemill.features.generations import generation_of, read_pointers
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.executions import MemoryExecutions
from tidemill.memory.online import MemoryOnlineStore

SMALL = Sizes(chunk_rows=24, part_rows=10)
FAR_FUTURE = datetime(2113, 1, 1, tzinfo=UTC)


@dataclass
class InService:
    """Views that models in service were trained with, and that models ever were."""

    views: list[ViewDefinition] = field(default_factory=list)
    ever: list[ViewDefinition] = field(default_factory=list)

    def of_source(self, source: str) -> Sequence[ViewDefinition]:
        """Return those of a source."""
        return [view for view in self.views if view.source == source]

    def registered(self) -> Sequence[ViewDefinition]:
        """Return those that models ever were trained with."""
        return [*self.views, *self.ever]


def view_of(window: str = "1h") -> FeatureView:
    """Declare a view with a sum and a ring of values."""
    source = Source("events", SCHEMA, ["shop"], "at")
    features = {"mean": mean("x", over=window), "words": distinct("word", over=window)}
    return FeatureView("readings", ENTITY, source, features)


def rows_of(second: int) -> list[Row]:
    """Return a row for each of four entities."""
    at = BEGINNING + timedelta(seconds=second)
    return [Row("a", shelf, at, at, second + shelf / 3, f"w{second}", shelf, good=True) for shelf in range(4)]


def served_values(store: MemoryOnlineStore) -> dict[str, bytes]:
    """Return the items that are served by their keys in the first generation."""
    parts = [key.partition("#") for key in store._items]
    views = {generation_of(items)[0] for items, entity, _ in parts if entity}
    pointers = read_pointers(store, views)
    places = {
        f"{view}#{key}": f"{items}#{key}"
        for items, entity, key in parts
        for view, generation in [generation_of(items)]
        if entity and generation == pointers[view].generation and not pointers[view].let_go
    }
    return {key: store._items[place].value for key, place in places.items()}


@dataclass
class Refilled:
    """One view's source, its history and its items."""

    project: OfOneView = field(default_factory=lambda: OfOneView.of(view_of()))
    cloud: Cloud = field(default_factory=Cloud)
    in_service: InService = field(default_factory=InService)
    executions: MemoryExecutions = field(default_factory=MemoryExecutions)
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    sizes: Sizes = SMALL

    @property
    def view(self) -> ViewDefinition:
        """The declared view."""
        return define(self.project.views[0])

    @property
    def history(self) -> list[Commit]:
        """The source's commits."""
        return list(self.cloud.tables.commits("events"))

    @property
    def served(self) -> ServedView:
        """What is served of the view."""
        (found,) = served_views([self.view], self.cloud.documents, self.cloud.store)
        return found

    @property
    def watermarks(self) -> dict[str, Any]:
        """Every watermark there is."""
        return dict(watermarks_of(self.cloud.documents, "events"))

    def commit(self, *seconds: int) -> None:
        """Upload the rows of some moments, each as a file."""
        for second in seconds:
            upload(rows_of(second), BEGINNING, self.project, self.blobs, self.cloud)

    def bring(self, **ports: Any) -> dict[str, int]:
        """Deliver the newest commit, as the function does."""
        return materialize_commit(
            "events",
            self.history[-1].sequence,
            project=self.project,
            served=self.in_service.views,
            backfill=lambda view, sequence: start_backfill(self.executions, view, sequence),
            **{"tables": self.cloud.tables, "documents": self.cloud.documents, "store": self.cloud.store}
            | ports,
        )

    def roll_back(self, to: Commit) -> None:
        """Roll the source back, as the command does."""
        done = rollback(self.cloud.tables, self.cloud.tables, self.cloud.documents, "events", to)
        if done.times is not None:
            start_anew(self.executions, [self.view, *self.in_service.views], done.times)

    def backfills(self, cloud: Cloud | None = None) -> Backfills:
        """Return the steps of a backfill."""
        seen = cloud or self.cloud
        return Backfills(
            self.project,
            self.in_service,
            seen.tables,
            seen.documents,
            seen.store,
            self.sizes,
        )

    def fill(self, view: ViewDefinition | None = None, *, cloud: Cloud | None = None) -> int:
        """Run a backfill as the state machine does, and return how often it was planned."""
        filled = view or self.view
        request: dict[str, Any] = {"view": filled.name, "version": filled.version}
        for planned in range(1, 10):
            try:
                plan = run(self.backfills(cloud), request)
            except Outdated:
                continue
            assert plan["view"] == filled.name
            return planned
        raise AssertionError("a backfill is planned anew for ever")

    def run_executions(self) -> None:
        """Run every backfill that was started."""
        for name in list(self.executions.running()):
            asked = self.executions.started[name]
            views = {view.reference: view for view in [self.view, *self.in_service.registered()]}
            self.fill(views[f"{asked['view']}@{asked['version']}"])
            self.executions.end(name)

    def upkeep(self, at: datetime = FAR_FUTURE, *, weeks: int = 2) -> list[int]:
        """Let weekly upkeeps pass, and return how many items each removed."""
        cloud = self.cloud
        retirement = Retirement(
            self.project, self.in_service, cloud.tables, cloud.documents, cloud.store, cloud.store
        )
        house = Housekeeping(
            self.project,
            cloud.tables,
            cloud.tables,
            cloud.tables,
            cloud.documents,
            retirement,
            self.blobs,
            self.executions,
        )
        return [house.keep("events", at + timedelta(days=7 * week)).items for week in range(weeks)]

    def expected(self) -> dict[str, bytes]:
        """Return the items as they are when the commits of the history come to an empty store in order."""
        anew = replace(
            self,
            cloud=Cloud(self.cloud.tables, MemoryDocuments(), MemoryOnlineStore()),
            executions=MemoryExecutions(),
        )
        materialize_commit(
            "events",
            self.history[-1].sequence,
            project=self.project,
            tables=anew.cloud.tables,
            documents=anew.cloud.documents,
            store=anew.cloud.store,
        )
        return served_values(anew.cloud.store)


def run(steps: Backfills, request: dict[str, Any]) -> dict[str, Any]:
    """Plan a backfill, fill every part through every chunk, and finish."""
    plan = steps.plan(request)
    for work in steps_of(plan):
        steps.fill(work)
    assert steps.finish(plan)["whole"]
    return plan


def steps_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the state machine passes to each step that fills, in an order that it may take."""
    items = {name: plan[name] for name in ("view", "version", "generation")}
    return [
        {**items, "after": chunk["after"], "until": chunk["until"], **part}
        for chunk in plan["chunks"]
        for part in chunk["parts"]
    ]


Event = Callable[[Refilled], object]
"""Something that happens while a view is being filled."""
