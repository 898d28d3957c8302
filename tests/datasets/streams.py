"""Streams of uploads, how they are delivered, and what goes wrong meanwhile; drawn by hypothesis."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from io import BytesIO
from random import Random
from typing import Any

import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.features.histories import START, Row, a_history, a_moment, randoms, to_columns, turning_points
from tidemill import FeatureView, Project
from tidemill.datasets.arrow import from_columns
from tidemill.datasets.ingest import ingest_upload
from tidemill.datasets.uploads import Upload
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.events import MemoryEvents
from tidemill.memory.online import MemoryOnlineStore
from tidemill.memory.tables import MemoryTables


@dataclass(frozen=True)
class Delivery:
    """A commit's event reaches a worker, and what happens at which step of its work.

    Attributes
    ----------
    back
        Which commit: 0 is the newest, 1 the one before it.
    meanwhile
        By step: ``crash``, ``read``, or the commit that another worker brings meanwhile.
    """

    back: int
    meanwhile: Mapping[int, str | int]


@dataclass(frozen=True)
class Turn:
    """An upload, its commit's deliveries, and the questions asked during them and after."""

    rows: list[Row]
    passed: timedelta
    deliveries: list[Delivery]
    asked: list[datetime]


@dataclass
class Steps:
    """Runs what is planned for a step when the work comes to it."""

    planned: Mapping[int, Callable[[], None]] = field(default_factory=dict)
    taken: int = 0

    def step(self) -> None:
        """Take a step."""
        self.taken += 1
        if self.taken in self.planned:
            self.planned[self.taken]()


class Stepping:
    """A port each of whose calls is two steps, one before it takes effect and one after."""

    def __init__(self, port: Any, steps: Steps) -> None:
        self._port = port
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._steps.step()
            answer = method(*args, **kwargs)
            self._steps.step()
            return answer

        return call


class SteppingStore(Stepping):
    """An online store that is interrupted between two items of a commit too."""

    def put_many(self, items: Mapping[str, Any]) -> int:
        """Write one item after another."""
        return sum(self.put(key, item) for key, item in items.items())


def a_delivery(random: Random) -> Delivery:
    """Make a delivery: of any commit so far, with up to three things happening in its course."""
    events = ("crash", "read", "read", 0, 1, 2)
    steps = random.sample(range(1, 17), random.randint(0, 3))
    return Delivery(random.randint(0, 3), {step: random.choice(events) for step in steps})


def a_stream(random: Random, n_turns: int) -> list[Turn]:
    """Make a stream: rows repeat, come late or early, and time passes between uploads."""
    shift, turns, seen = timedelta(), list[Turn](), list[Row]()
    for _ in range(n_turns):
        passed = timedelta(seconds=random.choice([0, 1, 20, 300, 3500, 3700, 7 * 86_400]))
        shift += passed
        own = [
            replace(row, at=row.at and row.at + shift, arrived=row.arrived and row.arrived + shift)
            for row in a_history(random, random.randint(1, 15))
        ]
        again = random.sample(seen, min(random.randint(0, 2), len(seen)))
        seen += own
        later = random.choice([timedelta(), timedelta(hours=1), timedelta(days=7)])
        asked = [a_moment(random, 150) + shift + later for _ in range(random.randint(1, 2))]
        turning = turning_points(random.choice(seen))
        asked += random.sample(turning, min(6, len(turning)))
        deliveries = [a_delivery(random) for _ in range(random.randint(0, 3))]
        turns.append(Turn(own + again, passed, deliveries, asked))
    return turns


def streams() -> st.SearchStrategy[list[Turn]]:
    """Draw a stream."""
    return st.builds(a_stream, randoms(), st.integers(1, 4))


@dataclass
class Cloud:
    """The ports a stream goes through."""

    tables: Any = field(default_factory=MemoryTables)
    documents: Any = field(default_factory=MemoryDocuments)
    store: Any = field(default_factory=MemoryOnlineStore)


@dataclass(frozen=True, eq=False)
class OfOneView(Project):
    """A project that takes every row, with a view that no model has: some of its features are times."""

    view: FeatureView

    @classmethod
    def of(cls, view: FeatureView) -> "OfOneView":
        """Return a project around a view."""
        source = replace(view.source, tolerance=1.0)
        return cls("any", sources=[source], models=[], view=replace(view, source=source))

    @property
    def views(self) -> tuple[FeatureView, ...]:
        """The view."""
        return (self.view,)


def upload(rows: Sequence[Row], at: datetime, project: Project, blobs: MemoryBlobs, cloud: Cloud) -> None:
    """Upload rows as a file, which becomes a commit unless it is one already."""
    file = BytesIO()
    pq.write_table(from_columns(to_columns(rows)), file)
    key = f"uploads/{project.name}/events/{uuid.uuid4()}.parquet"
    outcome = ingest_upload(
        Upload("bucket", key, blobs.put(key, file.getvalue()).version, at),
        project=project,
        blobs=blobs,
        tables=cloud.tables,
        documents=cloud.documents,
        events=MemoryEvents(),
    )
    assert outcome.status in {"committed", "duplicate"}, outcome.error


BEGINNING = START
"""When the first upload of a stream arrives, less what passes before it."""
