"""Commands beside a deployment that lies in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from click.testing import CliRunner, Result

from cli.context import App
from cli.errors import one_line_errors
from cli.main import main
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.tables import MemoryTables


def in_memory() -> Any:
    """Return what the commands ask of a deployment of `projects.flights` to which nothing came yet."""
    tables = MemoryTables()
    return SimpleNamespace(
        project="flights",
        tables=tables,
        history=tables,
        documents=MemoryDocuments(),
        data=MemoryBlobs(),
    )


@dataclass(frozen=True)
class Given(App):
    """A call of the command that finds this deployment."""

    found: Any = field(default_factory=in_memory)

    @contextmanager
    def deployment(self) -> Iterator[Any]:
        """Give the deployment; errors end as they do elsewhere."""
        with one_line_errors("memory"):
            yield self.found

    def call(self, *arguments: str) -> Result:
        """Call `tidemill` with these arguments."""
        return CliRunner().invoke(main, list(arguments), obj=self)
