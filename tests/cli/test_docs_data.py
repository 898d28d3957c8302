"""What the guide to data shows of commands is what they print of the very files."""

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from cli.context import CHECKOUT
from cli.demo.flights_data import FlightsData, prepare
from tests.cli.ingesting import Ingesting

# A command that the guide shows, and what it prints.
SHOWN = re.compile(r"```console\n\$ tidemill ([^\n]*)\n(.*?)```", re.DOTALL)
GUIDE = (CHECKOUT / "docs" / "data.md").read_text()


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> FlightsData:
    """Return the year of flights that the demo replays."""
    return prepare(tmp_path_factory.mktemp("flights"))


def spoiled(week: Path) -> str:
    """Return a week as CSV that went through a spreadsheet with other customs, and an airport too many."""
    rows = pd.read_parquet(week)
    for time in ("scheduled_at", "landed_at"):
        rows[time] = rows[time].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    cells = rows.astype(object).where(rows.notna(), "")
    number = pd.Series(range(len(cells)))
    cells.loc[number % 500 == 7, "dep_delay"] = "late"
    cells.loc[number % 2000 == 11, "landed_at"] = "03.03.2013 14:05"
    wet = cells["precip"].map(lambda inches: inches != "" and inches > 0)
    cells.loc[wet, "precip"] = cells.loc[wet, "precip"].map(lambda inches: str(inches).replace(".", ","))
    cells.loc[number % 10 == 3, "origin"] = "HPN"
    cells.loc[number % 3000 == 5, "air_time"] = -1
    return str(cells.to_csv(index=False))


@pytest.fixture(scope="module")
def folder(flights: FlightsData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files that the guide names."""
    made = tmp_path_factory.mktemp("files")
    (made / "planes.parquet").write_bytes(flights.planes.read_bytes())
    [week] = [each.path for each in flights.weeks if f"{each.arrives_at:%Y-%m-%d}" == "2013-03-04"]
    (made / "2013-03-04.csv").write_text(spoiled(week))
    return made


@pytest.fixture(scope="module")
def given(flights: FlightsData, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Ingesting:
    """Return a deployment with January's and February's weeks, and after them the file that is refused."""
    made = Ingesting(tmp_path_factory.mktemp("state"))
    for week in flights.weeks:
        if week.arrives_at < pd.Timestamp("2013-03-01", tz="UTC"):
            made.found.now = week.arrives_at.to_pydatetime()
            assert made.call("upload", "flights", str(week.path)).exit_code == 0
    made.found.now = datetime(2013, 3, 4, tzinfo=UTC)
    assert made.call("upload", "flights", str(folder / "2013-03-04.csv")).exit_code == 1
    return made


@pytest.mark.parametrize(("command", "printed"), SHOWN.findall(GUIDE))
def test_the_guide_shows_what_the_command_prints(
    given: Ingesting, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str, printed: str
) -> None:
    monkeypatch.chdir(folder)
    result = given.call(*shlex.split(command))
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    lines = [line.rstrip() for line in [*result.stdout.splitlines(), *errors]]
    told = re.sub(r"file://\S*/", "file:///…/", "\n".join(lines))
    assert told == printed.rstrip()


def test_the_guide_shows_the_commands_that_people_ask_for() -> None:
    """A pattern that no longer finds any would prove nothing."""
    assert [command.split()[:2] for command, _ in SHOWN.findall(GUIDE)] == [
        ["data", "infer"],
        ["upload", "flights"],
        ["data", "log"],
        ["data", "diff"],
    ]
