"""Rows without files, and data that fail their checks, in the deployed system."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cli.demo.system import LocalSystem
from tests.end_to_end.test_bad_uploads import counts, csv
from tests.end_to_end.test_commands import call, read
from tidemill.client.endpoint import LocalCloud
from tidemill.datasets.blocking import blocking_refusal

pytestmark = pytest.mark.end_to_end


def post(system: LocalSystem, request_id: str, rows: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    """Add rows to `planes` by the deployed API."""
    body = json.dumps({"request_id": request_id, "rows": rows}).encode()
    status, answer = system.deployment.api.send("POST", "/sources/planes/rows", body)
    return status, json.loads(answer)


def test_requests_are_gathered_into_one_commit_however_often_they_are_sent(system: LocalSystem) -> None:
    """Two requests, one of them sent twice, are three rows of one file or two."""
    before = counts(system)
    rows = [{"tailnum": f"API{n}", "seats": 10 + n, "listed_at": "2013-01-01"} for n in range(3)]
    assert post(system, "first", rows[:2])[0] == 202
    assert post(system, "second", rows[2:])[0] == 202
    assert post(system, "first", rows[:2])[0] == 202
    system.control.settle()
    assert counts(system)[1] == before[1] + 3
    assert set(system.dead_letters().values()) == {0}


def test_wrong_rows_are_answered_with_every_fault(system: LocalSystem) -> None:
    """Nothing of the request is added."""
    before = counts(system)
    status, answer = post(system, "wrong", [{"tailnum": "X", "seats": "many"}, {"seats": -1}])
    system.control.settle()
    assert status == 400
    assert {error["field"] for error in answer["errors"]} == {
        "rows[0].seats",
        "rows[0].listed_at",
        "rows[1].tailnum",
        "rows[1].listed_at",
    }
    assert counts(system) == before


def test_an_upload_that_its_checks_refuse_blocks_its_source_until_somebody_lifts_it(
    system: LocalSystem, cloud: LocalCloud, planes: pd.DataFrame, tmp_path: Path
) -> None:
    """The report names every check, and training ends with them; the command lifts the block."""
    file = tmp_path / "seatless.csv"
    file.write_bytes(csv(planes.assign(seats=-1)))
    [report] = system.upload("planes", file)
    assert report is not None
    assert report["status"] == "refused"
    assert any(check["rows_failed"] == len(planes) for check in report["checks"])
    assert blocking_refusal(system.deployment.documents, "planes") is not None
    trained = call(cloud, "train", system.model)
    assert trained.returncode == 1
    told = trained.stderr.splitlines()[-1]
    for words in ("pin_dataset", "`planes`", "seatless.csv", '(col("seats") > 0) is false', "unblock planes"):
        assert words in told, told
    assert re.search(r"`tidemill data log planes` names its report; see `tidemill runs show \S+`$", told)
    assert read(cloud, "status")["sources"]["planes"]["blocked"]["upload"]["key"].endswith("seatless.csv")
    [refused] = [
        one for one in read(cloud, "data", "log", "planes")["refused"] if "seatless" in one["upload"]["key"]
    ]
    assert refused["report_key"] in call(cloud, "data", "log", "planes").stdout
    assert read(cloud, "data", "unblock", "planes")["source"] == "planes"
    assert blocking_refusal(system.deployment.documents, "planes") is None
    assert "is not blocked" in call(cloud, "data", "unblock", "planes").stderr
