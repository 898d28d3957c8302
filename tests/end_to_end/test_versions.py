"""Versions of the data, by the command and from a notebook, against the running system."""

from functools import partial
from pathlib import Path

import pandas as pd
import pytest

import tidemill
from cli.demo.flights_data import FlightsData
from cli.demo.system import LocalSystem
from tests.end_to_end.test_commands import call, read
from tests.end_to_end.test_features import begin_readers_anew, features_of
from tidemill.client.deployment import wait_for
from tidemill.client.endpoint import LocalCloud

pytestmark = pytest.mark.end_to_end


def test_any_two_versions_are_compared_by_files_rows_and_columns(
    cloud: LocalCloud, system: LocalSystem
) -> None:
    del system
    log = read(cloud, "data", "log", "flights")["commits"]
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
    oldest = str(read(cloud, "data", "log", "flights")["commits"][-1]["snapshot_id"])
    read(cloud, "data", "tag", "flights", "first-week", oldest)
    shown = read(cloud, "data", "show", "flights", "first-week")
    assert (shown["snapshot_id"], shown["rows_in_all"], shown["tags"]) == (oldest, 4_827, ["first-week"])
    file = tmp_path / "week.parquet"
    assert read(cloud, "data", "export", "flights", str(file), "first-week")["rows"] == 4_827
    assert len(pd.read_parquet(file)) == 4_827


def test_an_upload_can_be_taken_back_and_made_again(
    cloud: LocalCloud, system: LocalSystem, planes: pd.DataFrame, tmp_path: Path
) -> None:
    """Its file is no duplicate then; taken back once more, tables and features are as they were."""
    before = read(cloud, "data", "show", "planes")
    known = str(system.deployment.tables.rows("planes", columns=["tailnum"])["tailnum"][0])
    as_before = features_of(cloud, f"tailnum={known}")
    file = tmp_path / "back.csv"
    planes.assign(tailnum=planes["tailnum"] + "-back").to_csv(file, index=False)
    for _ in range(2):
        [outcome] = read(cloud, "upload", "planes", str(file))
        assert outcome["status"] == "committed"
        assert len(system.deployment.tables.rows("planes")) == before["rows_in_all"] + len(planes)
        wait_for(lambda: seats_of(system, "T2TEST-back"), what="the new plane's seats", seconds=60)
        gone = read(cloud, "data", "rollback", "planes", before["snapshot_id"])
        assert [commit["upload"]["key"] for commit in gone["taken_back"]] == [
            "uploads/flights/planes/back.csv"
        ]
        [(view, execution)] = gone["views_filled_anew"].items()
        assert view.partition("@")[0] == "plane"
        wait_for(partial(filled, system, execution), what="the view's filling", seconds=120)
        begin_readers_anew(system)
        assert seats_of(system, "T2TEST-back") is None
        listed = {one["view"]: one["commits_behind"] for one in read(cloud, "features", "list")}
        assert listed["plane"] == 0
        assert features_of(cloud, f"tailnum={known}") == as_before
    assert len(system.deployment.tables.rows("planes")) == before["rows_in_all"]


def filled(system: LocalSystem, execution: str) -> bool | None:
    """Tell whether a backfill has succeeded, None as long as it runs."""
    machine = system.deployment.outputs["BackfillStateMachine"]
    status = system.deployment.execution_status(
        f"{machine.replace(':stateMachine:', ':execution:')}:{execution}"
    )
    assert status in {"RUNNING", "SUCCEEDED"}
    return status == "SUCCEEDED" or None


def seats_of(system: LocalSystem, tailnum: str) -> float | None:
    """Return the seats that the online store knows of a plane."""
    answer = system.deployment.api.call("GET", f"/features/plane?key={tailnum}")
    seats: float | None = answer["features"]["seats"]
    return seats


def test_a_model_comes_into_service_when_its_features_are_there(
    cloud: LocalCloud, system: LocalSystem
) -> None:
    """A version of long ago may need views that were let go of; here as if nobody had needed them."""
    in_service = read(cloud, "models", "show", system.model)["aliases"]["champion"]
    [version] = [one["version"] for one in read(cloud, "features", "list") if one["view"] == "plane"]
    outputs, dynamodb = system.deployment.outputs, system.deployment.endpoint.client("dynamodb")
    dynamodb.put_item(
        TableName=outputs["FeaturesTable"],
        Item={
            "key": {"S": f"plane@{version}"},
            "value": {"B": b'{"generation": 9, "let_go": true}'},
            "sequence": {"N": "99"},
        },
    )
    known = str(system.deployment.tables.rows("planes", columns=["tailnum"])["tailnum"][0])
    begin_readers_anew(system)
    assert f"`plane@{version}` has no features" in call(cloud, "features", "get", f"tailnum={known}").stderr
    promoted = read(cloud, "models", "promote", f"{system.model}@{in_service}")
    assert promoted["views_filled"] == [f"plane@{version}"]
    assert read(cloud, "models", "promote", f"{system.model}@{in_service}")["views_filled"] == []
    begin_readers_anew(system)
    assert features_of(cloud, f"tailnum={known}")["plane"]["seats"] is not None


def test_a_tag_is_taken_away(cloud: LocalCloud, system: LocalSystem) -> None:
    del system
    read(cloud, "data", "tag", "flights", "for-a-while")
    read(cloud, "data", "untag", "flights", "for-a-while")
    assert "for-a-while" not in read(cloud, "data", "log", "flights")["commits"][0]["tags"]
    wrong = call(cloud, "data", "untag", "flights", "for-a-while")
    assert wrong.returncode == 1
    assert "has no tag `for-a-while`" in wrong.stderr


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
