"""One upload becomes one commit, or is refused whole, whatever is delivered twice or crashes."""

import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest

from tidemill.canonical import digest_bytes
from tidemill.datasets.uploads import Upload
from tidemill.errors import NotFound
from tidemill.project.code import code_version

GOOD = ("1,Oslo,12.5,1,2013-01-01T10:00:00Z", "2,Rome,7,2,2013-01-02T10:00:00Z")
BAD = "3,Paris,-1,1,2013-01-03T10:00:00Z"
REST = ("4,Rome,5,1,2013-01-03T10:00:00Z", "5,Rome,5,1,2013-01-03T10:00:00Z")


def stored(cloud: Any) -> list[str]:
    return sorted(cloud.tables.rows("trips").column("trip_id").to_pylist())


def stored_or_nothing(cloud: Any) -> list[str]:
    try:
        return stored(cloud)
    except NotFound:
        return []


def report(cloud: Any, key: str | None) -> dict[str, Any]:
    assert key is not None
    decoded: dict[str, Any] = json.loads(cloud.blobs.get(key))
    return decoded


def put_aside(cloud: Any, data: bytes) -> list[dict[str, Any]]:
    (part,) = cloud.blobs.list(f"quarantine/bikes/trips/{digest_bytes(data)}/")
    return [json.loads(line) for line in cloud.blobs.get(part.key).splitlines()]


def test_an_upload_is_one_commit_that_names_it(cloud: Any, trips_csv: Callable[..., bytes]) -> None:
    data = trips_csv(*GOOD)
    upload = cloud.put(data)
    outcome = cloud.ingest(upload)
    assert outcome.status == "committed"
    (commit,) = cloud.tables.commits("trips")
    assert stored(cloud) == ["1", "2"]
    expected = {
        "project": "bikes",
        "source": "trips",
        "snapshot_id": commit.snapshot_id,
        "sequence": commit.sequence,
        "upload": {
            "bucket": "data-bucket",
            "key": "uploads/bikes/trips/week.csv",
            "version": upload.version,
            "digest": digest_bytes(data),
        },
        "rows": 2,
        "quarantined": 0,
        "warnings": 0,
        "failed": [],
        "code": code_version("bikes"),
        "findings": commit.properties["tidemill.findings"],
        "at": "2013-01-07T00:00:00Z",
    }
    assert outcome.record == expected
    assert cloud.events.published == [("CommitCreated", expected)]
    said = report(cloud, outcome.report_key)
    assert {name: said[name] for name in expected} == expected
    assert (said["status"], said["rows_read"], said["rows_quarantined"]) == ("committed", 2, 0)
    assert outcome.report_key == f"reports/uploads/bikes/trips/{digest_bytes(data)}.json"


def test_the_same_upload_delivered_twice_is_one_commit(cloud: Any, trips_csv: Callable[..., bytes]) -> None:
    upload = cloud.put(trips_csv(*GOOD))
    first, second = cloud.ingest(upload), cloud.ingest(upload)
    assert (first.status, second.status) == ("committed", "duplicate")
    assert first.record == second.record
    assert len(cloud.tables.commits("trips")) == 1
    assert cloud.events.published[0] == cloud.events.published[1], "nobody knows whether the first was heard"


def test_the_same_bytes_under_another_name_are_no_second_commit(
    cloud: Any, trips_csv: Callable[..., bytes]
) -> None:
    cloud.ingest(cloud.put(trips_csv(*GOOD)))
    assert cloud.ingest(cloud.put(trips_csv(*GOOD), "again.csv")).status == "duplicate"
    assert len(cloud.tables.commits("trips")) == 1


def test_the_version_of_the_event_is_read_not_the_newest(cloud: Any, trips_csv: Callable[..., bytes]) -> None:
    first = cloud.put(trips_csv(GOOD[0]))
    second = cloud.put(trips_csv(GOOD[1]))
    cloud.ingest(first)
    assert stored(cloud) == ["1"]
    cloud.ingest(second)
    assert stored(cloud) == ["1", "2"]


def test_two_uploads_at_the_same_moment_both_commit(cloud: Any, trips_csv: Callable[..., bytes]) -> None:
    uploads = [cloud.put(trips_csv(row), f"{number}.csv") for number, row in enumerate((*GOOD, *REST))]
    with ThreadPoolExecutor(4) as pool:
        assert [outcome.status for outcome in pool.map(cloud.ingest, uploads)] == ["committed"] * 4
    assert stored(cloud) == ["1", "2", "4", "5"]


def test_rows_that_fail_a_check_are_put_aside_with_the_reason(
    cloud: Any, trips_csv: Callable[..., bytes]
) -> None:
    data = trips_csv(*GOOD, BAD, *REST)
    outcome = cloud.ingest(cloud.put(data))
    assert outcome.record is not None
    assert (outcome.record["rows"], outcome.record["quarantined"]) == (4, 1)
    assert stored(cloud) == ["1", "2", "4", "5"]
    (aside,) = put_aside(cloud, data)
    assert aside["row"] == 3
    assert aside["values"]["city"] == "Paris"
    assert aside["values"]["ended_at"] == "2013-01-03T10:00:00Z"
    assert any("minutes" in reason for reason in aside["reasons"])
    assert any("city" in reason for reason in aside["reasons"])


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_compressed_upload_is_a_commit_like_any_other(
    cloud: Any, trips_csv: Callable[..., bytes], ending: str
) -> None:
    plain = trips_csv(*GOOD)
    data = gzip.compress(plain) if ending == "gz" else pa.compress(plain, codec="zstd", asbytes=True)
    assert cloud.ingest(cloud.put(data, f"week.csv.{ending}")).status == "committed"
    assert stored(cloud) == ["1", "2"]


def test_nothing_is_put_aside_where_nothing_fails(cloud: Any, trips_csv: Callable[..., bytes]) -> None:
    cloud.ingest(cloud.put(trips_csv(*GOOD)))
    assert list(cloud.blobs.list("quarantine/")) == []


def test_past_the_tolerance_the_upload_is_refused_whole_with_a_report(
    cloud: Any, trips_csv: Callable[..., bytes]
) -> None:
    outcome = cloud.ingest(cloud.put(trips_csv(*GOOD, BAD)))
    assert outcome.status == "refused"
    assert outcome.error is not None
    assert "all rows put aside: 1 of 3 rows, more than the tolerated 25.0%" in outcome.error
    assert 'most often (col("minutes") > 0) is false (1 times, first in row 3)' in outcome.error
    assert cloud.tables.commits("trips") == []
    assert list(cloud.blobs.list("quarantine/")) == []
    said = report(cloud, outcome.report_key)
    assert said["status"] == "refused"
    assert said["rows_quarantined"] == 1
    failed = [check for check in said["checks"] if check["rows_failed"] and check["examples"]]
    assert [check["examples"][0]["values"]["city"] for check in failed] == ["Paris", "Paris"]
    assert all(check["examples"][0]["row"] == 3 for check in failed)
    ((kind, detail),) = cloud.events.published
    assert kind == "UploadRefused"
    assert detail["error"] == outcome.error
    assert detail["report_key"] == outcome.report_key


def test_a_refused_file_can_be_corrected_and_uploaded_again(
    cloud: Any, trips_csv: Callable[..., bytes]
) -> None:
    cloud.ingest(cloud.put(trips_csv(*GOOD, BAD)))
    assert cloud.ingest(cloud.put(trips_csv(*GOOD))).status == "committed"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (
            "uploads/bikes/tripz/week.csv",
            ["no source `tripz`", "did you mean `trips`?", "its sources are trips"],
        ),
        ("uploads/cars/trips/week.csv", ["names project `cars`", "this is `bikes`"]),
        ("uploads/week.csv", ["uploads/<project>/<source>/<file>"]),
        ("week.csv", ["uploads/<project>/<source>/<file>"]),
        ("uploads/bikes/trips/week.xlsx", ["no known format"]),
        ("uploads/bikes/trips/gone.csv", ["was deleted before it was read"]),
    ],
)
def test_an_upload_to_the_wrong_place_is_refused_saying_where_it_belongs(
    cloud: Any, key: str, words: list[str]
) -> None:
    upload = cloud.put(b"trip_id\n1\n")
    if "gone" not in key:
        cloud.blobs.put(key, b"trip_id\n1\n")
    outcome = cloud.ingest(Upload("data-bucket", key, None, upload.at))
    assert outcome.status == "refused"
    assert all(word in str(outcome.error) for word in words), outcome.error
    assert report(cloud, outcome.report_key)["error"] == outcome.error
    assert [kind for kind, _ in cloud.events.published] == ["UploadRefused"]


def test_the_object_that_stands_for_a_folder_is_no_upload(cloud: Any) -> None:
    upload = cloud.put(b"", "")
    assert cloud.ingest(upload).status == "ignored"
    assert cloud.events.published == []


def test_a_file_may_lie_deeper_below_its_source(cloud: Any, trips_csv: Callable[..., bytes]) -> None:
    assert cloud.ingest(cloud.put(trips_csv(*GOOD), "2013/01/week 1+2.csv")).status == "committed"


def test_a_row_without_its_key_or_time_is_put_aside(cloud: Any, trips_csv: Callable[..., bytes]) -> None:
    data = trips_csv(
        *GOOD,
        *REST,
        "6,Rome,5,1,",
        *(f"{n},Oslo,1,1,2013-01-05" for n in range(10, 14)),
        ",Rome,5,1,2013-01-04",
    )
    outcome = cloud.ingest(cloud.put(data))
    assert outcome.record is not None
    assert outcome.record["quarantined"] == 2
    assert [row["reasons"] for row in put_aside(cloud, data)] == [
        ["`ended_at` is null"],
        ["`trip_id` is null"],
    ]


def test_of_rows_with_one_key_the_first_stays(cloud: Any, trips_csv: Callable[..., bytes]) -> None:
    data = trips_csv(*GOOD, *REST, "1,Rome,99,1,2013-01-04")
    outcome = cloud.ingest(cloud.put(data))
    assert outcome.record is not None
    assert outcome.record["quarantined"] == 1
    rows = cloud.tables.rows("trips").to_pylist()
    assert [row["minutes"] for row in rows if row["trip_id"] == "1"] == [12.5]


def test_a_check_that_is_null_passes(cloud: Any, trips_csv: Callable[..., bytes]) -> None:
    assert cloud.ingest(cloud.put(trips_csv("1,Oslo,,1,2013-01-01"))).record["quarantined"] == 0


def test_after_a_crash_at_any_step_another_delivery_brings_the_one_right_end(
    new_cloud: Callable[[], Any], trips_csv: Callable[..., bytes], crash: type[Exception]
) -> None:
    """Old state or new: before the commit the table is as it was, afterwards the commit is whole."""
    data = trips_csv(*GOOD, BAD, *REST)
    smooth = new_cloud()
    smooth.ingest(smooth.put(data))
    crashes = 0
    for steps in range(1, 100):
        cloud = new_cloud()
        upload = cloud.put(data)
        try:
            cloud.crashing(steps).ingest(upload)
        except crash:
            crashes += 1
        else:
            break
        assert stored_or_nothing(cloud) in ([], stored(smooth))
        outcome = cloud.ingest(upload)
        assert outcome.status in {"committed", "duplicate"}
        assert stored(cloud) == stored(smooth)
        assert len(cloud.tables.commits("trips")) == 1
        assert cloud.tables.commits("trips") == smooth.tables.commits("trips")
        assert ("CommitCreated", outcome.record) in cloud.events.published
        for prefix in ("quarantine/", "findings/", "reports/"):
            kept = {info.key: cloud.blobs.get(info.key) for info in cloud.blobs.list(prefix)}
            assert kept == {info.key: smooth.blobs.get(info.key) for info in smooth.blobs.list(prefix)}
        assert cloud.documents.query("UPLOADS#trips") == smooth.documents.query("UPLOADS#trips")
    assert crashes == 16, "quarantine, findings, table, commit, index, page, report, event: before and after"


def test_after_a_crash_of_a_refusal_another_delivery_refuses_it_again(
    new_cloud: Callable[[], Any], trips_csv: Callable[..., bytes], crash: type[Exception]
) -> None:
    for steps in range(1, 9):
        cloud = new_cloud()
        upload = cloud.put(trips_csv(BAD))
        with pytest.raises(crash):
            cloud.crashing(steps).ingest(upload)
        assert cloud.ingest(upload).status == "refused"
        assert cloud.tables.commits("trips") == []
        assert cloud.events.published[-1][0] == "UploadRefused"


def test_an_upload_too_large_is_refused_before_it_is_read(cloud: Any) -> None:
    """Its event says how large it is; what is refused here is not even there."""
    upload = Upload("data-bucket", "uploads/bikes/trips/all.csv", None, cloud.put(b"").at, 6 * 1024**3)
    outcome = cloud.ingest(upload)
    assert outcome.status == "refused"
    assert outcome.error is not None
    assert "uploads/bikes/trips/all.csv has 6.0 GiB, and 5 GiB are the most; split it" in outcome.error
    assert report(cloud, outcome.report_key)["status"] == "refused"
    assert stored_or_nothing(cloud) == []


def test_the_size_of_an_upload_is_what_its_event_says() -> None:
    event = {
        "time": "2013-01-07T00:00:00Z",
        "detail": {"bucket": {"name": "data"}, "object": {"key": "uploads/bikes/trips/a.csv", "size": 1024}},
    }
    assert Upload.from_event(event).size_bytes == 1024
