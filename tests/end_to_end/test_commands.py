"""The commands against a running system, as a script would use them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cli.context import CHECKOUT
from cli.demo.flights_data import FlightsData
from cli.demo.sample import request_rows
from cli.demo.system import LocalSystem
from tidemill.client.endpoint import LocalCloud

pytestmark = pytest.mark.end_to_end


def call(cloud: LocalCloud, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `tidemill` as a process of its own that is told the endpoint and nothing else."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        env={**environment, "AWS_ENDPOINT_URL": cloud.endpoint},
        capture_output=True,
        text=True,
        check=False,
    )


def read(cloud: LocalCloud, *arguments: str) -> Any:
    """Run `tidemill … --json` and read what it prints."""
    done = call(cloud, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_status_lists_endpoints_resources_and_what_waits(cloud: LocalCloud, system: LocalSystem) -> None:
    """A script can drive everything from here."""
    status = read(cloud, "status")
    assert status["endpoints"] == {
        "aws": cloud.endpoint,
        "api": system.deployment.outputs["ApiEndpoint"],
        "tracking": None,
    }
    assert status["resources"]["data_bucket"] == system.deployment.outputs["DataBucket"]
    assert set(status["functions"]) == {path.parent.name for path in CHECKOUT.glob("functions/*/handler.py")}
    assert set(status["waiting"]) == {"rows", "ingest", "materialize", "predictions", "decisions"}
    assert status["failed"]["dead_letters"] == dict.fromkeys([*status["waiting"], "monitor", "upkeep"], 0)
    assert set(status["stacks"].values()) <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def test_an_upload_prints_its_rows_or_its_refusal(
    cloud: LocalCloud, system: LocalSystem, planes: pd.DataFrame, tmp_path: Path
) -> None:
    """A good file counts its rows; a bad one makes the command fail with the reason."""
    del system
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    planes.assign(tailnum=planes["tailnum"] + "-cli").to_csv(good, index=False)
    bad.write_text("tailnum,seats\nX,1\n")
    [outcome] = read(cloud, "upload", "planes", str(good))
    assert (outcome["status"], outcome["rows"], outcome["quarantined"]) == ("committed", 3, 0)
    assert not outcome["duplicate"]
    assert read(cloud, "upload", "planes", str(good)) == [{**outcome, "duplicate": True}]
    refused = call(cloud, "upload", "planes", str(bad))
    assert refused.returncode == 1
    assert "built_year" in refused.stderr


def test_the_data_log_names_each_upload(cloud: LocalCloud, system: LocalSystem) -> None:
    """A commit says which file it came from, with rows and digest."""
    log = read(cloud, "data", "log", "flights")["commits"]
    assert len(log) == len(system.deployment.tables.commits("flights"))
    oldest = log[-1]
    assert oldest["upload"]["key"] == "uploads/flights/flights/arrives-2013-01-07.parquet"
    assert oldest["rows"] == 4_827
    assert len(oldest["upload"]["digest"]) == 64


def test_runs_and_models_are_listed_and_shown(cloud: LocalCloud, system: LocalSystem) -> None:
    """What was trained, why, and what is in service."""
    del system
    runs = read(cloud, "runs", "late_arrival")
    first = runs[-1]
    assert first["reason"] == {"kind": "first", "detail": "the first model"}
    assert read(cloud, "runs", "show", first["run_id"])["version"] == 1
    assert read(cloud, "models")[0]["model"] == "late_arrival"
    shown = read(cloud, "models", "show", "late_arrival@1")
    assert shown["passed"]
    assert "late_arrival" in call(cloud, "models", "show", "late_arrival").stdout


def test_a_prediction_is_one_command(cloud: LocalCloud, system: LocalSystem, data: FlightsData) -> None:
    """The row goes in as JSON, the probability comes out."""
    on_day = data.flights["scheduled_at"].dt.strftime("%Y-%m-%d") == "2013-03-01"
    [row] = request_rows(data.flights[on_day].head(1), system.columns)
    answer = read(cloud, "predict", "late_arrival", "--row", json.dumps(row), "--version", "1")
    assert answer["version"] == 1
    wrong = call(cloud, "predict", "late_arrival", "--row", json.dumps({**row, "orgin": "JFK"}))
    assert wrong.returncode == 1
    assert "orgin" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("runs", "show", "nobody"), "nobody"),
        (("models", "show", "late_arrival@77"), "77"),
        (("models", "promote", "late_arrival@77"), "77"),
        (("data", "log", "plains"), "did you mean `planes`"),
        (("data", "unblock", "plains"), "did you mean `planes`"),
        (("features", "show", "plan"), "did you mean `plane`"),
        (("upload", "planes", "/nowhere.csv"), "/nowhere.csv"),
    ],
)
def test_what_is_not_there_is_named(
    cloud: LocalCloud, system: LocalSystem, arguments: tuple[str, ...], says: str
) -> None:
    """A wrong name ends with a line that repeats it, and an exit code."""
    del system
    done = call(cloud, *arguments)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr
