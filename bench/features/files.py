"""The files every library reads: Parquet, in the order of time, with the same content on every machine.

Entities and times are drawn evenly: 10,000 entities over 90 days. The times of what is joined as of are to
the microsecond, so that none falls together with another; those of what lies in windows are whole seconds.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from bench.features.programs.timed import NAMED_VIEWS, VALUES, VIEWS

DIRECTORY = Path(__file__).parents[2] / "build" / "bench" / "features"
N_OBSERVATIONS = 1_000_000
N_EVENTS = 5_000_000
VIEW_ROWS = (1_000_000, 1_000_000, 3_000_000, 5_000_000)
NAMED_VIEW_ROWS = (1_000_000, 1_000_000)
"""Rows of each view."""

_N_ENTITIES = 10_000
_N_WORDS = 100
_SPAN_US = 90 * 86_400_000_000
_SECOND_US = 1_000_000

Values = npt.NDArray[np.generic]


def make_files() -> Path:
    """Make the files that are not there yet and return where they lie."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    sizes = dict(zip((*VIEWS, *NAMED_VIEWS), (*VIEW_ROWS, *NAMED_VIEW_ROWS), strict=True))
    for number, (name, n_rows) in enumerate(sizes.items()):
        random = np.random.default_rng(number)
        values = {f"{name}_{value}": random.normal(size=n_rows) for value in VALUES}
        _write(name, {**_moments(random, n_rows, 1), **values}, named=name in NAMED_VIEWS)
    random = np.random.default_rng(100)
    asked = _moments(random, N_OBSERVATIONS, 1)
    _write("observations", asked)
    _write("named_observations", asked, named=True)
    _write("moments", _moments(random, N_OBSERVATIONS, _SECOND_US))
    events: dict[str, Values] = {
        "x": random.normal(size=N_EVENTS),
        "word": random.integers(0, _N_WORDS, N_EVENTS),
    }
    _write("events", {**_moments(random, N_EVENTS, _SECOND_US), **events})
    return DIRECTORY


def _moments(random: np.random.Generator, n_rows: int, unit_us: int) -> dict[str, Values]:
    times = np.sort(random.integers(0, _SPAN_US // unit_us, n_rows)) * unit_us
    return {
        "entity": random.integers(0, _N_ENTITIES, n_rows),
        "at": times.astype("datetime64[us]"),
    }


def _write(name: str, columns: Mapping[str, Values], *, named: bool = False) -> None:
    path = DIRECTORY / f"{name}.parquet"
    if path.exists():
        return
    table = pa.table(dict(columns))
    if named:
        entities = pa.array([f"user_{entity:08d}" for entity in columns["entity"].tolist()])
        table = table.set_column(0, "entity", entities)
    at = table.schema.get_field_index("at")
    table = table.set_column(at, "at", table["at"].cast(pa.timestamp("us", tz="UTC")))
    unfinished = path.with_suffix(".new")
    pq.write_table(table, unfinished)
    unfinished.rename(path)
