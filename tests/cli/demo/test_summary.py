"""The summary counts what was scored, judges what has a label, and names its figures as promised."""

import json

import pandas as pd
import pytest
from rich.console import Console

from cli.demo.summary import Retraining, Summary, Verdict, headline, summarize, table


def at(text: str) -> pd.Timestamp:
    """Return a moment in UTC."""
    return pd.Timestamp(text, tz="UTC")


@pytest.fixture
def summary() -> Summary:
    """Two months: in March the models agree, in April the new version ranks better."""
    march = [(f"2013-03-{day:02}", 1, 0.1 * (day % 3), 0.1 * (day % 3), day % 2) for day in range(1, 21)]
    april = [(f"2013-04-{day:02}", 2, 0.9 * (day % 2), 0.5, day % 2) for day in range(1, 21)]
    never_landed = [("2013-04-21", 2, 0.4, 0.4, None)]
    scored = pd.DataFrame(
        [*march, *april, *never_landed], columns=["scheduled_at", "version", "served", "frozen", "label"]
    )
    scored["scheduled_at"] = pd.to_datetime(scored["scheduled_at"], utc=True)
    verdicts = [
        Verdict(at("2013-03-05"), drift=False, features=[]),
        Verdict(at("2013-04-05"), drift=True, features=["temp", "dewp"]),
        Verdict(at("2013-04-06"), drift=True, features=["temp"]),
    ]
    retrainings = [Retraining(at("2013-04-05"), "drift: temp")]
    return summarize(scored, verdicts, retrainings, wall_seconds=12.0, peak_memory_mb=900.0)


def test_the_json_has_the_promised_keys_and_survives_json(summary: Summary) -> None:
    """Scripts read `.tidemill/demo.json` by these names."""
    data = json.loads(json.dumps(summary.to_json(), allow_nan=False))
    assert set(data) == {"months", "auc_gain_mean", "auc_gain_interval", "wall_seconds", "peak_memory_mb"}
    assert list(data["months"][0]) == [
        "month",
        "rows_scored",
        "model_version",
        "auc_served",
        "auc_frozen",
        "brier_served",
        "brier_frozen",
        "drift",
        "drifted_features",
        "retrain_reason",
    ]


def test_months_carry_their_own_verdicts_and_reasons(summary: Summary) -> None:
    """What happened in April is not told of March."""
    march, april = summary.months
    assert (march.drift, march.drifted_features, march.retrain_reason) == (False, [], None)
    assert (april.drift, april.drifted_features) == (True, ["temp", "dewp"])
    assert april.retrain_reason == "drift: temp"
    assert (march.model_version, april.model_version) == (1, 2)


def test_a_flight_that_never_arrived_is_scored_but_not_judged(summary: Summary) -> None:
    """It counts among the rows and leaves the metrics alone."""
    april = summary.months[1]
    assert april.rows_scored == 21
    assert april.auc_served == 1.0
    assert april.auc_frozen == 0.5


def test_the_gain_is_the_mean_of_the_months_differences(summary: Summary) -> None:
    """March gains nothing, April a half, so the mean is a quarter."""
    assert summary.auc_gain_mean == pytest.approx(0.25)
    low, high = summary.auc_gain_interval
    assert low <= 0.25 <= high
    assert "+0.250" in headline(summary)


def test_the_table_shows_every_month(summary: Summary) -> None:
    """One line a month, with the reason of the retraining."""
    console = Console(width=140)
    with console.capture() as shown:
        console.print(table(summary))
    assert "2013-03" in shown.get()
    assert "drift: temp" in shown.get()
