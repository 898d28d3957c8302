"""What uploads bring to the online store is what training sees, to the last bit, whatever goes wrong.

Random streams of uploads go through ingestion into tables and from there, by deliveries that are repeated,
reordered, interrupted by others and cut off, to the online store. Asked at any moment, it answers with the
bits that the offline join has for the rows of the commits it was brought.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings

from tests.datasets.streams import (
    BEGINNING,
    Cloud,
    Delivery,
    OfOneView,
    Stepping,
    SteppingStore,
    Steps,
    Turn,
    streams,
    upload,
)
from tests.features.depth import TRIED, examples
from tests.features.histories import ENTITY, FEATURES, SCHEMA, Row, to_columns, views
from tests.features.questions import answerable, ask, bits
from tidemill import FeatureView, Source
from tidemill.aws.clients import client
from tidemill.aws.documents import DynamoDocuments
from tidemill.aws.online import DynamoOnlineStore
from tidemill.aws.tables import IcebergTables, glue_catalog
from tidemill.datasets.arrow import to_columns as read_rows
from tidemill.datasets.materialization import materialize_commit
from tidemill.expressions import Column
from tidemill.features.offline import join_features
from tidemill.features.online import OnlineItem, read_views
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.online import MemoryOnlineStore


class Crash(Exception):  # no error of the system: the end of a process
    """The process ends."""


class Forgetful(MemoryOnlineStore):
    """An online store that drops every item whose time is over, at the very second."""

    def drop(self, now: datetime) -> None:
        """Let a moment come."""
        kept = {key: each for key, each in self._items.items() if not _is_over(each, now)}
        self._items = kept


def _is_over(item: OnlineItem, now: datetime) -> bool:
    return item.expires_at is not None and item.expires_at <= now.timestamp()


class Replay:
    """Plays a stream and compares what is read with what the offline join says."""

    def __init__(self, view: FeatureView, cloud: Cloud) -> None:
        self._project = OfOneView.of(view)
        (self._view,) = self._project.views
        self._cloud = cloud
        self._blobs = MemoryBlobs()
        self._now = BEGINNING
        self._brought = 0
        self.steps_taken = 0

    def play(self, turn: Turn) -> None:
        """Take one upload, its deliveries and its questions."""
        self._now += turn.passed
        self._cloud.store.drop(self._now)
        upload(turn.rows, self._now, self._project, self._blobs, self._cloud)
        for delivery in turn.deliveries:
            self._deliver(delivery, turn.asked)
        self._compare(turn.asked, {self._brought})

    def _deliver(self, delivery: Delivery, asked: Sequence[datetime]) -> None:
        steps = Steps(
            {step: self._meanwhile(event, delivery, asked) for step, event in delivery.meanwhile.items()}
        )
        interrupted = Cloud(
            Stepping(self._cloud.tables, steps),
            Stepping(self._cloud.documents, steps),
            SteppingStore(self._cloud.store, steps),
        )
        try:
            self._bring(delivery.back, interrupted)
        except Crash:
            self._bring(delivery.back, self._cloud)  # the queue delivers it again
        self.steps_taken = max(self.steps_taken, steps.taken)

    def _meanwhile(
        self, event: str | int, delivery: Delivery, asked: Sequence[datetime]
    ) -> Callable[[], None]:
        if event == "crash":
            return _crash
        if event == "read":
            return partial(self._read, self._brought, delivery, asked)
        return partial(self._bring, int(event), self._cloud)

    def _read(self, begun: int, delivery: Delivery, asked: Sequence[datetime]) -> None:
        """Read in the course of a delivery: an item is of a commit from before it to the newest brought."""
        until = max(self._sequence(delivery.back), self._brought)
        self._compare(asked[:1], set(range(begun, until + 1)))

    def _bring(self, back: int, cloud: Cloud) -> None:
        sequence = self._sequence(back)
        materialize_commit(
            "events",
            sequence,
            project=self._project,
            tables=cloud.tables,
            documents=cloud.documents,
            store=cloud.store,
        )
        self._brought = max(self._brought, sequence)

    def _sequence(self, back: int) -> int:
        commits = self._cloud.tables.commits("events")
        return int(commits[max(0, len(commits) - 1 - back)].sequence)

    def _compare(self, moments: Sequence[datetime], states: set[int]) -> None:
        """Hold each answer against the offline one for the rows of one of the states it may be of."""
        # What was dropped by now is missed by questions further back than the grace.
        grace = timedelta(microseconds=self._grace_us)
        asked = ask([at for at in moments if at >= self._now - grace] or [self._now])
        found, freshness = read_views([self._view], asked, asked["at"], self._cloud.store, now=self._now)
        answers = list(zip(*(bits(each, [True] * len(each)) for each in found.values()), strict=True))
        expected = [each for state in sorted(states) for each in self._offline(asked, state)]
        for row, answer in enumerate(answers):
            allowed = [each[row] for each in expected]
            assert answer in allowed, dict(zip(found, zip(answer, *allowed, strict=True), strict=True))
        assert len(freshness[self._view.name]) == len(answers)
        TRIED["answers after and amid deliveries held against the offline join"] += len(answers) * len(found)

    @property
    def _grace_us(self) -> int:
        return int(self._view.definition()["grace_seconds"]) * 1_000_000

    def _offline(self, asked: dict[str, Column], state: int) -> list[list[tuple[object, ...]]]:
        """Return what is owed, with nulls further back; and what may be told there as well, which is all."""
        commits = [each for each in self._cloud.tables.commits("events") if each.sequence <= state]
        rows = to_columns([])
        if commits:
            stored = self._cloud.tables.rows("events", snapshot_id=commits[-1].snapshot_id)
            rows = read_rows(stored, SCHEMA)
        there = answerable(self._view, rows, asked)
        expected = join_features(asked, [self._view], {"events": rows}, "at")
        everywhere = [True] * len(there)
        return [
            list(zip(*(bits(each, told) for each in expected.values()), strict=True))
            for told in (there, everywhere)
        ]


def _crash() -> None:
    raise Crash


@settings(deadline=None, max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow])
@given(view=views(), stream=streams())
def test_whatever_is_delivered_the_online_store_answers_as_the_offline_join(
    view: FeatureView, stream: list[Turn]
) -> None:
    replay = Replay(view, Cloud(store=Forgetful()))
    for turn in stream:
        replay.play(turn)
    TRIED["streams of uploads and deliveries"] += 1


def row(shelf: int, second: int, x: float) -> Row:
    """Return a row that is known when it happens."""
    at = BEGINNING + timedelta(seconds=second)
    return Row("a", shelf, at, at, x, f"word {second}", second, x > 0)


@pytest.mark.parametrize("event", ["crash", 0, 1])
def test_whatever_comes_at_whichever_step_of_a_delivery_changes_nothing(event: str | int) -> None:
    view = FeatureView("everything", ENTITY, Source("events", SCHEMA, ["shop"], "at"), FEATURES)
    commits = [[row(1, 1, 0.1), row(2, 2, 0.2)], [row(1, 3, -0.4), row(2, 4, 1e9)]]
    asked, step, taken = [BEGINNING + timedelta(seconds=30)], 0, 1
    while step < taken:
        step += 1
        replay = Replay(view, Cloud(store=Forgetful()))
        replay.play(Turn(commits[0], timedelta(), [], asked))
        replay.play(Turn(commits[1], timedelta(), [Delivery(1, {step: event}), Delivery(0, {})], asked))
        taken = max(taken, replay.steps_taken)
    assert taken > 10


class DroppingNothing(DynamoOnlineStore):
    """The online store in DynamoDB, which may take days to drop what is over."""

    def drop(self, now: datetime) -> None:
        """Let a moment come."""


def cloud_on_aws() -> Cloud:
    """Return ports of AWS, all new."""
    name = f"test-{uuid.uuid4()}"
    for table, keys in (("documents", ["partition", "sort"]), ("items", ["key"])):
        client("dynamodb").create_table(
            TableName=f"{name}-{table}",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        )
    client("s3").create_bucket(Bucket=name)
    database = name.replace("-", "_")
    client("glue").create_database(DatabaseInput={"Name": database})
    return Cloud(
        IcebergTables(glue_catalog(), database=database, warehouse=f"s3://{name}/warehouse"),
        DynamoDocuments(f"{name}-documents", client=client("dynamodb")),
        DroppingNothing(f"{name}-items", client=client("dynamodb")),
    )


@pytest.mark.usefixtures("aws_endpoint")
@settings(
    deadline=None, max_examples=min(examples(4), 200), suppress_health_check=[HealthCheck.too_slow]
)  # each takes half a second
@given(view=views(), stream=streams())
def test_it_does_so_from_iceberg_and_dynamodb(view: FeatureView, stream: list[Turn]) -> None:
    replay = Replay(view, cloud_on_aws())
    for turn in stream:
        replay.play(turn)
    TRIED["streams through Iceberg and DynamoDB"] += 1
