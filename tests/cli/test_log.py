"""`tidemill data log` names what failed in each commit, and every upload that was refused."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.ingesting import Ingesting

HEADER = "tailnum,built_year,seats,listed_at\n"
GOOD = "".join(f"N{n},{1980 + n},{100 + n},2013-01-01\n" for n in range(30))
ONE_BAD = GOOD.replace("N", "M") + "M99,1999,-5,2013-01-01\n"
ALL_BAD = HEADER + "Q1,1999,-5,2013-01-01\nQ2,1999,-5,2013-01-01\n"
SEATS = '(col("seats") > 0) is false'


@pytest.fixture
def given(tmp_path: Path) -> Ingesting:
    """Return a deployment with a good file, one with a bad row, a bad one and one that is no file, daily."""
    made = Ingesting(tmp_path)
    files = {"good.csv": HEADER + GOOD, "one.csv": HEADER + ONE_BAD, "bad.csv": ALL_BAD, "no.parquet": "PAR1"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        made.call("upload", "planes", str(tmp_path / name))
        made.found.now += timedelta(days=1)
    return made


def test_scripts_read_the_failed_checks_of_commits_and_of_refused_uploads(given: Ingesting) -> None:
    said = json.loads(given.call("data", "log", "planes", "--json").stdout)
    assert said["source"] == "planes"
    assert [one["failed"] for one in said["commits"]] == [[SEATS], []]
    broken, bad = said["refused"]
    assert (bad["at"], bad["failed"]) == ("2013-01-03T00:00:00Z", ["all rows put aside", SEATS])
    assert bad["upload"]["key"].endswith("/bad.csv")
    assert given.found.data.get(bad["report_key"])
    assert broken["failed"] == []
    assert "no whole Parquet file" in broken["error"]


def test_people_read_them_below_the_commits(given: Ingesting) -> None:
    told = [line.split("  ") for line in given.call("data", "log", "planes").stdout.splitlines()]
    lines = [[cell.strip() for cell in line if cell.strip()] for line in told]
    assert ["2013-01-02T00:00:00Z", "one.csv", SEATS] in lines
    assert ["2013-01-03T00:00:00Z", "bad.csv", "all rows put aside"] in lines
    assert [SEATS] in lines
    [broken] = [line for line in lines if "no.parquet" in line]
    assert "no whole Parquet file" in broken[-1]
    assert sum(line[0].startswith("reports/uploads/flights/planes/") for line in lines if line) == 2


def test_where_nothing_failed_nothing_is_said_of_it(tmp_path: Path) -> None:
    made = Ingesting(tmp_path)
    (tmp_path / "good.csv").write_text(HEADER + GOOD)
    made.call("upload", "planes", str(tmp_path / "good.csv"))
    assert len(made.call("data", "log", "planes").stdout.splitlines()) == 3


def test_a_file_that_is_refused_twice_is_listed_as_often_as_it_came(given: Ingesting, tmp_path: Path) -> None:
    """Its bytes are the same, and so is its report; a delivery that is repeated is no other upload."""
    given.call("upload", "planes", str(tmp_path / "bad.csv"))
    given.call("upload", "planes", str(tmp_path / "bad.csv"))
    refused = json.loads(given.call("data", "log", "planes", "--json").stdout)["refused"]
    bad = [one for one in refused if one["upload"]["key"].endswith("/bad.csv")]
    assert [one["at"] for one in bad] == ["2013-01-05T00:00:00Z", "2013-01-03T00:00:00Z"]
    assert len({one["report_key"] for one in bad}) == 1


def test_a_source_all_of_whose_uploads_were_refused_has_a_log(tmp_path: Path) -> None:
    made = Ingesting(tmp_path)
    (tmp_path / "bad.csv").write_text(ALL_BAD)
    made.call("upload", "planes", str(tmp_path / "bad.csv"))
    shown = made.call("data", "log", "planes")
    assert "planes: 0 commits" in shown.stdout
    assert "bad.csv" in shown.stdout
