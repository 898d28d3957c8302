"""A file with faults is refused whole, and its report tells all of them at once."""

import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidemill import Bool, Float, Int, Project, Source, String, Timestamp, check, col, row_count
from tidemill.datasets.ingest import ingest_upload

rides = Source(
    "rides",
    {"id": String, "minutes": Float, "riders": Int, "paid": Bool, "at": Timestamp},
    key=["id"],
    timestamp="at",
    checks=[check(col("minutes") > 0, severity="refuse"), row_count(at_least=10)],
)
project = Project("bikes", sources=[rides], models=[])
GOOD = {"id": "a", "minutes": "1.5", "riders": "1", "paid": "true", "at": "2013-01-06"}
ROWS: list[dict[str, Any]] = [
    GOOD,
    GOOD | {"minutes": "fast"},
    GOOD | {"minutes": "slow", "at": "6.1.2013"},
    GOOD | {"minutes": "-4"},
    GOOD | {"minutes": "slow", "riders": "two"},
]


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows), ""]).encode()


def as_json_lines(rows: list[dict[str, Any]]) -> bytes:
    def plain(name: str, text: str) -> Any:
        try:
            return text if name in ("id", "at") else json.loads(text)
        except ValueError:
            return text

    return "".join(
        json.dumps({name: plain(name, value) for name, value in row.items()}) + "\n" for row in rows
    ).encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


WRITERS = {"f.csv": as_csv, "f.jsonl": as_json_lines, "f.parquet": as_parquet}


@pytest.fixture
def ingest(cloud: Any) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """Return what uploads a file and gives the outcome and the report."""

    def upload(data: bytes, name: str = "f.csv") -> tuple[Any, dict[str, Any]]:
        outcome = ingest_upload(
            cloud.put(data, name, source="rides"),
            project=project,
            blobs=cloud.blobs,
            tables=cloud.tables,
            documents=cloud.documents,
            events=cloud.events,
        )
        return outcome, json.loads(cloud.blobs.get(outcome.report_key))

    return upload


@pytest.mark.parametrize("name", WRITERS)
def test_every_column_with_values_of_another_type_is_told_with_its_rows(ingest: Any, name: str) -> None:
    outcome, report = ingest(WRITERS[name](ROWS), name)
    assert outcome.status == "refused"
    assert (report["rows_read"], report["rows_unread"]) == (5, 3)
    by_column = {each["check"].split("`")[1]: each for each in report["faults"]}
    assert {column: each["rows_failed"] for column, each in by_column.items()} == {
        "minutes": 3,
        "at": 1,
        "riders": 1,
    }
    assert "a float, such as 0.5" in by_column["minutes"]["check"]
    examples = by_column["minutes"]["examples"]
    assert [(each["row"], each["values"]["minutes"]) for each in examples] == [
        (2, "fast"),
        (3, "slow"),
        (5, "slow"),
    ]
    for said in (
        "row 2, column `minutes`: 'fast' is no float (3 such rows)",
        "row 3, column `at`",
        "`riders`",
    ):
        assert said in outcome.error


@pytest.mark.parametrize("name", WRITERS)
def test_the_checks_judge_the_rows_that_can_be_read(ingest: Any, name: str) -> None:
    """They are told with the faults; rows keep their numbers in the file."""
    outcome, report = ingest(WRITERS[name](ROWS), name)
    failed = {each["check"]: each for each in report["checks"] if not each["passed"]}
    assert len(failed) == 2
    (negative,) = (each for each in failed.values() if each["rows_failed"])
    assert (negative["rows_failed"], negative["examples"][0]["row"]) == (1, 4)
    assert "2 checks refused it" in outcome.error


@pytest.mark.parametrize("name", WRITERS)
def test_columns_missing_and_undeclared_are_told_together_with_wrong_values_of_the_others(
    ingest: Any, name: str
) -> None:
    renames = {"riders": "rider", "at": "ended"}
    rows = [{renames.get(key, key): value for key, value in row.items()} | {"tip": "1"} for row in ROWS]
    outcome, report = ingest(WRITERS[name](rows), name)
    found = " ".join(each["found"] for each in report["faults"])
    assert {name for each in report["faults"] for name in each["columns"]} >= {"riders", "rider", "at", "tip"}
    for said in (
        "no column `riders`",
        "no column `at`",
        "a column `rider`",
        "a column `ended`",
        "a column `tip`",
    ):
        assert said in found
    assert "did you mean `rider" in found
    assert "column `minutes`: 'fast' is no float" in found
    assert report["checks"] == [], "no row can be judged without its columns"
    assert outcome.status == "refused"


def test_lines_that_are_no_rows_are_counted_and_the_others_read(ingest: Any) -> None:
    good = as_json_lines([GOOD])
    _, report = ingest(good + b"{\n" + good + b"[1]\nnonsense\n" + good, "f.jsonl")
    (fault,) = report["faults"]
    assert (fault["rows_failed"], report["rows_read"], report["rows_unread"]) == (3, 6, 3)
    assert [(each["row"], each["values"]["line"]) for each in fault["examples"]] == [
        (2, "{"),
        (4, "[1]"),
        (5, "nonsense"),
    ]


def test_a_file_that_breaks_off_tells_what_was_wrong_until_there(ingest: Any) -> None:
    whole = gzip.compress(as_csv(ROWS[:2] * 200_000))
    outcome, report = ingest(whole[:-10], "f.csv.gz")
    assert "column `minutes`: 'fast' is no float" in outcome.error
    assert "no whole gzip file" in outcome.error
    assert report["faults"][0]["rows_failed"] > 1_000


def test_a_row_with_too_few_values_ends_the_reading_and_is_told_with_what_came_before(ingest: Any) -> None:
    rows = as_csv([GOOD | {"paid": "maybe"}] * 200_000) + b"a,1\n"
    outcome, report = ingest(rows)
    assert "column `paid`: 'maybe' is no bool" in outcome.error
    assert "2 values in row 200001 and 5 columns" in outcome.error
    assert report["rows_unread"] > 1_000


def test_however_many_rows_are_wrong_the_report_shows_a_few_and_counts_the_rest(ingest: Any) -> None:
    outcome, report = ingest(as_csv([GOOD | {"minutes": f"{n},5".replace(",", ";")} for n in range(50_000)]))
    (fault,) = report["faults"]
    assert (fault["rows_failed"], len(fault["examples"])) == (50_000, 5)
    assert len(json.dumps(report)) < 10_000
    assert len(outcome.error) < 500


def test_new_keys_in_every_line_do_not_make_a_report_of_every_line(ingest: Any) -> None:
    lines = "".join(json.dumps({"id": "a", f"key{n}": 1}) + "\n" for n in range(2_000))
    outcome, report = ingest(lines.encode(), "f.jsonl")
    assert len(report["faults"]) < 300
    assert "more kinds of faults" in outcome.error


def test_a_file_with_faults_changes_nothing_and_blocks_nothing(ingest: Any, cloud: Any) -> None:
    """It is the file that is broken: of the data it says nothing, whatever the checks say of its rows."""
    ingest(as_csv(ROWS))
    assert cloud.tables.commits("rides") == []
    assert cloud.documents.get("SOURCES", "rides") is None
    assert not list(cloud.blobs.list("quarantine/"))


def test_semicolons_where_commas_should_be_are_named(ingest: Any) -> None:
    outcome, _ = ingest(as_csv([GOOD]).replace(b",", b";"))
    assert "csv=Csv(delimiter=';')" in outcome.error
