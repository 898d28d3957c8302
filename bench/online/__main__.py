"""python -m bench.online: features of one and of many entities from DynamoDB on moto, ours and others'."""

import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from bench.clouds import CREDENTIALS
from bench.command import main
from bench.online.store import MOST_ENTITIES, Features, figures, latest_values, moto_server
from bench.online.values import FEATURES, numbers
from bench.peers import FEAST_ON_AWS
from bench.trial import Figure, Trial
from tidemill.expressions import Columns

ROOT = Path(__file__).parents[2]
READS = {1: 200, 100: 30}
"""How often so many entities are read in a round."""
RAW_AT_MOST = {1: 1.1, 100: 1.2}
"""What ours may take, as a multiple of reading the same packed items and leaving them packed."""
NOTE = "moto itself takes most of the time, so differences count more than ratios."


class Differs(Exception):
    """What is read is not what it should be: the two do not do the same, and no time can be compared."""


class InTurn:
    """Ours and the raw read call by call, either first in turn, so that both see the same machine."""

    def __init__(self, features: Features, n_entities: int) -> None:
        self._features = features
        self._n_entities = n_entities
        self._raw: list[float] = []

    def ours(self) -> Sequence[float]:
        """Return the median of ours, and keep the raw reads' for ``raw``."""
        times: dict[Callable[[int], object], list[float]] = {
            self._features.read: [],
            self._features.read_raw: [],
        }
        order = list(times)
        for _ in range(READS[self._n_entities]):
            for read in order:
                times[read].append(_milliseconds(read, self._n_entities))
            order.reverse()
        ours, self._raw = times.values()
        return [statistics.median(ours)]

    def raw(self) -> Sequence[float]:
        """Return the median of the raw reads that went with the last of ours."""
        return [statistics.median(self._raw)]


class Feast:
    """Feast in a process of its own that answers line by line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        if self._line() != "stored":
            raise Differs("Feast did not store its values; its own message is above")

    def read(self, n_entities: int) -> Callable[[], Sequence[float]]:
        """Return what measures reading so many entities."""
        values = numbers()
        wanted = sum(sum(values[name][:n_entities]) for name in FEATURES)

        def measure() -> Sequence[float]:
            times = []
            for _ in range(READS[n_entities]):
                milliseconds, total = map(float, self._ask(n_entities).split())
                if not math.isclose(total, wanted, abs_tol=1e-6):
                    raise Differs(f"Feast's values add up to {total}, not to {wanted}")
                times.append(milliseconds)
            return [statistics.median(times)]

        return measure

    def _ask(self, n_entities: int) -> str:
        assert self._process.stdin is not None  # noqa: S101 - narrows the type; it was asked for as a pipe
        self._process.stdin.write(f"{n_entities}\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - as above
        return self._process.stdout.readline().strip()


def trials() -> Iterator[Trial]:
    """Give every trial, over one moto server."""
    python = str(FEAST_ON_AWS.program("python"))
    with moto_server() as url, _feast(python, url) as feast:
        values, windows = latest_values(url), figures(url)
        for features in (values, windows):
            check(features)
        for n_entities in RAW_AT_MOST:
            yield _beside_raw(values, n_entities, f"{len(FEATURES)} latest values")
            name = _name(n_entities, f"{len(FEATURES)} latest values")
            ours, theirs = InTurn(values, n_entities).ours, feast.read(n_entities)
            yield Trial((Figure(name, "ms"),), ours, theirs, FEAST_ON_AWS.name, note=NOTE)
        for n_entities in RAW_AT_MOST:
            yield _beside_raw(windows, n_entities, "4 figures over windows")


def _beside_raw(features: Features, n_entities: int, what: str) -> Trial:
    in_turn, name = InTurn(features, n_entities), _name(n_entities, what)
    figure = Figure(name, "ms", at_most_of_peer=RAW_AT_MOST[n_entities])
    return Trial((figure,), in_turn.ours, in_turn.raw, "one raw BatchGetItem", note=NOTE)


def _name(n_entities: int, what: str) -> str:
    return f"online read, {n_entities} {'entity' if n_entities == 1 else 'entities'} x {what}"


class Readable(Protocol):
    """What is read online, and what training computes."""

    def read(self, n_entities: int) -> Columns:
        """Read the features of the first entities."""
        ...

    def computed(self, n_entities: int) -> Columns:
        """Compute the same of the rows."""
        ...


def check(features: Readable) -> None:
    """Raise ``Differs`` unless what is read is what training computes, to the bit."""
    found, computed = features.read(MOST_ENTITIES), features.computed(MOST_ENTITIES)
    for name, column in computed.items():
        if found[name].to_list() != column.to_list():
            raise Differs(f"feature {name} is not read as it is computed")


@contextmanager
def _feast(python: str, url: str) -> Iterator[Feast]:
    environment = {**os.environ, **CREDENTIALS, "PYTHONWARNINGS": "ignore"}
    command = [python, "-m", "bench.online.programs.with_feast", url]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Feast(process)
        finally:
            process.terminate()


def _milliseconds(read: Callable[[int], object], n_entities: int) -> float:
    began = time.perf_counter()
    read(n_entities)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    sys.exit(
        main(
            "online",
            trials,
            packages=("boto3", "moto", "numpy"),
            peers={FEAST_ON_AWS.name: FEAST_ON_AWS.version},
        )
    )
