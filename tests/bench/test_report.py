"""The published pages show what the last runs found, nothing older and nothing by hand."""

from pathlib import Path

import pytest

from bench.outcome import Outcome
from bench.report import pages, with_table
from bench.trial import Result


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_a_page_holds_what_the_kept_results_say(path: Path) -> None:
    assert path.read_text("utf-8") == pages()[path], "run `python -m bench.report`"


def test_a_table_goes_between_its_marks_and_nowhere_else() -> None:
    outcome = Outcome("lookups", {}, {}, [Result("a lookup", 1.0, None, None, "ms", None)])
    text = with_table("before\n<!-- bench:lookups -->\nstale\n<!-- /bench:lookups -->\nafter\n", outcome)
    assert text.startswith("before\n<!-- bench:lookups -->\n|")
    assert text.endswith("|\n<!-- /bench:lookups -->\nafter\n")
    assert "stale" not in text
    assert "a lookup" in text
