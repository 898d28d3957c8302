"""A small real model: trained by scikit-learn, converted to ONNX, registered in memory."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from tidemill import Entity, Float, Model, Observations, Source, String, Timestamp, col
from tidemill.canonical import canonical_json
from tidemill.errors import Unavailable
from tidemill.expressions import Columns, column
from tidemill.features.materialization import materialize
from tidemill.features.plan import compile_plan, fit_encodings
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.online import MemoryOnlineStore
from tidemill.memory.queues import MemoryQueue
from tidemill.project import FeatureView, mean
from tidemill.registry.aliases import get_alias, move_alias
from tidemill.registry.package import store_package
from tidemill.registry.versions import register_version
from tidemill.serving.api import Api
from tidemill.serving.model_cache import ModelCache

AT = "2013-03-01T00:00:00Z"

FLIGHTS = Source(
    "flights",
    schema={
        "flight_id": String,
        "carrier": String,
        "wind_speed": Float,
        "arr_delay": Float,
        "scheduled_at": Timestamp,
        "landed_at": Timestamp,
    },
    key=["flight_id"],
    timestamp="landed_at",
)
CARRIER_DELAYS = FeatureView(
    "carrier_delays",
    entity=Entity("carrier", keys=["carrier"]),
    source=FLIGHTS,
    features={"carrier_delay_7d": mean("arr_delay", over="7d")},
)


def fresh() -> Any:
    """Return a classifier that takes nulls."""
    return make_pipeline(SimpleImputer(), LogisticRegression())


LATE_ARRIVAL = Model(
    "late_arrival",
    observations=Observations(
        FLIGHTS, key="flight_id", time=col("scheduled_at"), request=["carrier", "wind_speed", "scheduled_at"]
    ),
    label=col("arr_delay") > 15,
    features=[CARRIER_DELAYS, "wind_speed", "carrier", {"hour": col("scheduled_at").hour()}],
    estimator=fresh,
)


class Log(MemoryQueue):
    """A prediction queue that can be made to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False

    def send(self, bodies: Sequence[str]) -> None:
        """Take messages, or do not answer."""
        if self.broken:
            raise Unavailable("the queue does not answer")
        super().send(bodies)


def landed() -> Columns:
    """Two flights of one carrier that landed late in the night before."""
    return {
        "flight_id": column(String, ["a", "b"]),
        "carrier": column(String, ["UA", "UA"]),
        "wind_speed": column(Float, [1.0, 2.0]),
        "arr_delay": column(Float, [10.0, 30.0]),
        "scheduled_at": column(Timestamp, ["2013-02-28T20:00:00Z"] * 2),
        "landed_at": column(Timestamp, ["2013-02-28T22:00:00Z", "2013-02-28T23:00:00Z"]),
    }


def row(**changes: Any) -> dict[str, Any]:
    """Return a right row of a request, with changes."""
    right = {"flight_id": "UA-9", "carrier": "UA", "wind_speed": 7.5, "scheduled_at": "2013-03-01T10:00:00Z"}
    return right | changes


@dataclass
class Served:
    """A served model, and everything it stands on."""

    documents: MemoryDocuments
    blobs: MemoryBlobs
    store: MemoryOnlineStore
    log: Log
    models: ModelCache
    folder: Path

    @staticmethod
    def make(folder: Path) -> "Served":
        """Make a model without versions; one carrier's delays are known."""
        documents, blobs, store = MemoryDocuments(), MemoryBlobs(), MemoryOnlineStore()
        materialize(CARRIER_DELAYS, landed(), sequence=1, store=store)
        return Served(documents, blobs, store, Log(), ModelCache(documents, blobs, folder), folder)

    def restarted(self) -> "Served":
        """Return the same system served by a new process in the same sandbox."""
        models = ModelCache(self.documents, self.blobs, self.folder)
        return Served(self.documents, self.blobs, self.store, self.log, models, self.folder)

    def register(self, files: Mapping[str, bytes]) -> int:
        """Register a package and return the version's number."""
        package = store_package(self.blobs, "late_arrival", files)
        return register_version(
            self.documents,
            "late_arrival",
            run_id=f"run-{package}",
            package=package,
            at=AT,
            passed=True,
            gates=[{"gate": "parity", "passed": True}],
            metrics={"roc_auc": 0.7},
            lineage={},
        ).version

    def promote(self, version: int) -> None:
        """Put a version into service."""
        alias = get_alias(self.documents, "late_arrival", "champion")
        revision = alias.revision if alias else 0
        move_alias(
            self.documents, "late_arrival", "champion", version, revision=revision, at=AT, by=f"v{version}"
        )

    def call(self, method: str, path: str, body: Any = None, *, at: str = AT) -> tuple[int, Any]:
        """Send one request and return the status and the answered JSON."""
        api = Api(self.documents, self.models, self.store, self.log)
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        milliseconds = int(datetime.fromisoformat(at).timestamp() * 1000)
        context = {"http": {"method": method}, "timeEpoch": milliseconds, "stage": "$default"}
        event = {"rawPath": path, "requestContext": context, "body": text, "isBase64Encoded": False}
        response = api.router().answer(event)
        return response["statusCode"], json.loads(response["body"])

    def predict(self, *rows: Any, at: str = AT) -> tuple[int, Any]:
        """Ask for predictions of rows."""
        return self.call("POST", "/models/late_arrival/predict", {"rows": rows}, at=at)


def package_files(weight: float = 1.0) -> dict[str, bytes]:
    """Make the files of a package whose model weighs the wind more or less."""
    plan = fit_encodings(compile_plan(LATE_ARRIVAL), {"carrier": column(String, ["AA", "UA", "WN"])})
    generator = np.random.default_rng(7)
    rows = generator.normal(size=(200, 4)).astype(np.float32)
    labels = rows[:, 1] * weight + rows[:, 0] > 0
    graph = to_onnx(
        fresh().fit(rows, labels),
        initial_types=[("features", FloatTensorType([None, 4]))],
        options={"zipmap": False},
        target_opset={"": 18, "ai.onnx.ml": 3},
    )
    return {
        "serving.json": canonical_json({"format": 1, "plan": plan.to_json(), "threshold": 0.5}),
        "model.onnx": graph.SerializeToString(),
        "estimator.skops": b"for people, never loaded to serve",
    }
