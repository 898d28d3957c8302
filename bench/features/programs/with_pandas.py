"""pandas."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from bench.features.programs.timed import SUMS, TTL_DAYS, VIEWS, WINDOWS_HOURS, Answer, main


def as_of(observations: str, names: Sequence[str], directory: Path) -> pd.DataFrame:
    """Join the latest values of some views."""
    joined = pd.read_parquet(directory / f"{observations}.parquet")
    for name in names:
        joined = pd.merge_asof(
            joined,
            pd.read_parquet(directory / f"{name}.parquet"),
            on="at",
            by="entity",
            tolerance=pd.Timedelta(days=TTL_DAYS),
            allow_exact_matches=False,
        )
    return joined.drop(columns=["entity", "at"])


def windows(figures: Sequence[str], directory: Path) -> pd.DataFrame:
    """Take figures over every window: of the events, at the events and the moments asked about."""
    moments = pd.read_parquet(directory / "moments.parquet").assign(asked=True)
    events = pd.read_parquet(directory / "events.parquet", columns=["entity", "at", "x"]).assign(asked=False)
    rows = pd.concat([events, moments]).sort_values(["entity", "at"], ignore_index=True)
    by_entity = rows.groupby("entity")
    columns = {}
    for hours in WINDOWS_HOURS:
        rolling = by_entity.rolling(f"{hours}h", on="at", closed="left", min_periods=0)["x"]
        for figure in figures:
            columns[f"{figure}_{hours}h"] = getattr(rolling, figure)().to_numpy()
    return pd.DataFrame(columns)[rows["asked"].to_numpy()]


def _answer(found: pd.DataFrame) -> Answer:
    return {str(name): float(found[name].sum()) for name in found}


if __name__ == "__main__":
    main(
        {
            "as_of": lambda directory: partial(as_of, "observations", VIEWS, directory),
            "sums": lambda directory: partial(windows, SUMS, directory),
        },
        _answer,
    )
