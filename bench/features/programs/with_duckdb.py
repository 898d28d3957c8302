"""DuckDB."""
# ruff: noqa: S608  # the queries are put together of this file's own names

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import duckdb  # type: ignore[import-not-found]  # in its own environment
import pyarrow as pa
import pyarrow.compute as pc

from bench.features.programs.timed import SUMS, TTL_DAYS, VALUES, VIEWS, WINDOWS_HOURS, Answer, main

FIGURES = {"sum": "sum(x)", "count": "count(x)", "mean": "avg(x)"}


def as_of(names: Sequence[str], directory: Path) -> pa.Table:
    """Join the latest values of some views."""
    columns = [
        f"if(o.at - {name}.at <= INTERVAL {TTL_DAYS} DAY, {name}_{value}, NULL) AS {name}_{value}"
        for name in names
        for value in VALUES
    ]
    joins = [
        f"ASOF LEFT JOIN '{directory / name}.parquet' {name} ON o.entity = {name}.entity AND o.at > {name}.at"
        for name in names
    ]
    return _table(f"SELECT {', '.join(columns)} FROM '{directory}/observations.parquet' o {' '.join(joins)}")


def windows(figures: Sequence[str], directory: Path) -> pa.Table:
    """Take figures over every window: of the events, at the events and the moments asked about."""
    columns = [
        f"{FIGURES[figure]} OVER over_{hours}h AS {figure}_{hours}h"
        for hours in WINDOWS_HOURS
        for figure in figures
    ]
    ranges = [
        f'over_{hours}h AS (PARTITION BY entity ORDER BY "at" RANGE BETWEEN'
        f" INTERVAL {hours} HOUR PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING)"
        for hours in WINDOWS_HOURS
    ]
    rows = (
        f"SELECT entity, events.at, x, false AS asked FROM '{directory}/events.parquet' events UNION ALL"
        f" SELECT entity, moments.at, NULL, true FROM '{directory}/moments.parquet' moments"
    )
    taken = f"SELECT asked, {', '.join(columns)} FROM ({rows}) WINDOW {', '.join(ranges)}"
    return _table(f"SELECT * EXCLUDE (asked) FROM ({taken}) WHERE asked")


def _table(query: str) -> pa.Table:
    return duckdb.sql(query).to_arrow_table()


def _answer(found: pa.Table) -> Answer:
    return {name: float(pc.sum(found[name]).as_py()) for name in found.column_names}


if __name__ == "__main__":
    main(
        {
            "as_of": lambda directory: partial(as_of, VIEWS, directory),
            "sums": lambda directory: partial(windows, SUMS, directory),
        },
        _answer,
    )
