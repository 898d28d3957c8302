"""An ingest that ends at any of its calls to AWS: the next delivery brings the one right end."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Self

import pytest

from tidemill import Project, Source, String, Timestamp, col, unique
from tidemill.aws.blobs import S3Blobs
from tidemill.aws.clients import client
from tidemill.aws.documents import DynamoDocuments
from tidemill.aws.events import EventBridgeEvents
from tidemill.aws.tables import IcebergTables, glue_catalog
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
    """Ends after so many writes, each counted before and after it; a dead process calls nothing more."""

    READS = ("Get", "Head", "List", "Describe", "Query")

    def __init__(self, steps: int) -> None:
        self._left = steps
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
        if self._left <= 0:
            raise Killed


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
