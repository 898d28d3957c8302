"""How far something is, as bars on a terminal and in a notebook, and as nothing elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


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
    if not (out.is_terminal or out.is_jupyter):
        yield _Silence()
        return
    with bars(out) as steps:
        yield steps
