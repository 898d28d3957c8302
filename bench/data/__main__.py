"""python -m bench.data: a gigabyte of CSV beside Arrow, and what a commit costs as a table grows."""

import sys
from collections.abc import Iterator
from importlib.metadata import version

from bench.clouds import ours
from bench.command import main
from bench.data import committing, ingesting
from bench.data.files import make_file
from bench.trial import Trial


def trials() -> Iterator[Trial]:
    """Give every trial, with a local cloud running."""
    file = make_file()
    with ours() as cloud:
        yield from ingesting.trials(cloud, file)
        yield from committing.trials(cloud)


if __name__ == "__main__":
    sys.exit(main("data", trials, packages=("pyiceberg", "moto"), peers={"pyarrow": version("pyarrow")}))
