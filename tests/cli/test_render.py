"""People read tables, scripts read JSON, and a pipe sees no colour."""

import json
import sys

import pytest
from rich.console import Console

from cli.render import facts, show, steps, table


def test_scripts_get_json_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    """The whole of standard output parses."""
    show({"rows": 3}, "for people", as_json=True)
    assert json.loads(capsys.readouterr().out) == {"rows": 3}


def test_people_get_tables_without_colour_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not a terminal gets no escape codes, and long cells are not cut."""
    show({}, table(["name", "rows"], [["x" * 100, 12345]]), facts({"a": None}), as_json=False)
    out = capsys.readouterr().out
    assert "x" * 100 in out
    assert "12,345" in out
    assert "\x1b" not in out


def test_progress_is_plain_lines_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """A log shows a start, some tenths and the end, on standard error."""
    with steps() as progress:
        progress.start("counting", 40)
        for _ in range(40):
            progress.step()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[0] == "counting …"
    assert captured.err.splitlines()[-1] == "counting: 40/40"
    assert len(captured.err.splitlines()) == 11


def test_what_looks_like_markup_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A type, a row's path and a value from a file are data, whatever brackets and colons they hold."""
    texts = ["timestamp[us, tz=UTC]", "rows[3].seats", "[/closing]", ":airplane:"]
    show({}, table(texts, [texts], title="[a title]"), facts({"[name]": texts[0]}), *texts, as_json=False)
    out = capsys.readouterr().out
    assert all(out.count(text) >= 3 for text in texts)
    assert "[a title]" in out
    assert "[name]" in out


def test_a_name_is_never_broken_however_narrow_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words wrap at spaces; what would have to be broken makes the line longer than the terminal."""
    monkeypatch.setattr("cli.render.console", lambda: Console(file=sys.stdout, width=40))
    names, sentence = ["carrier_at_origin_delays", "2820829330211987031"], "what became of it in the end"
    show({}, table(["view", "snapshot", "and"], [[*names, sentence]]), "a text " * 9, as_json=False)
    out = capsys.readouterr().out
    assert all(name in out for name in names)
    assert sentence not in out
    assert max(len(line) for line in out.splitlines() if "text" in line) <= 40
