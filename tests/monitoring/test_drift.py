"""The drift verdict: quiet without drift whatever the size, loud when something moved."""

import numpy as np
import pytest

from tidemill.monitoring.daily import DayHistogram
from tidemill.monitoring.drift import FALSE_ALARM_RATE, MIN_ROWS, compare_columns, judge_drift
from tidemill.statistics.intervals import Interval
from tidemill.statistics.profile import ReferenceProfile, histogram_of, profile_column, profile_matrix

NUMERIC, CATEGORICAL = 40, 10
COLUMNS = NUMERIC + CATEGORICAL
LEVELS = [f"level-{number}" for number in range(8)]
NAMES = [f"column-{number}" for number in range(COLUMNS)]


def sample(generator: np.random.Generator, rows: int, shift: float = 0.0) -> np.ndarray:
    """Draw a matrix of 40 numeric and 10 categorical columns, the first shifted."""
    numeric = generator.normal(size=(rows, NUMERIC))
    numeric[:, 0] += shift
    return np.column_stack([numeric, generator.integers(0, len(LEVELS), (rows, CATEGORICAL))])


def reference(generator: np.random.Generator, rows: int) -> ReferenceProfile:
    return ReferenceProfile(
        columns=profile_matrix(sample(generator, rows), NAMES, dict.fromkeys(NAMES[NUMERIC:], LEVELS)),
        prediction=profile_column("prediction", generator.random(rows)),
        label_rate=0.5,
        metric="roc_auc",
        quality=Interval(0.7, 0.68, 0.72, 0.95),
        test_rows=rows,
    )


def window(profile: ReferenceProfile, matrix: np.ndarray, probabilities: np.ndarray) -> DayHistogram:
    counted = histogram_of(matrix, profile.columns)
    return DayHistogram(len(matrix), 0, counted, profile.prediction.count(probabilities))


def alarm_rate(reference_rows: int, rows: int, windows: int = 200) -> float:
    generator = np.random.default_rng(42)
    alarms = 0
    for number in range(windows):
        if number % 10 == 0:  # a reference is drawn too, so no single one decides
            profile = reference(generator, reference_rows)
        drift = judge_drift(profile, window(profile, sample(generator, rows), generator.random(rows)))
        alarms += bool(drift.verdict)
    return alarms / windows


@pytest.mark.parametrize(("reference_rows", "rows"), [(1000, 100), (1000, 1000), (5000, 500)])
def test_without_drift_at_most_five_windows_in_a_hundred_alarm_over_50_columns(
    reference_rows: int, rows: int
) -> None:
    # three standard errors of 200 windows above the promised rate would still be chance
    assert alarm_rate(reference_rows, rows) <= FALSE_ALARM_RATE + 3 * np.sqrt(0.05 * 0.95 / 200)


@pytest.mark.parametrize("rows", [300, 3000])
def test_one_shifted_column_of_fifty_is_found_and_no_other(rows: int) -> None:
    generator = np.random.default_rng(1)
    profile = reference(generator, 10_000)
    for _ in range(20):
        drift = judge_drift(profile, window(profile, sample(generator, rows, 1.0), generator.random(rows)))
        assert [column.name for column in drift.columns if column.drifted] == ["column-0"]
        assert drift.columns[0].name == "column-0"


def test_a_huge_window_does_not_cry_wolf_over_a_tiny_shift() -> None:
    generator = np.random.default_rng(2)
    profile = profile_column("x", generator.normal(size=200_000))
    [column] = compare_columns([(profile, profile.count(generator.normal(0.05, 1, 200_000)))])
    assert column.p_value < 1e-6
    assert not column.drifted


def test_a_small_window_does_not_cry_wolf_over_a_large_looking_shift() -> None:
    generator = np.random.default_rng(3)
    profile = profile_column("x", generator.normal(size=5000))
    tiny = [compare_columns([(profile, profile.count(generator.normal(size=30)))])[0] for _ in range(200)]
    assert sum(column.psi > 0.2 for column in tiny) > 100
    assert sum(column.drifted for column in tiny) <= 20


def test_a_drift_of_the_predictions_alone_is_drift() -> None:
    generator = np.random.default_rng(4)
    profile = reference(generator, 5000)
    drift = judge_drift(profile, window(profile, sample(generator, 500), generator.random(500) / 3))
    assert drift.verdict
    assert drift.prediction is not None
    assert drift.prediction.drifted
    assert not any(column.drifted for column in drift.columns)


def test_too_few_rows_have_no_verdict() -> None:
    generator = np.random.default_rng(5)
    profile = reference(generator, 500)
    few = MIN_ROWS - 1
    drift = judge_drift(profile, window(profile, sample(generator, few), generator.random(few)))
    assert (drift.verdict, drift.columns) == (None, ())


def test_values_that_go_missing_are_an_issue_of_the_data_and_no_drift() -> None:
    generator = np.random.default_rng(6)
    values = generator.normal(size=5000)
    profile = profile_column("x", values)
    current = generator.normal(size=1000)
    current[generator.random(1000) < 0.3] = np.nan
    [column] = compare_columns([(profile, profile.count(current))])
    assert column.issues == ("missing",)
    assert not column.drifted
    assert column.missing_share == pytest.approx(0.3, abs=0.05)


def test_a_column_that_is_wholly_missing_is_named_and_breaks_nothing() -> None:
    profile = profile_column("x", np.arange(1000.0))
    [column] = compare_columns([(profile, profile.count(np.full(200, np.nan)))])
    assert (column.issues, column.drifted, column.psi) == (("missing",), False, 0.0)


@pytest.mark.parametrize("levels", [30, 300])
def test_many_categories_in_a_small_window_do_not_cry_wolf(levels: int) -> None:
    generator = np.random.default_rng(7)
    names = [str(level) for level in range(levels)]
    shares = 1 / np.arange(1, levels + 1)
    alarms = 0
    for _ in range(100):
        seen, now = (
            generator.choice(levels, rows, p=shares / shares.sum()).astype(float) for rows in (5000, 200)
        )
        profile = profile_column("dest", seen, names)
        alarms += compare_columns([(profile, profile.count(now))])[0].drifted
    assert alarms <= 8
