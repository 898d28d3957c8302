"""Which flights the demo asks about, and how a caller would ask."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

ROWS_A_DAY = 82  # about 2,500 a month
LATE_MINUTES = 15.0


def daily_sample(flights: pd.DataFrame, first: pd.Timestamp, end: pd.Timestamp, seed: int) -> pd.DataFrame:
    """Draw the same number of flights from each day (UTC) of scheduled departure.

    Parameters
    ----------
    flights
        The source's rows.
    first, end
        The days sampled: from ``first`` on, before ``end``.
    seed
        Of the draw.

    Returns
    -------
    pandas.DataFrame
        The drawn rows in order of departure, with ``day`` and ``label`` (1 late, 0 not, NaN never
        arrived).
    """
    chosen = flights[(flights["scheduled_at"] >= first) & (flights["scheduled_at"] < end)]
    rng = np.random.default_rng(seed)
    shuffled = chosen.iloc[rng.permutation(len(chosen))]
    rank = shuffled.groupby(shuffled["scheduled_at"].dt.floor("D")).cumcount()
    drawn = shuffled[rank < ROWS_A_DAY].sort_values(["scheduled_at", "flight_id"], ignore_index=True)
    late = (drawn["arr_delay"] > LATE_MINUTES).astype(float).where(drawn["arr_delay"].notna())
    return drawn.assign(day=drawn["scheduled_at"].dt.floor("D"), label=late)


def request_rows(flights: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Write flights as the rows of a prediction request: these columns and no other.

    Times are RFC 3339 in UTC, what is not known is null.
    """
    rows: list[dict[str, Any]] = json.loads(
        flights[list(columns)].to_json(orient="records", date_format="iso", double_precision=15)
    )
    return rows
