"""A small project with data that can be learned from, and the state machine's steps in its order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from tidemill import (
    Entity,
    FeatureView,
    Float,
    Improves,
    Model,
    Observations,
    Parity,
    Project,
    SkewFree,
    Slices,
    Source,
    String,
    TimeSplit,
    Timestamp,
    Weekly,
    col,
    latest,
    mean,
    rate,
)
from tidemill.canonical import digest_bytes
from tidemill.datasets.arrow import arrow_schema, from_columns
from tidemill.datasets.tables import Tables
from tidemill.expressions import column
from tidemill.features.online import OnlineStore
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.online import MemoryOnlineStore
from tidemill.memory.tables import MemoryTables
from tidemill.training.context import RunContext
from tidemill.training.evaluate import evaluate_candidate
from tidemill.training.gates import check_gates
from tidemill.training.pin import pin_dataset
from tidemill.training.promote import promote_model
from tidemill.training.register import register_model
from tidemill.training.select import select_candidate
from tidemill.training.train import train_candidate
from tidemill.training.training_set import build_training_set

FIRST_DAY = np.datetime64("2024-01-01", "us")  # a Monday
DAY = np.timedelta64(1, "D")


def estimator() -> HistGradientBoostingClassifier:
    """Return the toy's estimator."""
    return HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=5)


trips = Source(
    "trips",
    schema={
        "trip": String,
        "zone": String,
        "started_at": Timestamp,
        "ended_at": Timestamp,
        "minutes": Float,
        "rain": Float,
    },
    key=["trip"],
    timestamp="ended_at",
    known=Weekly(on="monday"),
)
zones = Source(
    "zones",
    schema={"zone": String, "listed_at": Timestamp, "area": Float},
    key=["zone"],
    timestamp="listed_at",
)
zone = Entity("zone", keys=["zone"])
zone_trips = FeatureView(
    "zone_trips",
    entity=zone,
    source=trips,
    features={
        "zone_minutes_14d": mean("minutes", over="14d"),
        "zone_long_rate_28d": rate(col("minutes") > 20, over="28d"),
    },
)
zone_record = FeatureView("zone_record", entity=zone, source=zones, features=latest("area"))

long_trip = Model(
    "long_trip",
    observations=Observations(
        trips, key="trip", time=col("started_at"), request=["zone", "started_at", "rain"]
    ),
    label=col("minutes") > 20,
    features=[zone_trips, zone_record, "zone", "rain", {"hour": col("started_at").hour()}],
    estimator=estimator,
    search={"max_iter": [5, 20]},
    split=TimeSplit(validation="7d", test="7d"),
    gates=[Improves(), Parity(), SkewFree(rows=40), Slices("zone", max_drop=0.05, min_rows=30)],
)
project = Project("toy", sources=[trips, zones], models=[long_trip])


def trip_rows(
    days: int, *, first: int = 0, per_day: int = 60, seed: int = 0, noise: float = 5.0
) -> dict[str, Any]:
    """Return columns of ``days`` days of trips from day ``first`` on."""
    generator = np.random.default_rng([seed, first])
    n = days * per_day
    started = (
        FIRST_DAY + first * DAY + np.sort(generator.integers(0, days * 86_400, n)).astype("timedelta64[s]")
    )
    where = generator.integers(0, 4, n)
    rain = generator.gamma(1.0, 2.0, n)
    hour = (started - started.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)
    minutes = np.maximum(1.0, 10 + 3 * where + 1.5 * rain + 4 * (hour > 16) + generator.normal(0, noise, n))
    missing = generator.random(n) < 0.05
    return {
        "trip": column(String, [f"t{first}-{number:05d}" for number in range(n)]),
        "zone": column(String, [f"zone-{code}" for code in where]),
        "started_at": column(Timestamp, started.tolist()),
        "ended_at": column(Timestamp, (started + (minutes * 60).astype("timedelta64[s]")).tolist()),
        "minutes": column(
            Float, [None if gone else value for gone, value in zip(missing, minutes, strict=True)]
        ),
        "rain": column(Float, np.round(rain, 1)),
    }


def upload(tables: Tables, source: Source, rows: Mapping[str, Any], upload_id: str) -> None:
    """Commit rows to a source's table."""
    tables.ensure(source.name, arrow_schema(source.schema))
    tables.append(source.name, iter(from_columns(rows).to_batches()), {}, ids=[upload_id])


def upload_zones(tables: Tables) -> None:
    """Commit the four zones."""
    names = [f"zone-{code}" for code in range(4)]
    listed = ["2023-12-01T00:00:00Z"] * 4
    rows = {
        "zone": column(String, names),
        "listed_at": column(Timestamp, listed),
        "area": column(Float, [1, 2, 3, 4]),
    }
    upload(tables, zones, rows, "zones")


@dataclass
class Laboratory:
    """The system's stores in memory, and the state machine as a loop over its steps."""

    model: Model = long_trip
    tables: MemoryTables = field(default_factory=MemoryTables)
    data: MemoryBlobs = field(default_factory=MemoryBlobs)
    models: MemoryBlobs = field(default_factory=MemoryBlobs)
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    replay_store: Callable[[], OnlineStore] = MemoryOnlineStore

    def steps(self, context: RunContext) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """Return every step by the name of its result, as a function of the state so far."""
        model, tables, documents = self.model, self.tables, self.documents
        data, models = self.data, self.models
        return {
            "pin_dataset": lambda _: pin_dataset(context, model, tables=tables, documents=documents),
            "build_training_set": lambda state: build_training_set(
                context,
                model,
                pinned=state["pin_dataset"],
                tables=tables,
                data=data,
                documents=documents,
                replay_store=self.replay_store,
            ),
            "candidates": lambda state: [
                self.train(context, state, item, "train")
                for item in state["build_training_set"]["candidates"]
            ],
            "select_candidate": lambda state: select_candidate(
                context, model.metric, trained=state["candidates"], documents=documents
            ),
            "fit_selected": lambda state: self.train(
                context, state, state["select_candidate"]["candidate"], "train_and_validation"
            ),
            "evaluate_candidate": lambda state: evaluate_candidate(
                context,
                model,
                pinned=state["pin_dataset"],
                built=state["build_training_set"],
                fitted=state["fit_selected"],
                data=data,
                models=models,
                documents=documents,
            ),
            "check_gates": lambda state: check_gates(
                context, model, evaluated=state["evaluate_candidate"], models=models, documents=documents
            ),
            "register_model": lambda state: register_model(
                context,
                fitted=state["fit_selected"],
                evaluated=state["evaluate_candidate"],
                checked=state["check_gates"],
                models=models,
                documents=documents,
            ),
            "promote_model": lambda state: promote_model(
                context, pinned=state["pin_dataset"], registered=state["register_model"], documents=documents
            ),
        }

    def train(
        self, context: RunContext, state: dict[str, Any], item: dict[str, Any], fit_on: Any
    ) -> dict[str, Any]:
        """Run the step that trains one candidate."""
        return train_candidate(
            context,
            self.model,
            training_set=state["build_training_set"]["training_set"],
            candidate=item,
            fit_on=fit_on,
            data=self.data,
            models=self.models,
        )

    def run(
        self,
        run_id: str,
        *,
        at: str,
        overrides: Mapping[str, Any] | None = None,
        until: str = "promote_model",
    ) -> dict[str, Any]:
        """Run the steps in order, through the named one, but promote only what passed."""
        context = make_context(run_id, at=at, overrides=overrides)
        state: dict[str, Any] = {}
        for name, step in self.steps(context).items():
            if name == "promote_model" and not state["check_gates"]["passed"]:
                break
            state[name] = step(state)
            if name == until:
                break
        return state

    def written(self) -> list[tuple[str, str, str]]:
        """Return every blob's key, version and content, to see whether anything was written."""
        return [
            (info.key, info.version, digest_bytes(store.get(info.key)))
            for store in (self.data, self.models)
            for info in store.list("")
        ]

    def declared(self, **changes: Any) -> "Laboratory":
        """Return a laboratory over the same stores for a changed declaration."""
        return replace(self, model=replace(self.model, **changes))


def make_context(run_id: str, *, at: str, overrides: Mapping[str, Any] | None = None) -> RunContext:
    """Return a run's context."""
    return RunContext(run_id, "long_trip", at, {"kind": "manual", "detail": ""}, overrides or {})


def laboratory(days: int = 56) -> Laboratory:
    """Return stores with some days of trips, all of them known by the Monday after."""
    made = Laboratory()
    upload_zones(made.tables)
    upload(made.tables, trips, trip_rows(days), "trips-0")
    return made
