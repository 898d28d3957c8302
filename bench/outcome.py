"""What a bench found: the object it publishes and the table people read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.trial import Result

RESULTS = Path(__file__).parent / "results"
HEADER = ("", "ours", "peer", "ratio", "unit", "bar", "holds")


@dataclass(frozen=True)
class Outcome:
    """One run of one bench."""

    bench: str
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    results: Sequence[Result]

    def as_json(self) -> str:
        """Return the published object."""
        content = {
            "machine": self.machine,
            "versions": self.versions,
            "results": [result.as_json() for result in self.results],
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def save(self, directory: Path = RESULTS) -> Path:
        """Keep the outcome as the bench's last run."""
        directory.mkdir(exist_ok=True)
        path = directory / f"{self.bench}.json"
        path.write_text(self.as_json(), "utf-8")
        return path

    @classmethod
    def load(cls, path: Path) -> "Outcome":
        """Read what ``save`` kept."""
        content = json.loads(path.read_text("utf-8"))
        results = [Result.from_json(each) for each in content["results"]]
        return cls(path.stem, content["machine"], content["versions"], results)

    def table(self) -> str:
        """Draw the results as a Markdown table, aligned so that it reads in a terminal too."""
        return markdown_table(HEADER, [_row(result) for result in self.results])

    def notes(self) -> list[str]:
        """Return what is to be known of the results, each note once, with the figures it is about."""
        by_note: dict[str, list[str]] = {}
        for result in self.results:
            if result.note:
                by_note.setdefault(result.note, []).append(result.name)
        return [f"{'; '.join(names)}: {note}" for note, names in by_note.items()]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Draw a table whose first column is text and whose others are figures.

    Examples
    --------
    >>> print(markdown_table(("", "ms"), [("a lookup", "2.8"), ("a write", "11")]))
    |          |  ms |
    | -------- | --: |
    | a lookup | 2.8 |
    | a write  |  11 |
    """
    widths = [max(len(row[index]) for row in (header, *rows)) for index in range(len(header))]
    widths = [widths[0], *(max(width, 3) for width in widths[1:])]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def line(cells: Sequence[str]) -> str:
        first = cells[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return f"| {' | '.join([first, *rest])} |"

    return "\n".join(line(cells) for cells in (header, rule, *rows))


def number(value: float | None) -> str:
    """Write a figure with three significant digits.

    Examples
    --------
    >>> [number(value) for value in (0.04321, 2.8, 1234.5, None)]
    ['0.0432', '2.8', '1234', '-']
    """
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _row(result: Result) -> tuple[str, ...]:
    return tuple(_cells(result))


def _cells(result: Result) -> Iterator[str]:
    yield result.name
    yield number(result.ours)
    yield number(result.peer)
    yield "-" if result.ratio is None else f"{number(result.ratio)}x"
    yield result.unit
    yield "" if result.bar is None else f"≤ {number(result.bar)}"
    yield {None: "", True: "yes", False: "NO"}[result.holds]
