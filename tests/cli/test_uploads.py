"""What `tidemill upload`, `data show` and `data diff` say of the data, in numbers people compare."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.ingesting import Ingesting

HEADER = "tailnum,built_year,seats,listed_at\n"
GOOD = "".join(f"N{n},{1980 + n},{100 + n},2013-01-01\n" for n in range(30))


@pytest.fixture
def given(tmp_path: Path) -> Ingesting:
    """Return a deployment whose aircraft have one commit."""
    made = Ingesting(tmp_path)
    result = made.call("upload", "planes", str(_file(tmp_path, "first.csv", GOOD)))
    assert result.exit_code == 0, result.output
    made.found.now += timedelta(days=1)
    return made


def _file(folder: Path, name: str, rows: str) -> Path:
    file = folder / name
    file.write_text(HEADER + rows)
    return file


def _lines(text: str) -> Iterator[Sequence[str]]:
    """Yield what stands in each line, cell by cell."""
    for line in text.splitlines():
        yield [each.strip() for each in line.split("  ") if each.strip()]


def test_a_refused_file_is_told_with_every_fault_and_where_its_report_lies(
    given: Ingesting, tmp_path: Path
) -> None:
    rows = GOOD + "N50,old,1,2013-01-01\nN51,older,1,2013-01-01\nN52,1999,-1,2013-01-01\nN1,1999,3,1.1.2013\n"
    result = given.call("upload", "planes", str(_file(tmp_path, "bad.csv", rows)))
    assert result.exit_code == 1
    told = list(_lines(result.stdout))
    assert [
        "built_year is a float, such as 0.5 or 1e-3",
        "2",
        "31, 32",
        "built_year 'old'; built_year 'older'",
    ] in told
    assert any(line[:1] == ["listed_at is a timestamp, such as 2013-01-01T05:15:00Z"] for line in told)
    assert ['(col("seats") > 0) is false', "put aside", "1", "33", "seats -1.0"] in told
    page = tmp_path / "reports" / "planes-bad.csv.html"
    assert page.as_uri() in result.stdout
    assert "What to do next" in page.read_text()
    assert result.stderr.splitlines()[-1].endswith(
        "bad.csv: 2 faults (built_year, listed_at); correct the file and upload it again"
    ), "one line that says what to do"


def test_rows_put_aside_are_told_although_the_file_is_taken(given: Ingesting, tmp_path: Path) -> None:
    rows = GOOD.replace("N", "M") + "M99,1999,-5,2013-01-01\n"
    result = given.call("upload", "planes", str(_file(tmp_path, "more.csv", rows)))
    assert result.exit_code == 0
    assert ['(col("seats") > 0) is false', "put aside", "1", "31", "seats -5.0"] in list(
        _lines(result.stdout)
    )
    assert "all rows put aside" not in result.stdout, "it says nothing the line above does not"


def test_a_file_nothing_is_wrong_with_has_a_line_and_no_more(given: Ingesting, tmp_path: Path) -> None:
    result = given.call("upload", "planes", str(_file(tmp_path, "fine.csv", GOOD.replace("N", "M"))))
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2


def test_a_file_that_is_no_file_is_told_in_its_own_words(given: Ingesting, tmp_path: Path) -> None:
    file = tmp_path / "broken.parquet"
    file.write_bytes(b"PAR1 and then nothing")
    result = given.call("upload", "planes", str(file))
    assert "no whole Parquet file" in result.stderr
    assert "upload it again" in result.stderr


def test_a_version_shows_what_its_checks_found(given: Ingesting, tmp_path: Path) -> None:
    """The findings are kept with the commit, whoever asks and when."""
    given.call(
        "upload", "planes", str(_file(tmp_path, "more.csv", GOOD.replace("N", "M") + "Q,1,-5,2013-01-01\n"))
    )
    shown = given.call("data", "show", "planes")
    assert ['(col("seats") > 0) is false', "put aside", "1", "31", "seats -5.0"] in list(_lines(shown.stdout))
    said = json.loads(given.call("data", "show", "planes", "--json").stdout)
    assert [one["check"] for one in said["checks"] if one["rows_failed"]] == [
        '(col("seats") > 0) is false',
        "all rows put aside",
    ]


def test_a_difference_sets_numbers_words_and_times_apart(given: Ingesting, tmp_path: Path) -> None:
    """What a column of a kind has no figure of has no cell either; what stayed is said once."""
    rows = "".join(f"M{n},,{300 + n},2013-01-01\n" for n in range(30))
    given.call("upload", "planes", str(_file(tmp_path, "larger.csv", rows)))
    result = given.call("data", "diff", "planes", "2013-01-01", "latest")
    assert result.exit_code == 0, result.output
    told = list(_lines(result.stdout))
    assert ["rows", "30", "60", "+30"] in told
    assert ["numbers", "null", "→", "mean ± std", "→", "range", "→", "shift"] in told
    (years,) = (line for line in told if line[:1] == ["built_year"])
    assert years == ["built_year", "0.0%", "50.0%", "1994 ± 8.66", "1980 … 2009", "0.000"]
    (seats,) = (line for line in told if line[:1] == ["seats"])
    assert seats[-1].endswith("large")
    (names,) = (line for line in told if line[:1] == ["tailnum"])
    assert names[:4] == ["tailnum", "0.0%", "30", "60"]
    assert ["listed_at", "0.0%", "2013-01-01 … 2013-01-01"] in told
    assert "population stability index" in result.stdout


def test_a_source_is_proposed_for_a_file_under_a_name_that_python_takes(
    given: Ingesting, tmp_path: Path
) -> None:
    """What is printed is a module, and nothing else is."""
    proposed = given.call("data", "infer", str(_file(tmp_path, "2013-03 (new).csv", GOOD)))
    namespace: dict[str, Any] = {}
    exec(proposed.stdout, namespace)  # noqa: S102  # as whoever pastes it does
    source = namespace["rows_2013_03_new"]
    assert (source.key, source.timestamp) == (["tailnum"], "listed_at")
    refused = given.call("data", "infer", str(tmp_path / "2013-03 (new).csv"), "--name", "class")
    assert refused.exit_code == 1
    assert "`class` is no name that Python takes" in refused.stderr
