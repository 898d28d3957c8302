"""A small project, its cloud in memory, and a crash at any of the cloud's writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.emulator.control.conftest import browser  # noqa: F401 - a fixture of the tests here too
from tidemill import (
    Entity,
    FeatureView,
    Float,
    Int,
    Model,
    Observations,
    Project,
    Source,
    String,
    TimeSplit,
    Timestamp,
    col,
    latest,
    mean,
    unique,
)
from tidemill.datasets.ingest import ingest_upload
from tidemill.datasets.uploads import IngestOutcome, Upload
from tidemill.features.online import OnlineItem
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.events import MemoryEvents
from tidemill.memory.online import MemoryOnlineStore
from tidemill.memory.tables import MemoryTables

AT = datetime(2013, 1, 7, tzinfo=UTC)

trips = Source(
    "trips",
    schema={"trip_id": String, "city": String, "minutes": Float, "riders": Int, "ended_at": Timestamp},
    key=["trip_id"],
    timestamp="ended_at",
    checks=[unique("trip_id"), col("minutes") > 0, col("city").is_in(["Oslo", "Rome"])],
    tolerance=0.25,
)
city_trips = FeatureView(
    "city_trips",
    entity=Entity("city", keys=["city"]),
    source=trips,
    features={"minutes_7d": mean("minutes", over="7d"), **latest("riders")},
)


def no_estimator() -> None:
    """Stand in for an estimator; nothing here trains."""


project = Project(
    "bikes",
    sources=[trips],
    models=[
        Model(
            "long_trip",
            observations=Observations(
                trips, key="trip_id", time=col("ended_at"), request=["city", "ended_at"]
            ),
            label=col("minutes") > 30,
            features=[city_trips],
            estimator=no_estimator,
            split=TimeSplit(validation="7d", test="7d"),
        )
    ],
)


class Crash(Exception):  # no error of the system: the end of the process
    """The process ends."""


class Crashing:
    """A port whose writes end the process when a countdown is over, before or after taking effect."""

    def __init__(self, port: Any, writes: tuple[str, ...], fuse: "Fuse") -> None:
        self._port = port
        self._writes = writes
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name not in self._writes:
            return method

        def write(*args: Any, **kwargs: Any) -> Any:
            self._fuse.step()
            answer = method(*args, **kwargs)
            self._fuse.step()
            return answer

        return write


class CrashingStore(Crashing):
    """An online store that may end the process between two items of a commit."""

    def put_many(self, items: Mapping[str, OnlineItem]) -> int:
        """Write one item after another, each a step of its own."""
        return sum(self.put(key, item) for key, item in items.items())


@dataclass
class Fuse:
    """Counts steps and raises at one of them."""

    steps_left: int

    def step(self) -> None:
        """Count one step; Crash at the last."""
        self.steps_left -= 1
        if self.steps_left == 0:
            raise Crash


@dataclass
class Cloud:
    """Every port in memory."""

    blobs: Any = field(default_factory=MemoryBlobs)
    tables: Any = field(default_factory=MemoryTables)
    documents: Any = field(default_factory=MemoryDocuments)
    events: Any = field(default_factory=MemoryEvents)
    store: Any = field(default_factory=MemoryOnlineStore)

    def crashing(self, steps: int) -> "Cloud":
        """Return the same cloud, seen by a process that ends at a step of its writing."""
        fuse = Fuse(steps)
        return Cloud(
            blobs=Crashing(self.blobs, ("put",), fuse),
            tables=Crashing(self.tables, ("ensure", "append", "tag", "set_current"), fuse),
            documents=Crashing(self.documents, ("put", "delete"), fuse),
            events=Crashing(self.events, ("publish",), fuse),
            store=CrashingStore(self.store, ("put",), fuse),
        )

    def put(self, data: bytes, name: str = "week.csv", *, source: str = "trips") -> Upload:
        """Put a file where uploads are put."""
        key = f"uploads/bikes/{source}/{name}"
        return Upload("data-bucket", key, self.blobs.put(key, data).version, AT)

    def ingest(self, upload: Upload) -> IngestOutcome:
        """Ingest an upload."""
        return ingest_upload(
            upload,
            project=project,
            blobs=self.blobs,
            tables=self.tables,
            documents=self.documents,
            events=self.events,
        )


@pytest.fixture
def cloud() -> Cloud:
    """Return an empty cloud."""
    return Cloud()


@pytest.fixture
def new_cloud() -> Callable[[], Cloud]:
    """Return a maker of empty clouds, for tests that need many."""
    return Cloud


@pytest.fixture
def bikes() -> Project:
    """Return the project."""
    return project


@pytest.fixture
def crash() -> type[Exception]:
    """Return what ends the process."""
    return Crash


def csv(*rows: str) -> bytes:
    """Return a file of trips."""
    return ("trip_id,city,minutes,riders,ended_at\n" + "".join(f"{row}\n" for row in rows)).encode()


@pytest.fixture
def trips_csv() -> Callable[..., bytes]:
    """Return what makes a file of rows."""
    return csv
