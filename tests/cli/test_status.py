"""`tidemill status` names the sources that need somebody, and `data unblock` lets training go on."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.commands.status import source_lines, sources_amiss
from tests.cli.ingesting import Ingesting
from tidemill import Source, String, Timestamp, freshness
from tidemill.datasets.silence import look_for_silence
from tidemill.memory.events import MemoryEvents
from tidemill.project.checks import Severity

HEADER = "tailnum,built_year,seats,listed_at\n"


@pytest.fixture
def given(tmp_path: Path) -> Ingesting:
    """Return a deployment whose aircraft came on New Year."""
    made = Ingesting(tmp_path)
    upload(made, tmp_path, "N1,1999,100,2013-01-01")
    return made


def upload(given: Ingesting, folder: Path, row: str) -> None:
    """Upload a row."""
    file = folder / f"{row}.csv"
    file.write_text(HEADER + row + "\n")
    given.call("upload", "planes", str(file))


def look(given: Ingesting, severity: Severity) -> None:
    """Look for silence two weeks later, at aircraft that are to be a week old at most."""
    checks = [freshness("7d", severity=severity)]
    planes = Source(
        "planes", {"tailnum": String, "listed_at": Timestamp}, ["tailnum"], "listed_at", checks=checks
    )
    tables, documents = given.found.tables, given.found.documents
    at = datetime(2013, 1, 15, tzinfo=UTC)
    look_for_silence("flights", [planes], at, tables=tables, documents=documents, events=MemoryEvents())


def amiss(given: Ingesting) -> dict[str, list[str]]:
    """Return what is said of the sources."""
    found: Any = sources_amiss(given.found)
    return {name: source_lines(one) for name, one in found.items()}


def test_sources_that_are_well_are_not_listed(given: Ingesting) -> None:
    assert amiss(given) == {}


def test_a_silence_is_listed_until_a_newer_row_comes(given: Ingesting, tmp_path: Path) -> None:
    look(given, "warn")
    assert amiss(given) == {
        "planes": [
            "silent: its newest row is of 2013-01-01T00:00:00Z, and it asks for the newest row at most 7d old"
        ]
    }
    upload(given, tmp_path, "N2,1999,100,2013-01-14")
    assert amiss(given) == {}


def test_a_silence_that_blocks_training_says_so_until_somebody_accepts_it(given: Ingesting) -> None:
    look(given, "refuse")
    [line] = amiss(given)["planes"]
    assert line.startswith("silent, which blocks training: its newest row is of 2013-01-01T00:00:00Z")
    done = given.call("data", "unblock", "planes", "--json")
    said = json.loads(done.stdout)
    assert (said["lifted"], said["silence"]["newest"]) == (None, "2013-01-01T00:00:00Z")
    [line] = amiss(given)["planes"]
    assert line.startswith("silent: its newest row")
    again = given.call("data", "unblock", "planes")
    assert "`planes` is not blocked" in again.stderr


def test_a_source_that_is_blocked_and_silent_has_a_line_for_each_and_one_command_for_both(
    given: Ingesting, tmp_path: Path
) -> None:
    upload(given, tmp_path, "N2,1999,-1,2013-01-14")
    look(given, "refuse")
    blocked, silent = amiss(given)["planes"]
    assert (
        blocked == "blocks training since 2013-01-01T00:00:00Z: its checks refused N2,1999,-1,2013-01-14.csv"
    )
    assert "silent" in silent
    done = given.call("data", "unblock", "planes")
    assert done.stdout.splitlines() == [
        "planes is no longer blocked for uploads/flights/planes/N2,1999,-1,2013-01-14.csv",
        "planes is no longer blocked for its silence since 2013-01-01T00:00:00Z",
    ]
    assert [len(lines) for lines in amiss(given).values()] == [1]
