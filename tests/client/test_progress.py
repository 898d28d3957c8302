"""Whoever waits at a terminal or in a notebook sees how far it is; a script sees nothing."""

import io
import sys
from typing import Any

import pytest

from tests.client.test_workbench import asked_at, bench, deployed
from tidemill.client.workbench import Tidemill

__all__ = ["bench", "deployed"]


class Terminal(io.StringIO):
    """A screen."""

    def isatty(self) -> bool:
        return True


class ZMQInteractiveShell:
    """What IPython's shell is called in a notebook."""


def in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Go on as in a notebook, and return what will be written below its cell."""
    shell, cell = ZMQInteractiveShell(), io.StringIO()
    monkeypatch.setattr("builtins.get_ipython", lambda: shell, raising=False)
    monkeypatch.setattr(sys, "stderr", cell)
    return cell


def test_a_terminal_has_bars(bench: Tidemill, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    bench.dataset("trips").to_arrow()
    assert "reading trips" in screen.getvalue()
    assert "3/3" in screen.getvalue()
    assert "6 of 6 rows" in screen.getvalue()


def test_a_notebook_has_a_line_that_is_written_over_without_any_widgets(
    bench: Tidemill, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = in_a_notebook(monkeypatch)
    bench.features(asked_at(3, 4), ["city_trips"])
    reading, joining, after = cell.getvalue().split("\n")
    assert after == ""
    steps = reading.split("\r")[1:]
    assert [step.split()[3] for step in steps] == ["0/3", "1/3", "2/3", "3/3"]
    assert [step.count("█") for step in steps] == [0, 10, 20, 30]
    assert "joining city_trips" in joining
    assert joining.split("\r")[-1].endswith("1/1  2 rows")


def test_a_notebook_whose_call_fails_goes_on_with_a_new_line(
    bench: Tidemill, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(type(bench.deployment.tables)):  # type: ignore[misc]  # whichever tables there are
        def parts(self, *args: Any, **options: Any) -> Any:
            parts = super().parts(*args, **options)
            return parts._replace(tables=(each.select(["nothing"]) for each in parts.tables))

    cell = in_a_notebook(monkeypatch)
    bench.deployment.tables.__class__ = Failing
    with pytest.raises(KeyError):
        bench.dataset("trips").to_arrow()
    assert cell.getvalue().endswith("0/3\n")


def test_a_script_is_told_nothing(bench: Tidemill, monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    bench.features(asked_at(3, 4), ["city_trips"])
    assert log.getvalue() == ""
