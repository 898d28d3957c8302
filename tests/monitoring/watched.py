"""A watched model in memory: references, predictions day by day, outcomes with the weekly file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from tidemill import Float, Model, Monitor, Observations, Source, String, Timestamp, Weekly, col
from tidemill.canonical import canonical_json
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.predictions import PREDICTIONS_SCHEMA
from tidemill.datasets.tables import Tables
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.events import MemoryEvents
from tidemill.memory.tables import MemoryTables
from tidemill.monitoring.watch import ModelMonitor
from tidemill.ports import Blobs, Documents
from tidemill.registry.aliases import get_alias, move_alias
from tidemill.registry.package import store_package
from tidemill.registry.versions import register_version
from tidemill.statistics.intervals import Interval
from tidemill.statistics.profile import ReferenceProfile, profile_column, profile_matrix

MONDAY = datetime(2013, 3, 4, tzinfo=UTC)
FLIGHTS = Source(
    "flights",
    schema={"flight_id": String, "arr_delay": Float, "scheduled_at": Timestamp, "landed_at": Timestamp},
    key=["flight_id"],
    timestamp="landed_at",
    known=Weekly(on="monday", at="00:00"),
)


def fresh() -> Any:
    """Return nothing: no test of the monitor trains."""


LATE_ARRIVAL = Model(
    "late_arrival",
    observations=Observations(FLIGHTS, key="flight_id", time=col("scheduled_at"), request=["scheduled_at"]),
    label=col("arr_delay") > 15,
    features=[{"hour": col("scheduled_at").hour()}],
    estimator=fresh,
    monitor=Monitor(every="1d", window="7d"),
)


def day(number: int, hour: float = 0) -> datetime:
    """Return a moment of the n-th day from the Monday everything begins on."""
    return MONDAY + timedelta(days=number, hours=hour)


@dataclass
class Watched:
    """A model under watch, and everything it stands on."""

    tables: Tables = field(default_factory=MemoryTables)
    documents: Documents = field(default_factory=MemoryDocuments)
    data: Blobs = field(default_factory=MemoryBlobs)
    models: Blobs = field(default_factory=MemoryBlobs)
    events: MemoryEvents = field(default_factory=MemoryEvents)

    def __post_init__(self) -> None:
        self.tables.ensure("predictions_late_arrival", PREDICTIONS_SCHEMA)
        self.tables.ensure("flights", arrow_schema(FLIGHTS.schema))

    def monitor(self) -> ModelMonitor:
        """Return the monitor of a new process."""
        return ModelMonitor(
            "flights",
            LATE_ARRIVAL,
            tables=self.tables,
            documents=self.documents,
            data=self.data,
            models=self.models,
            events=self.events,
        )

    def promote(
        self,
        *,
        carriers: Sequence[str] = ("AA", "UA"),
        wind: float = 0.0,
        plan: str = "hour, wind, carrier",
        auc: float = 0.9,
    ) -> int:
        """Register and promote a version made from winds around ``wind`` and these carriers."""
        generator = np.random.default_rng(3)
        hours, winds = generator.uniform(0, 24, 4000), generator.normal(wind, 1, 4000)
        codes = generator.integers(0, len(carriers), 4000)
        matrix = np.column_stack([hours, winds, codes]).astype(np.float32)
        reference = ReferenceProfile(
            columns=profile_matrix(matrix, ["hour", "wind", "carrier"], {"carrier": list(carriers)}),
            prediction=profile_column("prediction", generator.uniform(0, 1, 1000)),
            label_rate=0.5,
            metric="roc_auc",
            quality=Interval(auc, auc - 0.02, auc + 0.02, 0.95),
            test_rows=1000,
        )
        encodings = {"carrier": list(carriers)}
        files = {
            "serving.json": canonical_json({"plan": {"inputs": plan, "encodings": encodings}}),
            "reference.json": canonical_json(reference.to_json()),
        }
        package = store_package(self.models, "late_arrival", files)
        known = get_alias(self.documents, "late_arrival", "champion")
        run_id = f"run-{known.revision if known else 0}"
        version = register_version(
            self.documents,
            "late_arrival",
            run_id=run_id,
            package=package,
            at="2013-03-01T00:00:00Z",
            passed=True,
            gates=[],
            metrics={},
            lineage={},
        ).version
        move_alias(
            self.documents,
            "late_arrival",
            "champion",
            version,
            revision=known.revision if known else 0,
            at="2013-03-01T00:00:00Z",
            by=run_id,
        )
        return version

    def predict(
        self,
        number: int,
        *,
        rows: int = 60,
        version: int = 1,
        wind: float = 0.0,
        code: float | None = None,
        recorded_as: str = "",
    ) -> list[str]:
        """Record predictions of the n-th day, one commit, and return their keys."""
        generator = np.random.default_rng(number)
        hours, winds = generator.uniform(0, 24, rows), generator.normal(wind, 1, rows)
        codes = generator.integers(0, 2, rows) if code is None else np.full(rows, code)
        keys = [f"{number}-{recorded_as}{row}" for row in range(rows)]
        moments = [day(number, hour=row * 23 / rows) for row in range(rows)]
        batch = pa.record_batch(
            [
                keys,
                keys,
                moments,
                moments,
                [version] * rows,
                generator.uniform(0, 1, rows),
                [True] * rows,
                np.column_stack([hours, winds, codes]).astype(np.float32).tolist(),
            ],
            schema=PREDICTIONS_SCHEMA,
        )
        name = f"{number}-{version}-{recorded_as}"
        self.tables.append("predictions_late_arrival", iter([batch]), {}, ids=[name])
        return keys

    def land(self, number: int, keys: Sequence[str], *, probability: Any = None) -> None:
        """Commit the source's rows of these keys, landed on the n-th day; late as the predictions said."""
        probabilities = self.probabilities() if probability is None else probability
        delays = [30.0 if probabilities[key] > 0.5 else 0.0 for key in keys]
        batch = pa.record_batch(
            [list(keys), delays, [day(number)] * len(keys), [day(number, hour=12)] * len(keys)],
            schema=arrow_schema(FLIGHTS.schema),
        )
        self.tables.append("flights", iter([batch]), {}, ids=[f"{number}-{len(keys)}-{keys[0]}"])

    def probabilities(self) -> dict[str, float]:
        """Return every recorded probability by key."""
        rows = self.tables.rows("predictions_late_arrival")
        return dict(zip(rows["key"].to_pylist(), rows["probability"].to_pylist(), strict=True))

    def report(self, number: int) -> dict[str, Any]:
        """Return the whole report of the window that ends with the n-th day."""
        key = f"reports/monitor/late_arrival/{day(number):%Y-%m-%dT%H:%M:%SZ}.json"
        document: dict[str, Any] = json.loads(self.data.get(key))
        return document
