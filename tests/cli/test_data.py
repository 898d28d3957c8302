"""`tidemill data` says what there is, also where there is nothing yet."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from projects.flights import project
from tests.cli.given import Given
from tidemill.datasets.arrow import arrow_schema, from_columns
from tidemill.expressions import Float, String, Timestamp, column


def with_planes(seats: Sequence[float]) -> Given:
    """Return a deployment with one commit of aircraft, which no upload brought."""
    given = Given()
    source = project.source("planes")
    rows = {
        "tailnum": column(String, [f"N{number}" for number, _ in enumerate(seats)]),
        "built_year": column(Float, [1999.0 for _ in seats]),
        "seats": column(Float, seats),
        "listed_at": column(Timestamp, [datetime(2013, 1, 1, tzinfo=UTC) for _ in seats]),
    }
    given.found.tables.ensure("planes", arrow_schema(source.schema))
    given.found.tables.append("planes", iter(from_columns(rows).to_batches()), {}, ids=["a"])
    return given


def test_the_log_of_a_source_without_data_is_empty() -> None:
    """It is no error: a script counts nothing, a person reads so."""
    assert json.loads(Given().call("data", "log", "planes", "--json").stdout) == {
        "source": "planes",
        "commits": [],
        "refused": [],
    }
    assert "planes: 0 commits" in Given().call("data", "log", "planes").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "planes"),
        ("diff", "planes", "latest"),
        ("tag", "planes", "first"),
        ("rollback", "planes", "latest"),
        ("export", "planes", "planes.csv"),
    ],
)
def test_a_version_of_a_source_without_data_is_refused_with_how_to_bring_some(
    arguments: tuple[str, ...],
) -> None:
    """The name is right, so what is missing is an upload."""
    result = Given().call("data", *arguments)
    assert result.exit_code == 1
    assert "`tidemill upload planes FILE` makes the first commit" in result.stderr


@pytest.mark.parametrize("command", ["log", "show", "unblock"])
def test_a_wrong_source_is_answered_with_the_nearest(command: str) -> None:
    """It is not called empty, nor free of a block."""
    result = Given().call("data", command, "plains")
    assert result.exit_code == 1
    assert "project `flights` has no source `plains`; did you mean `planes`?" in result.stderr


def test_snapshots_are_text_in_every_answer() -> None:
    """A snapshot id has more digits than a number of JavaScript, or of jq."""
    given = with_planes([55.0])
    [logged] = json.loads(given.call("data", "log", "planes", "--json").stdout)["commits"]
    shown = json.loads(given.call("data", "show", "planes", "--json").stdout)
    tagged = json.loads(given.call("data", "tag", "planes", "first", "--json").stdout)
    assert {type(each["snapshot_id"]) for each in (logged, shown, tagged)} == {str}
    assert logged["snapshot_id"] == shown["snapshot_id"] == tagged["snapshot_id"]


def test_a_type_is_shown_whole() -> None:
    """Its brackets are part of it."""
    assert "timestamp[us, tz=UTC]" in with_planes([55.0]).call("data", "show", "planes").stdout
