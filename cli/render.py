"""How commands speak: tables for people, JSON for scripts, colour and bars only on a terminal."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table

from tidemill.client.progress import Steps, bars

# Wide enough that a table read by a pipe or a log is not cut.
PIPE_WIDTH = 160
LONGEST_NAME = 64
THOUSAND, TEN = 1000, 10


def console(*, stderr: bool = False) -> Console:
    """Return the console to print on; made anew, so that it sees the stream of this moment."""
    stream = sys.stderr if stderr else sys.stdout
    # What is printed is data: `[us, tz=UTC]` is part of a type's name, and no markup.
    return Console(
        file=stream, width=None if stream.isatty() else PIPE_WIDTH, highlight=False, markup=False, emoji=False
    )


def show(data: Any, *people: RenderableType, as_json: bool) -> None:
    """Print the data as JSON, or what people read instead.

    Parameters
    ----------
    data
        Plain data, for scripts.
    people
        Texts and tables, one below the other.
    as_json
        Which of the two.
    """
    if as_json:
        click.echo(json.dumps(data, indent=2, allow_nan=False))
        return
    out = console()
    terminal = out.width
    for part in people:
        # A table that can not be made as narrow as the terminal is wider than it, and not cut.
        widest = out.options.update_width(PIPE_WIDTH)
        least = Measurement.get(out, widest, part).minimum if isinstance(part, Table) else 0
        out.width = max(terminal, least)
        out.print(part, crop=False)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None) -> Table:
    """Make a table; numbers stand to the right, and None is a dash.

    Examples
    --------
    >>> table(["source", "rows"], [["flights", 12]]).row_count
    1
    """
    result = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for index, name in enumerate(columns):
        values = [row[index] for row in rows if row[index] is not None]
        numeric = bool(values) and all(isinstance(value, int | float) for value in values)
        words = [word for value in values for word in cell(value).split(" ")]
        longest = max((len(word) for word in words), default=0)
        result.add_column(
            name,
            justify="right" if numeric else "left",
            overflow="fold",
            # A name or a number that is broken in two can not be copied: only texts give way.
            no_wrap=len(words) == len(values) and longest <= LONGEST_NAME,
            min_width=min(longest, LONGEST_NAME),
        )
    for row in rows:
        result.add_row(*(cell(value) for value in row))
    return result


def facts(values: Mapping[str, Any]) -> Table:
    """Make a two-column list of names and values."""
    result = Table(show_header=False, box=None, pad_edge=False)
    result.add_column(style="bold", no_wrap=True)
    result.add_column(overflow="fold")
    for name, value in values.items():
        result.add_row(name, cell(value))
    return result


def cell(value: Any) -> str:
    """Write one value for people.

    Examples
    --------
    >>> [cell(value) for value in (None, True, 12345, 0.123456, "x", ["a", "b"])]
    ['-', 'yes', '12,345', '0.1235', 'x', 'a, b']
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(cell(one) for one in value) or "-"
    return str(value)


def counted(number: int, thing: str) -> str:
    """Write a number of things.

    Examples
    --------
    >>> counted(1, "commit"), counted(1_200, "file")
    ('1 commit', '1,200 files')
    """
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def size(size_bytes: int) -> str:
    """Write a number of bytes in the unit people read.

    Examples
    --------
    >>> size(812), size(176_403), size(2_500_000_000)
    ('812 B', '176 kB', '2.5 GB')
    """
    scaled, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if scaled < THOUSAND:
            break
        scaled, unit = scaled / THOUSAND, larger
    digits = 1 if scaled < TEN and unit != "B" else 0
    return f"{scaled:.{digits}f} {unit}"


def shortened(text: str, length: int = 40) -> str:
    """Leave out the middle of a long name.

    Examples
    --------
    >>> shortened("arrives-2013-02-25.parquet"), shortened("0123456789abcdef.requests.jsonl", 24)
    ('arrives-2013-02-25.parquet', '0123456…f.requests.jsonl')
    """
    kept = length - 1
    return text if len(text) <= length else f"{text[: kept // 3]}…{text[-(kept - kept // 3) :]}"


def first_few(values: Sequence[str], shown: int = 3) -> str:
    """Write the first of a list, and how many more there are.

    Examples
    --------
    >>> first_few(["temp", "dewp", "humid", "visib", "precip"])
    'temp, dewp, humid and 2 more'
    >>> first_few(["temp"])
    'temp'
    """
    more = len(values) - shown
    return ", ".join(values[:shown]) + (f" and {more} more" if more > 0 else "")


class _Lines:
    """Plain lines elsewhere: a start, about every tenth, and the end."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._name, self._total, self._done = "", 0, 0

    def start(self, name: str, total: int) -> None:
        self._name, self._total, self._done = name, total, 0
        self._out.print(f"{name} …")

    def step(self, note: str = "") -> None:
        self._done += 1
        tenth = max(self._total // 10, 1)
        if self._done % tenth == 0 or self._done == self._total:
            self._out.print(f"{self._name}: {self._done}/{self._total} {note}".rstrip())


@contextmanager
def steps() -> Iterator[Steps]:
    """Show progress on standard error while the block runs."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield _Lines(out)
        return
    with bars(out) as watched:
        yield watched
