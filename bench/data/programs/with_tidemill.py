"""An upload becomes a commit, as the function ingest_upload does it: checked, counted, indexed, reported."""

from datetime import UTC, datetime

from bench.data.programs.timed import main
from tidemill import Float, Int, Project, Source, String, Timestamp, col, unique
from tidemill.aws.blobs import S3Blobs
from tidemill.aws.clients import client
from tidemill.aws.tables import IcebergTables, glue_catalog
from tidemill.datasets.ingest import ingest_upload
from tidemill.datasets.uploads import Upload
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.events import MemoryEvents

FLIGHTS = Source(
    "flights",
    schema={
        "flight_id": String,
        "carrier": String,
        "origin": String,
        "dest": String,
        "flight": Int,
        "scheduled_at": Timestamp,
        "dep_delay": Float,
        "arr_delay": Float,
        "air_time": Float,
        "temp": Float,
        "wind_speed": Float,
        "pressure": Float,
    },
    key=["flight_id"],
    timestamp="scheduled_at",
    checks=[col("air_time") > 0, unique("flight_id")],
)
PROJECT = Project("bench", sources=[FLIGHTS], models=[])


def bring_in(bucket: str, key: str, name: str) -> int:
    """Ingest the object into a table of a database of its own; return the number of rows."""
    client("glue").create_database(DatabaseInput={"Name": name})
    outcome = ingest_upload(
        Upload(bucket, key, None, datetime(2013, 1, 7, tzinfo=UTC)),
        project=PROJECT,
        blobs=S3Blobs(bucket, client=client("s3")),
        tables=IcebergTables(glue_catalog(), database=name, warehouse=f"s3://{bucket}/{name}"),
        documents=MemoryDocuments(),
        events=MemoryEvents(),
    )
    if outcome.record is None:
        raise ValueError(f"the upload was {outcome.status}: {outcome.error}")
    return int(outcome.record["rows"])


if __name__ == "__main__":
    main(bring_in)
