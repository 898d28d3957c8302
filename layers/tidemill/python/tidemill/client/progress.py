"""How far something is, as bars on a terminal and in a notebook, and as nothing elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

LINE_BAR = 30
"""How many characters the bar of a line has."""


class Steps(Protocol):
    """Tells how far something is."""

    def start(self, name: str, total: int) -> None:
        """Begin a part of the work that has ``total`` steps."""
        ...

    def step(self, note: str = "") -> None:
        """Say that one more step of the current part is done."""
        ...


class _Bars:
    """Progress bars on a terminal, or in a notebook."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def start(self, name: str, total: int) -> None:
        self._task = self._progress.add_task(name, total=total, note="")

    def step(self, note: str = "") -> None:
        if self._task is not None:
            self._progress.update(self._task, advance=1, note=note)


class _Lines:
    """A line for each part, written over with each step: rich's bars need widgets that few notebooks have."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._name = ""
        self._total = self._done = self._longest = 0

    def start(self, name: str, total: int) -> None:
        self.end()
        self._name, self._total, self._done, self._longest = name, total, 0, 0
        self._write("")

    def step(self, note: str = "") -> None:
        self._done += 1
        self._write(note)

    def end(self) -> None:
        """Leave the line of the last part as it is."""
        if self._name:
            self._out.write("\n")

    def _write(self, note: str) -> None:
        filled = LINE_BAR * self._done // max(self._total, 1)
        bar = "█" * filled + "·" * (LINE_BAR - filled)
        line = f"{self._name:<34} {bar} {self._done}/{self._total}  {note}".rstrip()
        self._longest = max(self._longest, len(line))
        self._out.write("\r" + line.ljust(self._longest))
        self._out.flush()


class _Silence:
    """Nothing, where nobody watches."""

    def start(self, name: str, total: int) -> None:
        """Say nothing."""

    def step(self, note: str = "") -> None:
        """Say nothing."""


@contextmanager
def bars(out: Console) -> Iterator[Steps]:
    """Show bars on a console while the block runs."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=out) as progress:
        yield _Bars(progress)


@contextmanager
def watched_steps() -> Iterator[Steps]:
    """Show bars while the block runs if somebody is there to see them: at a terminal, or in a notebook."""
    out = Console(file=sys.stderr)
    if out.is_jupyter:
        lines = _Lines(sys.stderr)
        try:
            yield lines
        finally:
            lines.end()
    elif out.is_terminal:
        with bars(out) as steps:
            yield steps
    else:
        yield _Silence()
