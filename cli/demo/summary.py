"""What the demo ends with: a table by month, the gain of retraining, and the same as JSON."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from rich.table import Table

from cli.demo.evaluation import AUC, BRIER, Scored, gain

TOP_FEATURES = 3
GAIN_SEED = 2013


class Verdict(NamedTuple):
    """What one monitor report said: the last day it looked at, whether it saw drift, and in which features.

    Features come in order of their effect, the largest first.
    """

    at: pd.Timestamp
    drift: bool
    features: Sequence[str]


class Retraining(NamedTuple):
    """A training the policy asked for: when, and why in a few words."""

    at: pd.Timestamp
    reason: str


@dataclass(frozen=True)
class Month:
    """One line of the table; the field names are those of ``.tidemill/demo.json``.

    ``model_version`` is the one in service at the month's end, ``drift`` whether any daily report
    saw drift, ``drifted_features`` those that drifted most and most often, ``retrain_reason`` that of
    each retraining in the month, None when there was none.
    """

    month: str
    rows_scored: int
    model_version: int
    auc_served: float
    auc_frozen: float
    brier_served: float
    brier_frozen: float
    drift: bool
    drifted_features: list[str]
    retrain_reason: str | None


@dataclass(frozen=True)
class Summary:
    """The demo's result; the field names are those of ``.tidemill/demo.json``."""

    months: list[Month]
    auc_gain_mean: float
    auc_gain_interval: list[float]
    wall_seconds: float
    peak_memory_mb: float

    def to_json(self) -> dict[str, Any]:
        """Return plain data with the field names as keys."""
        return asdict(self)


def summarize(
    scored: pd.DataFrame,
    verdicts: Sequence[Verdict],
    retrainings: Sequence[Retraining],
    *,
    wall_seconds: float,
    peak_memory_mb: float,
) -> Summary:
    """Make the summary from what was scored and what the system reported.

    Parameters
    ----------
    scored
        One row a prediction, in order of time: ``scheduled_at``, ``version``, ``served``,
        ``frozen``, and ``label`` (1, 0, or NaN for a flight that never arrived, which counts as
        scored and in no metric).
    verdicts, retrainings
        What the monitor and the retrain policy left in the registry.
    wall_seconds, peak_memory_mb
        What the demo cost.

    Returns
    -------
    Summary
        With one ``Month`` for each calendar month (UTC) of ``scheduled_at``.
    """
    by_month = dict(list(scored.groupby(_month(scored["scheduled_at"]))))
    known = {month: _with_label(rows) for month, rows in by_month.items()}
    months = [
        _summarize_month(str(month), rows, known[month], verdicts, retrainings)
        for month, rows in by_month.items()
    ]
    mean, interval = gain(list(known.values()), GAIN_SEED)
    return Summary(months, mean, list(interval), wall_seconds, peak_memory_mb)


def table(summary: Summary) -> Table:
    """Return the summary's months as a table for people."""
    result = Table(title="Served: the model in service. Frozen: the first model, on the same rows.")
    for name in ("month", "rows", "model", "AUC served", "frozen", "Brier served", "frozen"):
        result.add_column(name, justify="left" if name == "month" else "right", no_wrap=True)
    for name in ("drift", "retrained because of"):
        result.add_column(name, overflow="fold")
    for month in summary.months:
        drift = ", ".join(month.drifted_features) if month.drift else "none"
        result.add_row(
            month.month,
            f"{month.rows_scored:,}",
            str(month.model_version),
            f"{month.auc_served:.3f}",
            f"{month.auc_frozen:.3f}",
            f"{month.brier_served:.3f}",
            f"{month.brier_frozen:.3f}",
            drift,
            month.retrain_reason or "",
        )
    return result


def headline(summary: Summary) -> str:
    """Return the gain in one sentence."""
    low, high = summary.auc_gain_interval
    return (
        f"Mean AUC gain of the served model over the frozen one: {summary.auc_gain_mean:+.3f} "
        f"(95 % interval {low:+.3f} to {high:+.3f}, bootstrap of rows within months); "
        f"{summary.wall_seconds:.0f} s, local cloud's peak memory {summary.peak_memory_mb:,.0f} MB"
    )


def _month(moments: "pd.Series[pd.Timestamp]") -> "pd.Series[str]":
    return moments.dt.strftime("%Y-%m")


def _with_label(rows: pd.DataFrame) -> Scored:
    landed = rows[rows["label"].notna()]
    return Scored(
        label=landed["label"].to_numpy() == 1,
        served=landed["served"].to_numpy(np.float64),
        frozen=landed["frozen"].to_numpy(np.float64),
    )


def _summarize_month(
    month: str,
    rows: pd.DataFrame,
    known: Scored,
    verdicts: Sequence[Verdict],
    retrainings: Sequence[Retraining],
) -> Month:
    drifted = [verdict for verdict in verdicts if f"{verdict.at:%Y-%m}" == month and verdict.drift]
    reasons = [one.reason for one in retrainings if f"{one.at:%Y-%m}" == month]
    return Month(
        month=month,
        rows_scored=len(rows),
        model_version=int(rows["version"].iloc[-1]),
        auc_served=AUC(known.label, known.served),
        auc_frozen=AUC(known.label, known.frozen),
        brier_served=BRIER(known.label, known.served),
        brier_frozen=BRIER(known.label, known.frozen),
        drift=bool(drifted),
        drifted_features=_top_features(drifted),
        retrain_reason="; ".join(reasons) or None,
    )


def _top_features(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the features that stood first most often, by the sum of their reciprocal ranks."""
    weights: dict[str, float] = defaultdict(float)
    for verdict in verdicts:
        for position, feature in enumerate(verdict.features):
            weights[feature] += 1 / (1 + position)
    return sorted(weights, key=lambda feature: -weights[feature])[:TOP_FEATURES]
