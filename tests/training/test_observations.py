"""Observations are those whose label was known in time, in one order, split by time."""

from typing import Any

import numpy as np
import pytest

from tests.training.toy import FIRST_DAY, long_trip, trip_rows
from tidemill import TimeSplit
from tidemill.errors import CallerError
from tidemill.expressions import Columns, String, column
from tidemill.training.matrix import TEST, TRAIN, VALIDATION
from tidemill.training.observations import Observed, describe_split, observe, split_by_time

MONDAY_5 = FIRST_DAY + np.timedelta64(35, "D")


def _observed(rows: Columns | None = None, *, cutoff: Any = MONDAY_5) -> Observed:
    return observe(long_trip, rows or trip_rows(56), cutoff)


def test_only_rows_known_by_the_cutoff_are_seen() -> None:
    observed = _observed()
    assert observed.time.values.max() < MONDAY_5
    ended = trip_rows(56)["ended_at"].values
    assert observed.dropped["known after the cutoff"] == (ended >= MONDAY_5).sum()


def test_a_file_that_arrives_at_the_cutoff_is_known() -> None:
    a_moment_before = _observed(cutoff=MONDAY_5 - np.timedelta64(1, "us"))
    assert a_moment_before.time.values.max() < FIRST_DAY + np.timedelta64(28, "D")


def test_rows_without_a_label_teach_nothing_and_are_counted() -> None:
    rows = trip_rows(35)
    observed = _observed(rows)
    known = rows["ended_at"].values < MONDAY_5
    assert observed.dropped["without a label"] == (known & ~rows["minutes"].valid).sum() > 0
    assert len(observed.labels) + sum(observed.dropped.values()) == len(rows["trip"])


def test_rows_without_a_key_are_left_out_and_counted() -> None:
    rows = trip_rows(35)
    names = [None, *rows["trip"].to_list()[1:]]
    first_counts = rows["minutes"].valid[0]
    observed = _observed({**rows, "trip": column(String, names)})
    assert observed.dropped["without a key or time"] == int(first_counts)


def test_the_order_of_rows_does_not_matter() -> None:
    rows = trip_rows(35)
    shuffled = np.random.default_rng(0).permutation(len(rows["trip"]))
    one, other = _observed(rows), _observed({name: each.take(shuffled) for name, each in rows.items()})
    assert one.key.to_list() == other.key.to_list()
    assert (one.labels == other.labels).all()


def test_parts_follow_each_other_in_time_and_have_the_declared_lengths() -> None:
    observed = _observed()
    split = split_by_time("m", observed, TimeSplit(validation="7d", test="2d"))
    times = observed.time.values
    assert times[split == TRAIN].max() < times[split == VALIDATION].min()
    assert times[split == VALIDATION].max() < times[split == TEST].min()
    assert times[-1] - times[split == TEST].min() < np.timedelta64(2, "D")
    assert times[-1] - times[split == VALIDATION].min() < np.timedelta64(9, "D")
    described = describe_split(observed, split)
    assert sum(part["rows"] for part in described.values()) == len(split)
    assert list(described) == ["train", "validation", "test"]


def test_no_observation_at_all_says_where_they_went() -> None:
    with pytest.raises(CallerError, match=r"no observation with a known label.*3360 known after the cutoff"):
        split_by_time("m", _observed(cutoff=FIRST_DAY), long_trip.split)


def test_too_short_a_history_names_the_part_that_is_short() -> None:
    with pytest.raises(CallerError, match="the train part of model `m` has 0 rows"):
        split_by_time("m", _observed(), TimeSplit(validation="70d", test="7d"))


def test_a_single_class_is_refused() -> None:
    rows = trip_rows(56)
    short = column(rows["minutes"].type, np.full(len(rows["trip"]), 1.0))
    with pytest.raises(CallerError, match=r"0 of them positive.*both classes"):
        split_by_time("m", _observed({**rows, "minutes": short}), long_trip.split)
