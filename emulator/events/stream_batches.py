"""What becomes of a batch of stream records that a function has seen: the rules, without threads or clocks.

A batch blocks what comes after it until it succeeds or is given up. It is given up when its retries are
used (`MaximumRetryAttempts`; splitting uses none) or when its records are too old
(`MaximumRecordAgeInSeconds`, at most the 24 hours a stream keeps them).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from emulator.events.streams import RETENTION, Record

Condition = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]

_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(minutes=5)
_UNLIMITED = -1


@dataclass(frozen=True)
class Batch:
    """Records that are handed over together, in order.

    `attempts` counts invocations that failed on them, `retries` those the quota counts, `waits` how often
    they waited in a row.
    """

    records: tuple[Record, ...]
    attempts: int = 0
    retries: int = 0
    waits: int = 0


@dataclass(frozen=True)
class Policy:
    """What a mapping says about failures."""

    splits: bool
    retries: int
    longest_age: timedelta

    @classmethod
    def of(cls, mapping: Any) -> "Policy":
        """Read a mapping.

        Parameters
        ----------
        mapping
            moto's event source mapping.

        Returns
        -------
        Policy
            With AWS's defaults: no split, retries without end, as old as the stream keeps records.
        """
        age = _number(mapping.max_record_age)
        return cls(
            splits=mapping.bisect_on_error in (True, "true"),
            retries=_number(mapping.max_retry_attempts),
            longest_age=RETENTION if age == _UNLIMITED else min(timedelta(seconds=age), RETENTION),
        )


@dataclass(frozen=True)
class Plan:
    """What happens next: batches in the place of the one that was tried, and what is given up."""

    batches: tuple[Batch, ...] = ()
    wait: timedelta = timedelta(0)
    given_up: Batch | None = None


def after_refusal(batch: Batch) -> Plan:
    """Plan after an invocation that never reached the function: the same again, whatever the quota."""
    again = replace(batch, waits=batch.waits + 1)
    return Plan((again,), wait=_wait(again))


def after_failure(batch: Batch, first_failed: int, policy: Policy) -> Plan:
    """Plan after a batch of which a record failed.

    Parameters
    ----------
    batch
        What was handed over.
    first_failed
        Place of the first record that failed; those before it are done. 0 when the function raised.
    policy
        What the mapping says.

    Returns
    -------
    Plan
        The rest at once in two halves, or after a wait as a whole, or given up.
    """
    rest = replace(batch, records=batch.records[first_failed:], attempts=batch.attempts + 1)
    if policy.splits and first_failed:
        # The reported failure is where AWS splits: what lies before it is done, the rest is the other half.
        return Plan((rest,))
    if policy.splits and len(rest.records) > 1:
        half = len(rest.records) // 2
        parts = (rest.records[:half], rest.records[half:])
        return Plan(tuple(replace(rest, records=records) for records in parts))
    if policy.retries != _UNLIMITED and rest.retries >= policy.retries:
        return Plan(given_up=rest)
    again = replace(rest, retries=rest.retries + 1, waits=rest.waits + 1)
    return Plan((again,), wait=_wait(again))


def split_by_age(batch: Batch, now: datetime, policy: Policy) -> tuple[Batch | None, Batch | None]:
    """Part the records of a batch that have become too old from the others.

    Parameters
    ----------
    batch
        About to be tried.
    now
        The cloud's time.
    policy
        What the mapping says.

    Returns
    -------
    tuple
        What is given up, and what is to be tried; None for nothing.
    """
    old = sum(1 for record in batch.records if now - record.created > policy.longest_age)
    if not old:
        return None, batch
    rest = batch.records[old:]
    return replace(batch, records=batch.records[:old]), replace(batch, records=rest) if rest else None


def report(
    batch: Batch, condition: Condition, *, context: Mapping[str, Any], stream_arn: str, shard_id: str
) -> dict[str, Any]:
    """Write what the failure destination is told of a batch that was given up.

    Parameters
    ----------
    batch
        The records.
    condition
        Why.
    context
        `functionArn`, `timestamp`, and of the last invocation `requestId` and `responseContext` if any.
    stream_arn, shard_id
        Where they came from.

    Returns
    -------
    dict
        Metadata, not the records: whoever wants those reads the stream.
    """
    first, last = batch.records[0], batch.records[-1]
    told: dict[str, Any] = {
        "requestContext": {
            **{name: context[name] for name in ("requestId", "functionArn") if name in context},
            "condition": condition,
            "approximateInvokeCount": batch.attempts,
        },
        "version": "1.0",
        "timestamp": context["timestamp"],
        "DDBStreamBatchInfo": {
            "shardId": shard_id,
            "startSequenceNumber": str(first.number),
            "endSequenceNumber": str(last.number),
            "approximateArrivalOfFirstRecord": _to_the_second(first.created),
            "approximateArrivalOfLastRecord": _to_the_second(last.created),
            "batchSize": len(batch.records),
            "streamArn": stream_arn,
        },
    }
    if "responseContext" in context:
        told["responseContext"] = context["responseContext"]
    return told


def _wait(batch: Batch) -> timedelta:
    doublings = min(batch.waits - 1, 16)
    return min(_FIRST_WAIT * (1 << doublings), _LONGEST_WAIT)


def _number(given: Any) -> int:
    return _UNLIMITED if given is None else int(given)


def _to_the_second(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
