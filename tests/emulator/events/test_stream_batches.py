"""What becomes of a batch of stream records after each outcome, rule by rule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.events.stream_batches import (
    Batch,
    Plan,
    Policy,
    after_failure,
    after_refusal,
    split_by_age,
)
from emulator.events.streams import Record

START = datetime(2013, 1, 1, tzinfo=UTC)
WHOLE = Policy(splits=False, retries=-1, longest_age=timedelta(hours=24))


def batch(*numbers: int, **state: Any) -> Batch:
    """Make a batch of records that were written a second apart."""
    return Batch(
        tuple(
            Record({"dynamodb": {"SequenceNumber": str(number)}}, START + timedelta(seconds=number))
            for number in numbers
        ),
        **state,
    )


def numbers(plan: Plan) -> list[list[int]]:
    """Give the records of the planned batches."""
    return [[record.number for record in planned.records] for planned in plan.batches]


def test_waits_double_from_a_second_to_five_minutes() -> None:
    tried, waits = batch(1), []
    for _ in range(12):
        plan = after_failure(tried, 0, WHOLE)
        (tried,) = plan.batches
        waits.append(int(plan.wait.total_seconds()))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_batch_that_never_reached_the_function_uses_no_retry() -> None:
    tried = batch(1, 2)
    for _ in range(5):
        (tried,) = after_refusal(tried).batches
    assert (tried.attempts, tried.retries) == (0, 0)
    once = replace(WHOLE, retries=1)
    plan = after_failure(tried, 0, once)
    assert numbers(plan) == [[1, 2]]
    given_up = after_failure(plan.batches[0], 0, once).given_up
    assert given_up is not None
    assert given_up.attempts == 2


def test_without_retries_a_failed_batch_is_given_up_at_once() -> None:
    plan = after_failure(batch(1, 2, 3), 1, replace(WHOLE, retries=0))
    assert plan.batches == ()
    assert plan.given_up is not None
    assert [record.number for record in plan.given_up.records] == [2, 3]


def test_splitting_uses_no_retry_and_waits_for_nothing() -> None:
    splitting = replace(WHOLE, splits=True, retries=0)
    plan = after_failure(batch(1, 2, 3), 0, splitting)
    assert numbers(plan) == [[1], [2, 3]]
    assert plan.wait == timedelta(0)
    assert [planned.retries for planned in plan.batches] == [0, 0]
    assert after_failure(plan.batches[0], 0, splitting).given_up == replace(plan.batches[0], attempts=2)


def test_splitting_begins_at_the_reported_failure() -> None:
    assert numbers(after_failure(batch(1, 2, 3, 4), 2, replace(WHOLE, splits=True))) == [[3, 4]]


@pytest.mark.parametrize(
    ("age_seconds", "old", "young"), [(60, [], [1, 2, 3]), (28, [1], [2, 3]), (1, [1, 2, 3], [])]
)
def test_records_older_than_the_limit_part_from_the_others(
    age_seconds: int, old: list[int], young: list[int]
) -> None:
    policy = replace(WHOLE, longest_age=timedelta(seconds=age_seconds))
    parts = split_by_age(batch(1, 2, 3), START + timedelta(seconds=30), policy)
    found = [[] if part is None else [record.number for record in part.records] for part in parts]
    assert found == [old, young]
