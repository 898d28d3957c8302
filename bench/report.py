"""python -m bench.report: writes docs/benchmarks.md from the last run of each bench."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.outcome import RESULTS, Outcome

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Every figure is measured beside a peer in one run: a round of ours, a round of the peer's, and again; the
table holds the medians of five rounds or more. A ratio below 1 is in our favour. A figure that misses its
bar stays in the table. Peers are installed in environments of their own. `make bench` runs all of it and
writes this page.
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


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE} is written\n")
