"""Files that are not what they should be, by S3, EventBridge and SQS: a clear report, never half a commit."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cli.demo.system import LocalSystem

pytestmark = pytest.mark.end_to_end

SMALLEST_PART_BYTES = 5 * 1024**2
Refuse = Callable[[str, bytes], str]


@pytest.fixture
def refuse(system: LocalSystem, tmp_path: Path) -> Refuse:
    """Upload a file to `planes`, see that it is refused and leaves nothing, and return the error."""

    def upload(name: str, content: bytes) -> str:
        before = [commit.snapshot_id for commit in system.deployment.tables.commits("planes")]
        file = tmp_path / name
        file.write_bytes(content)
        [report] = system.upload("planes", file)
        assert report is not None
        assert report["status"] == "refused"
        assert [commit.snapshot_id for commit in system.deployment.tables.commits("planes")] == before
        return str(report["error"])

    return upload


def csv(frame: pd.DataFrame) -> bytes:
    """Write a frame as CSV."""
    return frame.to_csv(index=False).encode()


def test_a_csv_without_a_column_is_refused_by_its_name(refuse: Refuse, planes: pd.DataFrame) -> None:
    """The report names the column that is missing."""
    error = refuse("missing.csv", csv(planes.drop(columns="seats")))
    assert "seats" in error


def test_a_wrong_type_far_down_is_refused_by_row_and_column(refuse: Refuse) -> None:
    """Row 1,000,001 is read as carefully as the first, and nothing of the million before it is kept."""
    n_rows = 1_000_001
    frame = pd.DataFrame(
        {
            "tailnum": np.char.add("T", np.arange(n_rows).astype(str)),
            "built_year": np.full(n_rows, 2000).astype(object),
            "seats": 100,
            "listed_at": "2013-02-01T00:00:00Z",
        }
    )
    frame.loc[n_rows - 1, "built_year"] = "soon"
    error = refuse("far.csv", csv(frame))
    assert "built_year" in error
    assert "soon" in error
    assert "1,000,001" in error or "1000001" in error


def test_an_empty_file_is_refused(refuse: Refuse) -> None:
    """No byte, no commit."""
    assert "empty" in refuse("empty.csv", b"")


def test_a_truncated_parquet_is_refused(refuse: Refuse, planes: pd.DataFrame, tmp_path: Path) -> None:
    """A transfer that broke off is seen before anything is committed."""
    whole = tmp_path / "whole.parquet"
    planes.assign(listed_at=pd.to_datetime(planes["listed_at"])).to_parquet(whole)
    content = whole.read_bytes()
    assert "parquet" in refuse("truncated.parquet", content[: len(content) // 2]).lower()


def test_a_header_alone_is_refused(refuse: Refuse, planes: pd.DataFrame) -> None:
    """A file that names its columns and has no rows is more likely a mistake than news."""
    assert "row" in refuse("header.csv", csv(planes.head(0)))


def test_a_source_that_does_not_exist_is_named(
    system: LocalSystem, planes: pd.DataFrame, tmp_path: Path
) -> None:
    """The report says which sources there are."""
    file = tmp_path / "planes.csv"
    file.write_bytes(csv(planes))
    [report] = system.upload("plains", file)
    assert report is not None
    assert report["status"] == "refused"
    assert "plains" in report["error"]
    assert "planes" in report["error"]


def test_the_same_file_twice_is_one_commit(system: LocalSystem, planes: pd.DataFrame, tmp_path: Path) -> None:
    """Whoever is not sure that an upload arrived may upload again."""
    file = tmp_path / "twice.csv"
    file.write_bytes(csv(planes.assign(tailnum=planes["tailnum"] + "-twice")))
    before = counts(system)
    [first] = system.upload("planes", file)
    [second] = system.upload("planes", file)
    assert first is not None
    assert second is not None
    assert first["snapshot_id"] == second["snapshot_id"]
    assert counts(system) == (before[0] + 1, before[1] + 3)


def test_two_files_at_once_are_two_commits(system: LocalSystem, planes: pd.DataFrame, tmp_path: Path) -> None:
    """Two writers of one table wait for each other, and neither loses a row."""
    files = []
    for name in ("left", "right"):
        files.append(tmp_path / f"{name}.csv")
        files[-1].write_bytes(csv(planes.assign(tailnum=planes["tailnum"] + name)))
    before = counts(system)
    reports = system.upload("planes", *files)
    assert [report["status"] if report else None for report in reports] == ["committed", "committed"]
    assert counts(system) == (before[0] + 2, before[1] + 6)


def test_fifty_files_at_once_are_each_committed_or_reported(
    system: LocalSystem, planes: pd.DataFrame, tmp_path: Path
) -> None:
    """Five of them are no planes, and one more comes in three parts; every accepted row is there once."""
    files = []
    for number in range(50):
        rows = planes.assign(tailnum=planes["tailnum"] + f"-{number}-of-fifty")
        files.append(tmp_path / f"{number}-of-fifty.csv")
        files[-1].write_bytes(csv(rows.assign(seats="many") if number % 10 == 7 else rows))
    commits, n_rows = counts(system)
    with ThreadPoolExecutor(16) as threads:
        in_parts = threads.submit(upload_in_parts, system, "in-parts-of-fifty.jsonl", n_parts=3)
        uploaded = list(threads.map(lambda file: system.deployment.put_upload("planes", file), files))
        version = in_parts.result()
    system.control.settle()
    reports = [system.deployment.upload_report(one) for one in uploaded]
    outcomes = [report["status"] if report else None for report in reports]
    assert outcomes == ["refused" if number % 10 == 7 else "committed" for number in range(50)]
    assert counts(system) == (commits + 45 + 1, n_rows + 3 * 45 + 3)
    keys = system.deployment.tables.rows("planes", columns=["tailnum"])["tailnum"].to_pylist()
    ours = [key for key in keys if key.endswith("-of-fifty")]
    assert (len(ours), len(set(ours))) == (3 * 46, 3 * 46)
    commit_versions = [
        commit.properties["tidemill.version"] for commit in system.deployment.tables.commits("planes")
    ]
    assert commit_versions.count(version) == 1
    assert set(system.dead_letters().values()) == {0}


def upload_in_parts(system: LocalSystem, name: str, *, n_parts: int) -> str:
    """Upload planes in as many parts, a plane in each, and return the version S3 made of them."""
    s3, bucket = system.deployment.endpoint.client("s3"), system.deployment.outputs["DataBucket"]
    place = {"Bucket": bucket, "Key": f"uploads/{system.deployment.project}/planes/{name}"}
    upload_id = s3.create_multipart_upload(**place)["UploadId"]
    parts = []
    for number in range(1, n_parts + 1):
        plane = {
            "tailnum": f"P{number}-of-fifty",
            "built_year": 2000,
            "seats": 100,
            "listed_at": "2013-02-01",
        }
        # Blanks between the values make it as long as S3 asks parts to be.
        line = json.dumps(plane).replace(" ", " " * (SMALLEST_PART_BYTES // 6), 6) + "\n"
        part = s3.upload_part(**place, UploadId=upload_id, PartNumber=number, Body=line.encode())
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    done = s3.complete_multipart_upload(**place, UploadId=upload_id, MultipartUpload={"Parts": parts})
    return str(done["VersionId"])


def test_after_all_that_the_loop_goes_on(system: LocalSystem, planes: pd.DataFrame, tmp_path: Path) -> None:
    """Refusals are answers, not failures: nothing is dead, and the next good file is a commit."""
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_bytes(b"tailnum\n1\n")
    good.write_bytes(csv(planes.assign(tailnum=planes["tailnum"] + "-good")))
    reports = system.upload("planes", bad, good)
    assert [report["status"] if report else None for report in reports] == ["refused", "committed"]
    assert set(system.dead_letters().values()) == {0}


def counts(system: LocalSystem) -> tuple[int, int]:
    """Count the commits and the rows of `planes`."""
    tables = system.deployment.tables
    return len(tables.commits("planes")), int(tables.rows("planes", columns=["tailnum"]).num_rows)
