"""An ingest that ends at any of its calls to AWS: the next delivery brings the one right end."""

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest

from tidemill import Project, Source, String, Timestamp, col, unique
from tidemill.aws.blobs import S3Blobs
from tidemill.aws.clients import client
from tidemill.aws.documents import DynamoDocuments
from tidemill.aws.events import EventBridgeEvents
from tidemill.aws.tables import IcebergTables, glue_catalog
from tidemill.datasets.added_rows import Part, store_requests
from tidemill.datasets.blocking import blocking_refusal, lift
from tidemill.datasets.ingest import ingest_upload
from tidemill.datasets.uploads import IngestOutcome, Upload
from tidemill.errors import Conflict

AT = datetime(2013, 1, 7, tzinfo=UTC)
GOOD = b"id,city,at\na,Oslo,2013-01-01\nb,Rome,2013-01-02\nb,Rome,2013-01-02\nc,Oslo,2013-01-03\n"


def rides(*checks: Any) -> Project:
    """Declare a project of one source."""
    source = Source(
        "rides",
        {"id": String, "city": String, "at": Timestamp},
        key=["id"],
        timestamp="at",
        checks=[col("city").is_in(["Oslo", "Rome"]), *checks],
        tolerance=0.5,
    )
    return Project("bikes", [source], [])


class Killed(BaseException):
    """The process is gone."""


class Deployment:
    """What the data stack makes, in the moto server of these tests."""

    def __init__(self) -> None:
        name = f"k{uuid.uuid4().hex}"
        client("s3").create_bucket(Bucket=name)
        client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        client("glue").create_database(DatabaseInput={"Name": name})
        client("events").create_event_bus(Name=name)
        client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in (("partition", "HASH"), ("sort", "RANGE"))
            ],
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": "S"} for key in ("partition", "sort")
            ],
        )
        self.name = name
        self.blobs = S3Blobs(name, client=client("s3"))
        self.tables = IcebergTables(
            glue_catalog(), database=name, warehouse=f"s3://{name}/warehouse", pause=lambda _: None
        )
        self.documents = DynamoDocuments(name, client=client("dynamodb"))
        self.events = EventBridgeEvents(name, client=client("events"))

    def put(self, data: bytes, name: str = "rides.csv") -> Upload:
        """Upload a file."""
        key = f"uploads/bikes/rides/{name}"
        return Upload(self.name, key, self.blobs.put(key, data).version, AT)

    def uploaded(self, key: str) -> Upload:
        """Return what lies under a key as an upload."""
        info = self.blobs.info(key)
        assert info is not None
        return Upload(self.name, key, info.version, AT)

    def ingest(self, upload: Upload, project: Project) -> IngestOutcome:
        """Ingest an upload."""
        return ingest_upload(
            upload,
            project=project,
            blobs=self.blobs,
            tables=self.tables,
            documents=self.documents,
            events=self.events,
        )

    def ids(self) -> list[str]:
        """Return the keys of all rows."""
        return sorted(self.tables.rows("rides").column("id").to_pylist())


@pytest.fixture
def deployment(aws_endpoint: str) -> Deployment:
    """Return an empty deployment."""
    del aws_endpoint  # it only has to be there
    return Deployment()


class Life:
    """Something happens at one of its writes, each counted before and after it.

    By default its process ends, and a dead process calls nothing more; else it goes on after what happened.
    """

    READS = ("Get", "Head", "List", "Describe", "Query", "BatchGet")

    def __init__(self, steps: int, *, happens: Callable[[], None] | None = None, dies: bool = True) -> None:
        self._left = steps
        self._happens = happens
        self._dies = dies
        self._clients = [client("s3"), client("glue", attempts=1), client("dynamodb"), client("events")]

    def __enter__(self) -> Self:
        for each in self._clients:
            each.meta.events.register("before-call", self._step)
            each.meta.events.register("after-call", self._step)
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._clients:
            each.meta.events.unregister("before-call", self._step)
            each.meta.events.unregister("after-call", self._step)

    def _step(self, model: Any, **_: Any) -> None:
        if not model.name.startswith(self.READS):
            self._left -= 1
        if self._left <= 0 and self._happens is not None:
            happens, self._happens = self._happens, None
            self.__exit__()
            happens()
            self.__enter__()
        if self._left <= 0 and self._dies:
            raise Killed

    @property
    def is_over(self) -> bool:
        """Whether it came to the step at which something happens."""
        return self._left <= 0


def test_whatever_call_was_the_last_every_row_is_there_once(deployment: Deployment) -> None:
    """With keys that are unique across commits: that writes the most."""
    project = rides(unique("id", across="commits"))
    deployment.ingest(deployment.put(b"id,city,at\nfirst,Oslo,2013-01-01\n", "first.csv"), project)
    expected = {"first"}
    for steps in range(1, 200):
        names = [f"{letter}{steps}" for letter in "abc"]
        data = GOOD
        for letter, name in zip("abc", names, strict=True):
            data = data.replace(f"\n{letter},".encode(), f"\n{name},".encode())
        upload = deployment.put(data, f"{steps}.csv")
        try:
            with Life(steps):
                deployment.ingest(upload, project)
        except Killed:
            assert len(deployment.tables.commits("rides")) in {steps, steps + 1}
            outcome = deployment.ingest(upload, project)
            expected |= set(names)
            assert len(deployment.tables.commits("rides")) == steps + 1
            assert outcome.record is not None
            assert (outcome.record["rows"], outcome.record["quarantined"]) == (3, 1)
        else:
            assert steps > 20, "data file, manifests, metadata, catalog, index, page, report and event"
            assert deployment.ids() == sorted({*expected, *names})
            return


@pytest.mark.parametrize("dies", [False, True], ids=["and goes on", "and is gone then"])
def test_an_upload_overtaken_by_another_at_any_write_leaves_every_row_there_once(
    deployment: Deployment,
    dies: bool,  # noqa: FBT001  # a parameter of a test
) -> None:
    """Two uploads at one moment, with a key in common that is unique across commits: one of them has it."""
    project = rides(unique("id", across="commits"))
    expected: set[str] = set()
    for step in range(1, 200, 2):  # after one write and before the next is the same
        own, other, common = (f"{name}{step}" for name in ("own", "other", "common"))
        first, second = (
            deployment.put(
                f"id,city,at\n{id_},Oslo,2013-01-01\n{common},Rome,2013-01-01\n".encode(), f"{id_}.csv"
            )
            for id_ in (own, other)
        )
        outcomes: list[IngestOutcome] = []

        def overtake(upload: Upload = second, outcomes: list[IngestOutcome] = outcomes) -> None:
            outcomes.append(deployment.ingest(upload, project))

        life = Life(step, happens=overtake, dies=dies)
        try:
            with life:
                deployment.ingest(first, project)
        except Killed:
            pass
        if not life.is_over:
            break
        outcomes.append(deployment.ingest(first, project))
        records = [outcome.record for outcome in outcomes if outcome.record is not None]
        assert sorted((record["rows"], record["quarantined"]) for record in records) == [(1, 1), (2, 0)]
        expected |= {own, other, common}
        assert deployment.ids() == sorted(expected), step
    assert step > 20


def test_a_refusal_cut_off_at_any_call_is_reported_by_the_next_delivery(deployment: Deployment) -> None:
    """And its source is blocked, and the bus hears of it; of its rows none is there."""
    project = rides()
    deployment.ingest(deployment.put(b"id,city,at\nfirst,Oslo,2013-01-01\n", "first.csv"), project)
    for steps in range(1, 60):
        lift(deployment.documents, "rides")
        file = deployment.put(f"id,city,at\n{steps},Paris,2013-01-01\n".encode(), f"{steps}.csv")
        upload = replace(file, at=AT + timedelta(hours=steps))
        try:
            with Life(steps):
                deployment.ingest(upload, project)
        except Killed:
            outcome = deployment.ingest(upload, project)
            assert outcome.status == "refused"
            report = json.loads(deployment.blobs.get(str(outcome.report_key)))
            assert (report["status"], report["upload"]["key"]) == ("refused", upload.key)
            refusal = blocking_refusal(deployment.documents, "rides")
            assert refusal is not None
            assert refusal["upload"]["key"] == upload.key
            assert deployment.ids() == ["first"]
        else:
            assert steps > 6, "page, report, block and event"
            return


def test_rows_by_api_are_there_once_whatever_call_of_their_ingest_was_the_last(
    deployment: Deployment,
) -> None:
    """Their message comes again in other company, and that file is ingested while the first one is dead."""
    project = rides()
    for steps in range(1, 200, 2):
        parts = [
            Part(
                "rides",
                f"request-{steps}-{number}/0",
                [{"id": f"{steps}-{number}", "city": "Oslo", "at": "2013-01-01"}],
            )
            for number in range(3)
        ]
        files = [
            [deployment.uploaded(key) for key in store_requests(deployment.blobs, "bikes", some)]
            for some in (parts[:2], parts[1:])
        ]
        (first,), (second,) = files
        try:
            with Life(steps):
                deployment.ingest(first, project)
        except Killed:
            deployment.ingest(second, project)
            deployment.ingest(first, project)
            here = [id_ for id_ in deployment.ids() if id_.startswith(f"{steps}-")]
            assert here == [f"{steps}-{number}" for number in range(3)], steps
        else:
            assert steps > 20
            return


def test_fifty_uploads_at_once_are_all_committed_or_reported(deployment: Deployment) -> None:
    """Of fifty that wait, four are written at a time; five bring a city that is none and are refused."""
    project = rides(unique("id"))

    def ingest(number: int) -> IngestOutcome:
        city = "Paris" if number % 10 == 0 else "Oslo"
        upload = deployment.put(f"id,city,at\n{number},{city},2013-01-01\n".encode(), f"{number}.csv")
        while True:
            try:
                return deployment.ingest(upload, project)
            except Conflict:  # others were faster too often: the queue delivers it again
                continue

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(ingest, range(50)))
    assert [outcome.status for outcome in outcomes].count("committed") == 45
    refused = [outcome for outcome in outcomes if outcome.status == "refused"]
    assert all(deployment.blobs.info(str(outcome.report_key)) for outcome in refused)
    assert deployment.ids() == sorted(str(number) for number in range(50) if number % 10)
    assert len(deployment.tables.commits("rides")) == 45
