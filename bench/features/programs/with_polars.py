"""polars."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import polars as pl  # type: ignore[import-not-found]  # in its own environment

from bench.features.programs.timed import (
    DISTINCT,
    EXTREMES,
    NAMED_VIEWS,
    SUMS,
    TTL_DAYS,
    VIEWS,
    WINDOWS_HOURS,
    Answer,
    main,
)


def as_of(observations: str, names: Sequence[str], directory: Path) -> pl.DataFrame:
    """Join the latest values of some views."""
    joined = pl.scan_parquet(directory / f"{observations}.parquet")
    for name in names:
        joined = joined.join_asof(
            pl.scan_parquet(directory / f"{name}.parquet").rename({"at": f"{name}_at"}),
            left_on="at",
            right_on=f"{name}_at",
            by="entity",
            strategy="backward",
            tolerance=f"{TTL_DAYS}d",
            allow_exact_matches=False,
            check_sortedness=False,
        )
    return joined.select(pl.selectors.float()).collect()


def windows(figures: Sequence[str], directory: Path) -> pl.DataFrame:
    """Take figures over every window: of the events, at the events and the moments asked about."""
    asked = pl.scan_parquet(directory / "moments.parquet").with_columns(asked=True)
    events = pl.scan_parquet(directory / "events.parquet")
    rows = pl.concat([events, asked], how="diagonal").sort("entity", "at")
    if figures == DISTINCT:
        return _distinct(rows.collect())
    columns = [_over(figure, hours) for hours in WINDOWS_HOURS for figure in figures]
    return rows.with_columns(columns).filter("asked").select(pl.col("^.*_.*h$")).collect()


def _over(figure: str, hours: int) -> pl.Expr:
    window = {"window_size": f"{hours}h", "closed": "left"}
    ways = {
        "sum": lambda: pl.col("x").rolling_sum_by("at", **window),
        "count": lambda: pl.col("x").is_not_null().cast(pl.Int64).rolling_sum_by("at", **window).fill_null(0),
        "mean": lambda: pl.col("x").rolling_mean_by("at", **window),
        "min": lambda: pl.col("x").rolling_min_by("at", **window),
        "max": lambda: pl.col("x").rolling_max_by("at", **window),
    }
    return ways[figure]().over("entity").alias(f"{figure}_{hours}h")


def _distinct(rows: pl.DataFrame) -> pl.DataFrame:
    columns = [
        rows.rolling("at", period=f"{hours}h", closed="left", group_by="entity")
        .agg(pl.col("word").drop_nulls().n_unique().alias(f"distinct_{hours}h"))
        .select(f"distinct_{hours}h")
        for hours in WINDOWS_HOURS
    ]
    return pl.concat([rows.select("asked"), *columns], how="horizontal").filter("asked").drop("asked")


def _answer(found: pl.DataFrame) -> Answer:
    return {each.name: float(each.sum()) for each in found}


if __name__ == "__main__":
    main(
        {
            "as_of": lambda directory: partial(as_of, "observations", VIEWS, directory),
            "as_of_named": lambda directory: partial(as_of, "named_observations", NAMED_VIEWS, directory),
            "sums": lambda directory: partial(windows, SUMS, directory),
            "extremes": lambda directory: partial(windows, EXTREMES, directory),
            "distinct": lambda directory: partial(windows, DISTINCT, directory),
        },
        _answer,
    )
