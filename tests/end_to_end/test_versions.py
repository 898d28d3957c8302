"""Versions of the data, by the command and from a notebook, against the running system."""

from pathlib import Path

import pandas as pd
import pytest

import tidemill
from cli.demo.flights_data import FlightsData
from cli.demo.system import LocalSystem
from tests.end_to_end.test_commands import call, read
from tidemill.client.endpoint import LocalCloud

pytestmark = pytest.mark.end_to_end


def test_any_two_versions_are_compared_by_files_rows_and_columns(
    cloud: LocalCloud, system: LocalSystem
) -> None:
    del system
    log = read(cloud, "data", "log", "flights")
    oldest, newest = (str(log[at]["snapshot_id"]) for at in (-1, 0))
    found = read(cloud, "data", "diff", "flights", oldest, newest)
    assert len(found["commits"]["added"]) == len(log) - 1
    assert found["rows"]["before"] == 4_827
    assert found["rows"]["after"] == sum(commit["rows"] for commit in log)
    delays = next(column for column in found["columns"] if column["column"] == "arr_delay")
    assert delays["before"]["mean"] != delays["after"]["mean"]
    assert delays["shift"] > 0
    assert "arr_delay" in call(cloud, "data", "diff", "flights", oldest, newest).stdout


def test_a_tagged_version_is_shown_and_exported(
    cloud: LocalCloud, system: LocalSystem, tmp_path: Path
) -> None:
    del system
    oldest = str(read(cloud, "data", "log", "flights")[-1]["snapshot_id"])
    read(cloud, "data", "tag", "flights", "first-week", oldest)
    shown = read(cloud, "data", "show", "flights", "first-week")
    assert (shown["snapshot_id"], shown["rows_in_all"], shown["tags"]) == (oldest, 4_827, ["first-week"])
    file = tmp_path / "week.parquet"
    assert read(cloud, "data", "export", "flights", str(file), "first-week")["rows"] == 4_827
    assert len(pd.read_parquet(file)) == 4_827


def test_an_upload_can_be_taken_back_and_made_again(
    cloud: LocalCloud, system: LocalSystem, planes: pd.DataFrame, tmp_path: Path
) -> None:
    """Its file is no duplicate then; taken back once more, the table is as it was."""
    before = read(cloud, "data", "show", "planes")
    file = tmp_path / "back.csv"
    planes.assign(tailnum=planes["tailnum"] + "-back").to_csv(file, index=False)
    for _ in range(2):
        [outcome] = read(cloud, "upload", "planes", str(file))
        assert outcome["status"] == "committed"
        assert len(system.deployment.tables.rows("planes")) == before["rows_in_all"] + len(planes)
        gone = read(cloud, "data", "rollback", "planes", before["snapshot_id"])
        assert [commit["upload"]["key"] for commit in gone["taken_back"]] == [
            "uploads/flights/planes/back.csv"
        ]
    assert len(system.deployment.tables.rows("planes")) == before["rows_in_all"]


def test_a_notebook_joins_the_features_the_model_was_trained_on(
    cloud: LocalCloud, system: LocalSystem
) -> None:
    """The same kernel over the same rows gives the same bits."""
    t = tidemill.connect(cloud.endpoint)
    trained = t.training_set("late_arrival@1")
    rows = trained.to_pandas().sample(500, random_state=0)
    views = [view.name for view in t.project.model(system.model).views]
    asked = rows[["@key", "@time", "origin", "dest", "carrier", "tailnum"]]
    joined = t.features(asked, views, time="@time")
    names = [name for name in joined.columns if name not in asked.columns and name in rows.columns]
    assert len(names) > 10
    pd.testing.assert_frame_equal(joined[names], rows[names], check_exact=True)


def test_a_notebook_reads_a_version_and_asks_the_model(
    cloud: LocalCloud, system: LocalSystem, data: FlightsData
) -> None:
    t = tidemill.connect(cloud.endpoint)
    week = t.dataset("flights", at=str(system.deployment.tables.commits("flights")[0].snapshot_id))
    assert len(week.to_pandas()) == 4_827
    on_day = data.flights["scheduled_at"].dt.strftime("%Y-%m-%d") == "2013-03-01"
    answer = t.predict("late_arrival", data.flights[on_day].head(3), version=1)
    assert answer["probability"].between(0, 1).all()
    assert len(answer) == 3
