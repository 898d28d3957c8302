"""Peers: the packages ours is measured against, each in a virtual environment of its own."""

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENTS = Path(__file__).parents[1] / "build" / "peers"


@dataclass(frozen=True)
class Peer:
    """A package of somebody else's, pinned, with what it needs beside it to do the same work."""

    name: str
    requirements: tuple[str, ...]

    @property
    def version(self) -> str:
        """The version that is pinned."""
        return self.requirements[0].partition("==")[2]

    @property
    def directory(self) -> Path:
        """Its environment, named by what is in it: another pin is another environment."""
        return ENVIRONMENTS / "+".join(self.requirements).replace("==", "-")

    def program(self, name: str) -> Path:
        """Return a program of the peer's environment, which is made first if it is not there.

        Parameters
        ----------
        name
            The program, such as ``python``.
        """
        mark = self.directory / ".installed"
        if not mark.exists():
            venv.create(self.directory, with_pip=True, clear=True)
            python = self.directory / "bin" / "python"
            subprocess.run(
                [
                    python,
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    *self.requirements,
                ],
                check=True,
                stdout=sys.stderr,
            )
            mark.touch()
        return self.directory / "bin" / name


# Its functions run in its own environment, so what they import must be there.
MINISTACK = Peer("MiniStack", ("ministack==1.5.33", "boto3==1.43.106"))

# Beside each what it needs to read Parquet and to do the same joins.
POLARS = Peer("polars", ("polars==2.1.0",))
PANDAS = Peer("pandas", ("pandas==3.1.1", "pyarrow==26.0.1"))
DUCKDB = Peer("DuckDB", ("duckdb==2.0.0", "pyarrow==26.0.1"))
FEAST = Peer("Feast", ("feast[duckdb]==0.67.0",))
FEAST_ON_AWS = Peer("Feast", ("feast[aws]==0.67.0",))
# The newest DuckDB whose extensions are packages too: they are read from the environment, not fetched.
DUCKDB_ICEBERG = Peer(
    "DuckDB",
    (
        "duckdb==1.5.5",
        "duckdb-extension-avro==1.5.5",
        "duckdb-extension-httpfs==1.5.5",
        "duckdb-extension-iceberg==1.5.5",
    ),
)
