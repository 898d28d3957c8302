"""python -m bench.data: a gigabyte of CSV and five beside Arrow, and what a commit costs as a table grows."""

import sys
from collections.abc import Iterator
from importlib.metadata import version

from bench.clouds import ours
from bench.command import main
from bench.data import committing, ingesting
from bench.data.files import LARGEST_BYTES, SIZE_BYTES, make_file
from bench.trial import ROUNDS, Trial


def trials() -> Iterator[Trial]:
    """Give every trial, with a local cloud running."""
    files = {make_file(SIZE_BYTES): ROUNDS, make_file(LARGEST_BYTES): 1}
    with ours() as cloud:
        yield from ingesting.trials(cloud, files)
        yield from committing.trials(cloud)


if __name__ == "__main__":
    sys.exit(main("data", trials, packages=("pyiceberg", "moto"), peers={"pyarrow": version("pyarrow")}))
