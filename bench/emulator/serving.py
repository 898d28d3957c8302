"""What the services beside functions cost: a table, a queue that is drained through a function, and rest."""

import time
from collections.abc import Callable, Iterator, Sequence

import psutil

from bench.emulator.app import App
from bench.peers import MINISTACK
from bench.trial import Figure, PeerCannot, Trial, percentile

ITEMS = 100
MESSAGES = 1000
DRAIN_SECONDS = 120.0
POLL_SECONDS = 0.02
IDLE_SECONDS = 10.0
IDLE_BAR_PERCENT = 1.0


def trials(mine: App, peer: App) -> Iterator[Trial]:
    """Give the trials.

    Parameters
    ----------
    mine, peer
        The measured stack on both clouds.
    """
    yield Trial(
        (Figure("PutItem, p50", "ms"), Figure("GetItem, p50", "ms")),
        _items(mine),
        _items(peer),
        MINISTACK.name,
    )
    yield Trial(
        (Figure(f"{MESSAGES:,} messages through a function in batches of 10", "s"),),
        _drained(mine),
        _drained(peer),
        MINISTACK.name,
    )
    yield Trial(
        (
            Figure(f"processor at rest, over {IDLE_SECONDS:.0f} s", "% of a core", IDLE_BAR_PERCENT),
            Figure("memory at rest", "MB"),
        ),
        _resting(mine),
        _resting(peer),
        MINISTACK.name,
        note="the cloud with its warm workers and a polled queue; memory is each process's own (USS).",
    )


def _items(app: App) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        table, puts, gets = app.cloud.client("dynamodb"), [], []
        for number in range(ITEMS):
            key = {"k": {"S": str(number)}}
            began = time.perf_counter()
            table.put_item(TableName=app.table, Item={**key, "v": {"N": "1"}})
            put = time.perf_counter()
            table.get_item(TableName=app.table, Key=key)
            puts.append((put - began) * 1000)
            gets.append((time.perf_counter() - put) * 1000)
        return [percentile(puts, 50), percentile(gets, 50)]

    return measure


def _drained(app: App) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        _switch(app, enabled=False)
        for number in range(0, MESSAGES, 10):
            entries = [{"Id": str(one), "MessageBody": str(number + one)} for one in range(10)]
            app.cloud.client("sqs").send_message_batch(QueueUrl=app.queue_url, Entries=entries)
        if _depth(app) != MESSAGES:
            raise RuntimeError(f"{app.cloud.name} holds {_depth(app)} messages of {MESSAGES}")
        began = time.perf_counter()
        _switch(app, enabled=True)
        while _depth(app):
            if time.perf_counter() - began > DRAIN_SECONDS:
                raise PeerCannot(f"{_depth(app)} messages were left after {DRAIN_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)
        return [time.perf_counter() - began]

    return measure


def _switch(app: App, *, enabled: bool) -> None:
    app.cloud.client("lambda").update_event_source_mapping(UUID=app.mapping_id, Enabled=enabled)


def _depth(app: App) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = app.cloud.client("sqs").get_queue_attributes(QueueUrl=app.queue_url, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def _resting(app: App) -> Callable[[], Sequence[float]]:
    def measure() -> Sequence[float]:
        processes = app.cloud.processes()
        before = sum(map(_processor_seconds, processes))
        time.sleep(IDLE_SECONDS)
        spent = sum(map(_processor_seconds, processes)) - before
        memory = sum(process.memory_full_info().uss for process in processes)
        return [100 * spent / IDLE_SECONDS, memory / 1e6]

    return measure


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
