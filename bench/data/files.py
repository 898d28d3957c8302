"""The files that are brought in: CSV files of flights, the same on every machine."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

DIRECTORY = Path(__file__).parents[2] / "build" / "bench" / "data"
SIZE_BYTES, LARGEST_BYTES = 1_000_000_000, 5_000_000_000
_BLOCK_ROWS = 500_000
_CARRIERS = np.array(["AA", "B6", "DL", "EV", "UA", "US", "WN"])
_AIRPORTS = np.array(["EWR", "JFK", "LGA", "ATL", "BOS", "LAX", "ORD", "SFO", "MIA"])
_START_US, _YEAR_US = 1_356_998_400_000_000, 365 * 86_400_000_000


def make_file(size_bytes: int) -> Path:
    """Make the file if it is not there yet and return where it lies.

    Parameters
    ----------
    size_bytes
        It is at least as large, and less than a block of rows larger.
    """
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    path = DIRECTORY / f"flights-{size_bytes}.csv"
    if path.exists():
        return path
    unfinished = path.with_suffix(".part")
    random = np.random.default_rng(0)
    first = _block(random, 0)
    with pa.csv.CSVWriter(unfinished, first.schema) as writer:
        writer.write_table(first)
        number = 1
        while unfinished.stat().st_size < size_bytes:
            writer.write_table(_block(random, number))
            number += 1
    unfinished.rename(path)
    return path


def _block(random: np.random.Generator, number: int) -> pa.Table:
    """Return rows as such files have them: names, whole numbers, and numbers to a decimal or two."""
    n_rows = _BLOCK_ROWS
    ids = np.arange(number * n_rows, (number + 1) * n_rows)
    times = np.sort(random.integers(0, _YEAR_US // 1_000_000, n_rows)) * 1_000_000 + _START_US
    return pa.table(
        {
            "flight_id": pa.array(np.char.add("F", ids.astype(str))),
            "carrier": pa.array(_CARRIERS[random.integers(0, len(_CARRIERS), n_rows)]),
            "origin": pa.array(_AIRPORTS[random.integers(0, len(_AIRPORTS), n_rows)]),
            "dest": pa.array(_AIRPORTS[random.integers(0, len(_AIRPORTS), n_rows)]),
            "flight": pa.array(random.integers(1, 6000, n_rows)),
            "scheduled_at": pa.array(times).cast(pa.timestamp("us", tz="UTC")),
            "dep_delay": pa.array(np.round(random.normal(10, 35, n_rows))),
            "arr_delay": pa.array(np.round(random.normal(6, 40, n_rows))),
            "air_time": pa.array(np.round(random.gamma(5, 30, n_rows)) + 1),
            "temp": pa.array(np.round(random.normal(50, 15, n_rows), 2)),
            "wind_speed": pa.array(np.round(random.gamma(3, 4, n_rows), 2)),
            "pressure": pa.array(np.round(random.normal(1017, 7, n_rows), 1)),
        }
    )
