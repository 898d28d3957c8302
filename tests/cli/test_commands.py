"""Commands refuse what they can not do before they ask any cloud, and say how it is done."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.commands.predict import read_rows
from cli.commands.train import flat, parse_setting
from cli.context import App
from cli.errors import CommandError
from cli.main import main
from tests.cli.given import Given
from tidemill.client.deployment import digest_file, wait_for
from tidemill.errors import Unavailable


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["runs", "--help"], ["models", "--help"], ["data", "--help"], ["demo", "--help"]],
)
def test_help_is_there_without_a_cloud(arguments: list[str], tmp_path: Path) -> None:
    """Nobody needs a deployment to read what a command does."""
    result = CliRunner().invoke(main, arguments, obj=App(tmp_path))
    assert result.exit_code == 0
    assert "Usage" in result.output


@pytest.mark.parametrize("group", [[], ["data"], ["features"], ["models"], ["runs"]])
def test_what_a_command_does_is_said_whole_in_the_list_of_commands(group: list[str], tmp_path: Path) -> None:
    """On a terminal of 80 columns no line of the list ends in the middle of a sentence."""
    result = CliRunner().invoke(main, [*group, "--help"], obj=App(tmp_path), terminal_width=80)
    listed = result.output.partition("Commands:")[2].strip().splitlines()
    assert len(listed) > 2
    assert [line for line in listed if not line.endswith(".")] == []
    assert [line for line in listed if line.endswith("...")] == []


def test_a_command_without_any_cloud_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, an exit code, and the next step."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:9")
    result = CliRunner().invoke(main, ["status"], obj=App(tmp_path))
    assert result.exit_code == 1
    assert "tidemill up" in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_a_misspelt_command_of_a_group_is_named_with_the_nearest(tmp_path: Path) -> None:
    """`features` lists without a name, so a word behind it can only be a command."""
    result = CliRunner().invoke(main, ["features", "lst"], obj=App(tmp_path))
    assert result.exit_code == 2
    assert "No such command 'lst'. Did you mean 'list'?" in result.output


def test_an_option_alone_is_the_listings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`features --json` lists, and so does `runs MODEL`."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:9")
    for arguments in (["features", "--json"], ["runs", "late_arrival"], ["models"]):
        result = CliRunner().invoke(main, arguments, obj=App(tmp_path))
        assert result.exit_code == 1, result.output
        assert "nothing answers" in result.output


@pytest.mark.parametrize("name", ["latest", "17", "2013-03", "2013-03-01"])
def test_a_tag_may_not_mean_a_version_already(name: str, tmp_path: Path) -> None:
    """`data diff flights 2013-03` would never find the tag, or never the month."""
    result = CliRunner().invoke(main, ["data", "tag", "flights", name], obj=App(tmp_path))
    assert result.exit_code == 1
    assert f"`{name}` means a version already" in result.output


def test_an_export_to_no_folder_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    """The rows of a year are not read for a misspelt path."""
    file = tmp_path / "nowhere" / "rows.csv"
    result = CliRunner().invoke(main, ["data", "export", "flights", str(file)], obj=App(tmp_path))
    assert result.exit_code == 1
    assert f"there is no folder {file.parent} to write rows.csv to" in result.output


def test_rows_are_read_from_an_argument_an_array_or_lines(tmp_path: Path) -> None:
    """The three ways to write rows mean the same."""
    array, lines = tmp_path / "rows.json", tmp_path / "rows.jsonl"
    array.write_text('[{"a": 1}, {"a": 2}]')
    lines.write_text('{"a": 1}\n{"a": 2}\n')
    assert read_rows(None, array) == read_rows(None, lines) == [{"a": 1}, {"a": 2}]
    assert read_rows('{"a": 1}', None) == [{"a": 1}]


@pytest.mark.parametrize("row", ["{", "3", "[3]", '"x"'])
def test_rows_that_are_no_objects_are_refused(row: str) -> None:
    """The message says what to write."""
    with pytest.raises(CommandError, match="--row"):
        read_rows(row, None)


def test_no_rows_and_rows_twice_are_refused(tmp_path: Path) -> None:
    """It must be clear which rows are meant."""
    for row, file in ((None, None), ("{}", tmp_path)):
        with pytest.raises(CommandError, match="either"):
            read_rows(row, file)


def test_a_setting_without_a_value_is_refused() -> None:
    """`--set max_iter` says nothing."""
    with pytest.raises(CommandError, match="max_iter"):
        parse_setting("max_iter")


def test_nested_data_is_flattened_for_comparison() -> None:
    """Two runs are compared name by name."""
    assert flat(json.loads('{"a": {"b": [1, {"c": null}]}}')) == {"a.b.0": 1, "a.b.1.c": None}


def test_waiting_ends_with_what_was_waited_for() -> None:
    """What never comes is named, with where to look."""
    assert wait_for(lambda: 5, what="it", seconds=1) == 5
    with pytest.raises(Unavailable, match="the report did not come"):
        wait_for(lambda: None, what="the report", seconds=0.0)


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    """Reports are found by it."""
    file = tmp_path / "x"
    file.write_bytes(b"")
    assert digest_file(file).startswith("e3b0c442")


def test_a_source_is_proposed_from_a_file_without_any_cloud(tmp_path: Path) -> None:
    """What is printed is a module, ready for the project."""
    file = tmp_path / "Rides 2013.csv"
    file.write_text("id;ended_at\n1;2013-01-01\n2;2013-01-02\n")
    result = CliRunner().invoke(main, ["data", "infer", str(file), "--delimiter", ";"], obj=App(tmp_path))
    assert result.exit_code == 0
    assert 'rides_2013 = Source(\n    "rides_2013",' in result.output
    assert 'key=["id"]' in result.output


def test_a_tab_can_be_typed_as_a_delimiter(tmp_path: Path) -> None:
    """The message that asks for it writes it so."""
    file = tmp_path / "rides.csv"
    file.write_text("id\tended_at\n1\t2013-01-01\n2\t2013-01-02\n")
    refused = CliRunner().invoke(main, ["data", "infer", str(file), "--delimiter", ","], obj=App(tmp_path))
    assert r"say so with `--delimiter '\t'`" in refused.output
    result = CliRunner().invoke(main, ["data", "infer", str(file), "--delimiter", r"\t"], obj=App(tmp_path))
    assert r'csv=Csv(delimiter="\t")' in result.output
    found_out = CliRunner().invoke(main, ["data", "infer", str(file)], obj=App(tmp_path))
    assert found_out.output == result.output


def test_a_file_that_tells_nothing_is_refused_in_one_line(tmp_path: Path) -> None:
    """The reason is the library's own."""
    file = tmp_path / "empty.csv"
    file.write_text("")
    result = CliRunner().invoke(main, ["data", "infer", str(file)], obj=App(tmp_path))
    assert result.exit_code == 1
    assert "empty.csv is empty" in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "late_arival"),
        ("runs", "late_arival"),
        ("models", "show", "late_arival@1"),
        ("monitor", "late_arival"),
    ],
)
def test_a_model_that_is_not_there_is_answered_with_the_nearest(arguments: tuple[str, ...]) -> None:
    """A misspelt model is not one without runs, versions or reports."""
    result = Given().call(*arguments)
    assert result.exit_code == 1
    assert "project `flights` has no model `late_arival`; did you mean `late_arrival`?" in result.stderr


def test_a_model_without_runs_has_an_empty_list() -> None:
    assert json.loads(Given().call("runs", "late_arrival", "--json").stdout) == []
