"""python -m bench.report: writes what the last run of each bench found into the pages that show it."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.outcome import RESULTS, Outcome

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "benchmarks.md"
# Pages that show one bench's table between two marks.
SHOWN_IN = {"emulator": DOCS / "emulator.md"}
HEAD = """# Benchmarks

Every figure is measured beside a peer in one run: a round of ours, a round of the peer's, and again; the
table holds the medians of five rounds or more, but where a note says that there was one. A ratio below 1 is
in our favour. A figure that misses its bar stays in the table. Peers are installed in environments of their
own. `make bench` runs all of it and writes this page.
"""


def page(results: Path = RESULTS) -> str:
    """Return the page's text.

    Parameters
    ----------
    results
        Where the outcomes lie.
    """
    outcomes = [Outcome.load(path) for path in sorted(results.glob("*.json"))]
    return "\n".join([HEAD, *("\n".join(_section(outcome)) for outcome in outcomes)])


def _section(outcome: Outcome) -> Iterator[str]:
    yield f"## `python -m bench.{outcome.bench}`"
    yield ""
    yield outcome.table()
    yield ""
    yield from (f"- {note}" for note in outcome.notes())
    yield f"- Machine: {_listed(outcome.machine)}."
    yield f"- Versions: {_listed(outcome.versions)}."
    yield ""


def _listed(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())


def with_table(text: str, outcome: Outcome) -> str:
    """Return a page's text with a bench's table between its marks.

    Parameters
    ----------
    text
        The page, which holds ``<!-- bench:NAME -->`` and ``<!-- /bench:NAME -->``.
    outcome
        The bench's last run.
    """
    begin, end = f"<!-- bench:{outcome.bench} -->", f"<!-- /bench:{outcome.bench} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{outcome.table()}\n{end}{after}"


def pages() -> dict[Path, str]:
    """Return each page that shows figures, as it should read."""
    shown = {
        path: with_table(path.read_text("utf-8"), Outcome.load(RESULTS / f"{bench}.json"))
        for bench, path in SHOWN_IN.items()
    }
    return {PAGE: page(), **shown}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, "utf-8")
        sys.stdout.write(f"{path} is written\n")
