"""The command prints a table for people or one object for programs, and keeps it when told to."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.command import main
from bench.outcome import Outcome
from bench.trial import Figure, Trial, run


def trials() -> Iterator[Trial]:
    yield Trial(
        (Figure("a lookup", "ms", at_most=5.0),), lambda: [6.0], lambda: [24.0], "Peer", note="By hand."
    )


def test_people_get_a_table_that_shows_what_misses_its_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("lookups", trials, arguments=[]) == 0
    rule = "| -------- | ---: | ---: | ----: | ---: | --: | ----: |"
    row = "| a lookup |    6 |   24 | 0.25x |   ms | ≤ 5 |    NO |"
    printed = capsys.readouterr().out
    assert rule in printed
    assert row in printed
    assert "a lookup: By hand." in printed


def test_programs_get_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    main("lookups", trials, packages=("boto3",), peers={"Peer": "1.0"}, arguments=["--json", "--rounds", "1"])
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"machine", "versions", "results"}
    assert set(printed["versions"]) == {"python", "boto3", "Peer"}
    assert printed["results"] == [
        {
            "name": "a lookup",
            "ours": 6.0,
            "peer": 24.0,
            "peer_name": "Peer",
            "ratio": 0.25,
            "unit": "ms",
            "bar": 5.0,
            "holds": False,
            "note": "By hand.",
        }
    ]


def test_what_is_kept_is_read_back_the_same(tmp_path: Path) -> None:
    results = [result for trial in trials() for result in run(trial)]
    outcome = Outcome("lookups", {"cores": 2}, {"python": "3.11.7"}, results)
    assert Outcome.load(outcome.save(tmp_path)) == outcome


def test_a_rehearsal_is_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main("lookups", trials, arguments=["--save", "--rounds", "1"])
    assert "fewer than 5 rounds are a rehearsal" in capsys.readouterr().err
