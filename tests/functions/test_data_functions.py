"""ingest_upload, materialize_commit and record_predictions against AWS in this process, Iceberg and all."""

import importlib.util
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tidemill.aws import wiring
from tidemill.aws.clients import client
from tidemill.expressions import String, Timestamp, column
from tidemill.features.online import read_views

ROOT = Path(__file__).parents[2]
PLANES = (
    b"tailnum,built_year,seats,listed_at\n"
    b"N10156,2004,55,2013-01-01T00:00:00Z\n"
    b"N102UW,1998,182,2013-01-01T00:00:00Z\n"
)


def handler(function: str) -> Any:
    path = ROOT / "functions" / function / "handler.py"
    spec = importlib.util.spec_from_file_location(f"handler_of_{function}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return event


def cached(module: Any) -> list[Any]:
    return [value for value in vars(module).values() if hasattr(value, "cache_clear")]


@pytest.fixture
def deployment(aws_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make what the data stack makes, and say so to the functions; return the bucket's name."""
    del aws_endpoint  # it only has to be there
    name = uuid.uuid4().hex
    bucket, database = f"data-{name}", f"flights_{name}"
    client("s3").create_bucket(Bucket=bucket)
    client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    client("glue").create_database(DatabaseInput={"Name": database})
    client("events").create_event_bus(Name=name)
    for table, keys in {"experiments": ["partition", "sort"], "features": ["key"]}.items():
        client("dynamodb").create_table(
            TableName=f"{table}-{name}",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        )
    for variable, value in {
        "PROJECT": "flights",
        "DATA_BUCKET": bucket,
        "MODELS_BUCKET": f"models-{name}",
        "BACKFILL_STATE_MACHINE_ARN": f"arn:aws:states:us-east-1:123456789012:stateMachine:{name}",
        "DATABASE": database,
        "EXPERIMENTS_TABLE": f"experiments-{name}",
        "FEATURES_TABLE": f"features-{name}",
        "EVENT_BUS": name,
        "ROWS_QUEUE_URL": client("sqs").create_queue(QueueName=name)["QueueUrl"],
    }.items():
        monkeypatch.setenv(f"TIDEMILL_{variable}", value)
    for function in cached(wiring):
        function.cache_clear()
    yield bucket
    for function in cached(wiring):
        function.cache_clear()


def uploaded(bucket: str, event: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Put the object an event tells of, and return the event as S3 would have sent it."""
    body = json.loads(event["Records"][0]["body"])
    answer = client("s3").put_object(Bucket=bucket, Key=body["detail"]["object"]["key"], Body=data)
    body["detail"]["bucket"]["name"] = bucket
    body["detail"]["object"]["version-id"] = answer["VersionId"]
    event["Records"][0]["body"] = json.dumps(body)
    return event


def reports(bucket: str) -> list[dict[str, Any]]:
    del bucket
    keys = [info.key for info in wiring.data_blobs().list("reports/")]
    return [json.loads(wiring.data_blobs().get(key)) for key in keys if key.endswith(".json")]


def test_an_upload_is_committed_once_however_often_its_event_comes(deployment: str) -> None:
    event = uploaded(deployment, sample("ingest_upload/object_created"), PLANES)
    ingest = handler("ingest_upload")
    assert ingest(event, None) == {"batchItemFailures": []}
    assert ingest(event, None) == {"batchItemFailures": []}
    (commit,) = wiring.tables().commits("planes")
    assert commit.properties["tidemill.key"] == "uploads/flights/planes/planes 2013+.csv"
    assert commit.properties["tidemill.at"] == "2013-01-07T00:00:00Z"
    assert wiring.tables().rows("planes").column("seats").to_pylist() == [55.0, 182.0]
    (report,) = reports(deployment)
    assert (report["status"], report["rows"], report["snapshot_id"]) == ("committed", 2, commit.snapshot_id)


def test_a_file_for_a_source_that_is_not_is_reported_and_its_message_consumed(deployment: str) -> None:
    event = uploaded(deployment, sample("ingest_upload/unknown_source"), PLANES)
    assert handler("ingest_upload")(event, None) == {"batchItemFailures": []}
    (report,) = reports(deployment)
    assert report["status"] == "refused"
    assert "no source `plains`; did you mean `planes`?" in report["error"]


MILLION = b"tailnum,built_year,seats,listed_at\n" + b"".join(
    b"N%d,2004,55,2013-01-01T00:00:00Z\n" % number for number in range(1_000_000)
)


@pytest.mark.parametrize(
    ("file", "data", "words"),
    [
        ("empty.csv", b"", "is empty"),
        ("header.csv", b"tailnum,built_year,seats,listed_at\n", "has no rows"),
        ("missing.csv", b"tailnum,built_year,listed_at\nN1,2004,2013-01-01\n", "no column `seats`"),
        (
            "type.csv",
            MILLION + b"NX,2004,many,2013-01-01\n",
            "row 1000001, column `seats`: 'many' is no float",
        ),
        ("truncated.parquet", b"PAR1 and not much more", "no whole Parquet file"),
    ],
    ids=["empty", "header only", "missing column", "wrong type in row 1000001", "truncated Parquet"],
)
def test_a_broken_file_is_reported_and_leaves_no_table_changed(
    deployment: str, file: str, data: bytes, words: str
) -> None:
    ingest = handler("ingest_upload")
    ingest(uploaded(deployment, sample("ingest_upload/object_created"), PLANES), None)
    broken = sample("ingest_upload/object_created")
    broken["Records"][0]["body"] = broken["Records"][0]["body"].replace("planes 2013+.csv", file)
    assert ingest(uploaded(deployment, broken, data), None) == {"batchItemFailures": []}
    (refused,) = [report for report in reports(deployment) if report["status"] == "refused"]
    assert words in refused["error"]
    assert len(wiring.tables().commits("planes")) == 1
    listed = client("s3").list_objects_v2(Bucket=deployment, Prefix="warehouse/planes/data/")
    assert listed["KeyCount"] == 1, "no half-written file is left behind"


def test_two_files_at_once_both_commit(deployment: str) -> None:
    ingest = handler("ingest_upload")
    events = []
    for number in range(2):
        event = sample("ingest_upload/object_created")
        event["Records"][0]["body"] = event["Records"][0]["body"].replace("2013+", f"{number}")
        data = b"tailnum,built_year,seats,listed_at\nN%d,2004,55,2013-01-01T00:00:00Z\n" % number
        events.append(uploaded(deployment, event, data))
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ingest, events, [None] * 2)) == [{"batchItemFailures": []}] * 2
    assert sorted(wiring.tables().rows("planes").column("tailnum").to_pylist()) == ["N0", "N1"]
    assert len(wiring.tables().commits("planes")) == 2


def test_a_message_fails_alone_when_a_service_does(deployment: str) -> None:
    good = uploaded(deployment, sample("ingest_upload/object_created"), PLANES)
    bad = sample("ingest_upload/object_created")
    bad["Records"][0] |= {"messageId": "bad", "body": json.dumps({"detail": {}})}
    answer = handler("ingest_upload")({"Records": bad["Records"] + good["Records"]}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert len(wiring.tables().commits("planes")) == 1


def test_a_commit_reaches_the_online_store_once(deployment: str) -> None:
    handler("ingest_upload")(uploaded(deployment, sample("ingest_upload/object_created"), PLANES), None)
    materialize = handler("materialize_commit")
    event = sample("materialize_commit/commit_created")
    assert materialize(event, None) == {"batchItemFailures": []}
    assert materialize(event, None) == {"batchItemFailures": []}
    request = {"tailnum": column(String, ["N102UW", "N999"])}
    times = column(Timestamp, ["2013-02-01T00:00:00Z", "2013-02-01T00:00:00Z"])
    features, _ = read_views(wiring.project().views_of("planes"), request, times, wiring.online_store())
    assert features["seats"].to_list() == [182.0, None]


def test_a_view_is_filled_from_history_by_its_three_steps(deployment: str) -> None:
    handler("ingest_upload")(uploaded(deployment, sample("ingest_upload/object_created"), PLANES), None)
    plan = handler("plan_backfill")(sample("plan_backfill/plane"), None)
    (chunk,) = plan["chunks"]
    (part,) = chunk.pop("parts")
    work = {**{name: plan[name] for name in ("view", "version", "generation")}, **part, **chunk}
    assert work.keys() == sample("fill_view/one_part").keys()
    assert handler("fill_view")(work, None) == {"items": 2}
    assert plan.keys() == sample("finish_backfill/plane").keys()
    done = {"view": "plane", "version": plan["version"], "sequence": plan["until"], "whole": True}
    assert handler("finish_backfill")(plan, None) == done
    event = sample("materialize_commit/commit_created")
    assert handler("materialize_commit")(event, None) == {"batchItemFailures": []}
    request, times = {"tailnum": column(String, ["N102UW"])}, column(Timestamp, ["2013-02-01T00:00:00Z"])
    features, _ = read_views(wiring.project().views_of("planes"), request, times, wiring.served_items())
    assert features["seats"].to_list() == [182.0]
    answer = handler("read_features")(sample("read_features/one_entity"), None)
    assert json.loads(answer["body"])["features"] == {"seats": 182.0, "built_year": 1998.0}


def test_a_commit_of_a_source_that_is_no_more_ends_among_the_dead_letters(deployment: str) -> None:
    assert deployment
    event = sample("materialize_commit/commit_created")
    body = json.loads(event["Records"][0]["body"])
    body["detail"]["source"] = "trains"
    event["Records"][0]["body"] = json.dumps(body)
    message = event["Records"][0]["messageId"]
    assert handler("materialize_commit")(event, None) == {"batchItemFailures": [{"itemIdentifier": message}]}


def test_predictions_are_recorded_once(deployment: str) -> None:
    assert deployment
    record, event = handler("record_predictions"), sample("record_predictions/two_predictions")
    assert record(event, None) == {"batchItemFailures": []}
    assert record(event, None) == {"batchItemFailures": []}
    rows = wiring.tables().rows("predictions_late_arrival").to_pylist()
    assert [row["key"] for row in rows] == ["2013-03-04-UA-1545-EWR", "2013-03-04-AA-1141-JFK"]
    assert [row["probability"] for row in rows] == [0.25, 0.75]
    assert [row["prediction"] for row in rows] == [False, True]
    assert rows[1]["features"] == [4.0, 5.0, 6.0]
    assert rows[0]["version"] == 3


def test_a_message_that_can_not_be_read_is_left_to_the_dead_letters(deployment: str) -> None:
    assert deployment
    event = sample("record_predictions/two_predictions")
    event["Records"].append({**event["Records"][0], "messageId": "broken", "body": "{}"})
    answer = handler("record_predictions")(event, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "broken"}]}
    assert wiring.tables().rows("predictions_late_arrival").num_rows == 2


def test_rows_by_api_are_answered_sent_and_gathered_into_one_commit(deployment: str) -> None:
    """The request's message makes a file; the file's event makes a commit; all of it twice makes no more."""
    answer = handler("add_rows")(sample("add_rows/two_rows"), None)
    assert answer["statusCode"] == 202
    queue = wiring.settings().rows_queue_url
    [message] = client("sqs").receive_message(QueueUrl=queue)["Messages"]
    gathered = sample("gather_rows/two_rows")
    assert message["Body"] == gathered["Records"][0]["body"]
    for _ in range(2):
        assert handler("gather_rows")(gathered, None) == {"batchItemFailures": []}
    [upload] = wiring.data_blobs().list("uploads/")
    event = sample("ingest_upload/object_created")
    body = json.loads(event["Records"][0]["body"])
    body["detail"]["bucket"]["name"] = deployment
    body["detail"]["object"] = {"key": upload.key, "version-id": upload.version}
    event["Records"][0]["body"] = json.dumps(body)
    for _ in range(2):
        assert handler("ingest_upload")(event, None) == {"batchItemFailures": []}
    assert wiring.tables().rows("planes").column("tailnum").to_pylist() == ["N10156", "N102UW"]
    ends = ends_of_documents()
    assert set(ends) == {"REQUESTS#planes", "ADDED#planes", "UPLOADS#planes"}
    asked, arrived = datetime.fromtimestamp(1_362_117_600, UTC), datetime(2013, 1, 7, tzinfo=UTC)
    assert ends["ADDED#planes"] == ends["UPLOADS#planes"] == arrived + timedelta(days=90)
    assert ends["REQUESTS#planes"] == asked + timedelta(days=90)


def test_bytes_that_were_uploaded_are_known_for_good(deployment: str) -> None:
    event = uploaded(deployment, sample("ingest_upload/object_created"), PLANES)
    assert handler("ingest_upload")(event, None) == {"batchItemFailures": []}
    assert ends_of_documents() == {"UPLOADS#planes": None}


def ends_of_documents() -> dict[str, datetime | None]:
    """Return by partition when DynamoDB may drop what is in the experiments table."""
    found = client("dynamodb").scan(TableName=wiring.settings().experiments_table)["Items"]
    ends = {item["partition"]["S"]: item.get("expires_at", {}).get("N") for item in found}
    return {name: end and datetime.fromtimestamp(int(end), UTC) for name, end in ends.items()}


def test_wrong_rows_are_answered_with_every_fault_and_sent_nowhere(deployment: str) -> None:
    del deployment  # it only has to be there
    answer = handler("add_rows")(sample("add_rows/wrong_rows"), None)
    assert answer["statusCode"] == 400
    fields = [error["field"] for error in json.loads(answer["body"])["errors"]]
    assert fields == ["rows[0].seats", "rows[1].weight", "rows[1].tailnum"]
    assert "Messages" not in client("sqs").receive_message(QueueUrl=wiring.settings().rows_queue_url)
