"""The pool of worker processes: cold and warm starts, limits, log lines, and an end for all of them.

`Pool.invoke` takes a free worker of the function's revision or starts one, up to the function's
concurrency. Beyond what the function reserves a call is throttled, as on Lambda; beyond what this machine
can run callers wait their turn. Idle workers stay warm until their memory together
passes the budget; then the one unused longest goes first.
"""

import os
import shutil
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from emulator import leftovers
from emulator.runtime.environment import Packaging
from emulator.runtime.invocation import INIT_LIMIT_SECONDS, Event, LogSink, run
from emulator.runtime.isolation import Isolation, strongest
from emulator.runtime.launch import Launcher
from emulator.runtime.model import (
    SYNC_PAYLOAD_LIMIT_BYTES,
    FunctionSpec,
    Invocation,
    PayloadTooLargeError,
    PoolClosedError,
    ThrottledError,
)
from emulator.runtime.worker import Worker

__all__ = ["FunctionSpec", "Invocation", "Pool"]

_WAIT_FOR_WORKER_SECONDS = 300.0
_LEAST_CONCURRENCY = 3
_RECENT = 1000


@dataclass
class _Fleet:
    """Workers of one function: how many are out, and those that wait, least recently used first."""

    busy: int = 0
    idle: list[Worker] = field(default_factory=list)
    invocations: int = 0
    errors: int = 0

    def take(self, spec: FunctionSpec) -> tuple[Worker | None, list[Worker]]:
        """Give the worker of this revision used last, and those that nobody can use any more.

        Published versions keep their workers while others run: an alias may share its calls among two.
        """
        worker: Worker | None = None
        kept: list[Worker] = []
        stale: list[Worker] = []
        for candidate in reversed(self.idle):
            outdated = candidate.spec.version == spec.version and candidate.spec.revision != spec.revision
            if outdated or not candidate.is_alive():
                stale.append(candidate)
            elif worker is None and candidate.spec.revision == spec.revision:
                worker = candidate
            else:
                kept.append(candidate)
        self.idle = kept[::-1]
        return worker, stale


@dataclass(frozen=True)
class Census:
    """One function's workers now, and what all of its workers have done so far."""

    busy: int
    idle: int
    invocations: int
    errors: int


def _no_logs(_spec: FunctionSpec, _stream: str, _lines: list[str]) -> None:
    """Keep no logs."""


class Pool(AbstractContextManager["Pool"]):
    """Runs functions in worker processes.

    Parameters
    ----------
    handed_in
        Gives the credentials of the function's role and `AWS_ENDPOINT_URL`, for each worker started.
    logs
        Receives the log lines of each invocation, in one call.
    idle_memory_mb
        Memory that idle workers may hold together.
    packaging
        Where third-party dependencies come from.
    isolation
        How file systems are kept apart; without it, by the strongest means of this machine.
    init_limit_seconds
        Time the init phase may take.
    """

    def __init__(
        self,
        *,
        handed_in: Callable[[FunctionSpec], Mapping[str, str]],
        logs: LogSink = _no_logs,
        idle_memory_mb: int = 3000,
        packaging: Packaging = Packaging.DEVELOPMENT,
        isolation: Isolation | None = None,
        init_limit_seconds: float = INIT_LIMIT_SECONDS,
    ) -> None:
        self._handed_in = handed_in
        self._logs = logs
        self._idle_memory_mb = idle_memory_mb
        self._init_limit_seconds = init_limit_seconds
        self._changed = threading.Condition()
        self._fleets: dict[str, _Fleet] = {}
        self._out: set[Worker] = set()
        self._closed = False
        self._recent: deque[Invocation] = deque(maxlen=_RECENT)
        self._root = Path(tempfile.mkdtemp(prefix=leftovers.prefix("lambda")))
        self.isolation = isolation or strongest()
        self._launcher = Launcher(self._root, packaging=packaging, isolation=self.isolation)

    def invoke(
        self,
        spec: FunctionSpec,
        payload: bytes,
        *,
        invoked_arn: str | None = None,
        request_id: str | None = None,
        client_context: str | None = None,
        trace: str | None = None,
        in_turn: bool = False,
    ) -> Invocation:
        """Run one event through a function and wait for what becomes of it.

        Parameters
        ----------
        spec
            The function; another `revision` starts new workers.
        payload
            The event, JSON.
        invoked_arn
            What the caller named, with its version or alias, for `context.invoked_function_arn`; without
            it, the function's own ARN.
        request_id
            Id of the invocation; attempts at one asynchronous event share it. Without it, a new one.
        client_context
            Client context, JSON, for `context.client_context`.
        trace
            X-Ray trace header.
        in_turn
            Wait for a worker when all that the function reserves are busy, as pollers do.

        Returns
        -------
        Invocation
            Answer or error document, with duration, memory and log tail.

        Raises
        ------
        PayloadTooLargeError
            The payload is over 6 MB.
        ThrottledError
            The function reserves no concurrency at all, all that it reserves is taken, or no worker became
            free.
        PoolClosedError
            The pool is closed.
        """
        if len(payload) > SYNC_PAYLOAD_LIMIT_BYTES:
            raise PayloadTooLargeError(
                f"{len(payload)} byte payload is too large for the RequestResponse invocation type "
                f"(limit {SYNC_PAYLOAD_LIMIT_BYTES} bytes)"
            )
        event = Event(request_id or str(uuid.uuid4()), payload, invoked_arn, client_context, trace)
        worker, cold = self._take(spec, in_turn=in_turn)
        usable = False
        try:
            invocation, usable = run(
                worker, event, cold=cold, init_limit_seconds=self._init_limit_seconds, logs=self._logs
            )
        finally:
            self._give_back(worker, usable=usable)
        with self._changed:
            fleet = self._fleets[spec.arn]
            fleet.invocations += 1
            fleet.errors += invocation.function_error is not None
        self._recent.append(invocation)
        return invocation

    def in_flight(self) -> int:
        """Count workers that are handling an event or starting for one."""
        with self._changed:
            return sum(fleet.busy for fleet in self._fleets.values())

    def census(self) -> dict[str, Census]:
        """Count workers and invocations by the function's ARN.

        Returns
        -------
        dict of str to Census
            Functions that were never invoked are not in it.
        """
        with self._changed:
            return {
                arn: Census(fleet.busy, len(fleet.idle), fleet.invocations, fleet.errors)
                for arn, fleet in self._fleets.items()
            }

    def recent(self) -> list[Invocation]:
        """Give the last 1,000 invocations, oldest first."""
        return list(self._recent)

    def close(self) -> None:
        """End every worker, busy ones too, and remove their folders."""
        with self._changed:
            self._closed = True
            idle = [worker for fleet in self._fleets.values() for worker in fleet.idle]
            for fleet in self._fleets.values():
                fleet.idle.clear()
            for worker in self._out:
                worker.kill()  # the thread that drives it sees the end and cleans up
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._out, timeout=5.0)
        for worker in idle:
            worker.close()
        shutil.rmtree(self._root, ignore_errors=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self

    def _take(self, spec: FunctionSpec, *, in_turn: bool) -> tuple[Worker, bool]:
        limit = self._limit_of(spec)
        if limit == 0:
            raise ThrottledError(f"function {spec.name} reserves a concurrency of 0: Rate Exceeded.")
        with self._changed:
            fleet = self._fleets.setdefault(spec.arn, _Fleet())
            if spec.reserved_concurrency is not None and fleet.busy >= limit and not in_turn:
                raise ThrottledError(
                    f"function {spec.name} has all {limit} invocations going on that it reserves: "
                    "Rate Exceeded."
                )
            free = self._changed.wait_for(
                lambda: self._closed or fleet.busy < limit, timeout=_WAIT_FOR_WORKER_SECONDS
            )
            if self._closed:
                raise PoolClosedError(f"the worker pool is closed; {spec.name} is not started")
            if not free:
                raise ThrottledError(
                    f"all {limit} workers of {spec.name} are busy since {_WAIT_FOR_WORKER_SECONDS:.0f} s: "
                    "Rate Exceeded."
                )
            fleet.busy += 1
            worker, stale = fleet.take(spec)
            if worker is not None:
                self._out.add(worker)
        for old in stale:
            old.close()
        if worker is not None:
            return worker, False
        return self._start(spec, fleet), True

    def _limit_of(self, spec: FunctionSpec) -> int:
        """Count the workers a function may have.

        Lambda gives an account 1,000 and a machine has a few processors: without a reservation there are
        as many as fit into the memory of idle workers, at most four a processor and at least three.
        """
        if spec.reserved_concurrency is not None:
            return spec.reserved_concurrency
        fitting = self._idle_memory_mb // spec.memory_mb
        return max(_LEAST_CONCURRENCY, min(fitting, 4 * (os.cpu_count() or 1)))

    def _start(self, spec: FunctionSpec, fleet: _Fleet) -> Worker:
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{spec.version}]{uuid.uuid4().hex}"
        try:
            worker = Worker(
                spec,
                launcher=self._launcher,
                handed_in=self._handed_in(spec),
                log_stream=stream,
            )
        except BaseException:
            with self._changed:
                fleet.busy -= 1
                self._changed.notify_all()
            raise
        with self._changed:
            self._out.add(worker)
            if self._closed:
                worker.kill()
        return worker

    def _give_back(self, worker: Worker, *, usable: bool) -> None:
        leaving: list[Worker] = []
        with self._changed:
            fleet = self._fleets[worker.spec.arn]
            fleet.busy -= 1
            if usable and not self._closed:
                worker.idle_since = time.monotonic()
                fleet.idle.append(worker)
                leaving = self._over_budget()
            else:
                leaving = [worker]
            self._out.discard(worker)
            # Waiters of all functions share the condition: waking one could wake the wrong one.
            self._changed.notify_all()
        for old in leaving:
            old.close()

    def _over_budget(self) -> list[Worker]:
        idle = sorted(
            (worker for fleet in self._fleets.values() for worker in fleet.idle),
            key=lambda worker: worker.idle_since,
        )
        held = sum(worker.memory_mb for worker in idle)
        leaving = []
        for worker in idle[:-1]:  # the one just used may come back at once
            if held <= self._idle_memory_mb:
                break
            held -= worker.memory_mb
            self._fleets[worker.spec.arn].idle.remove(worker)
            leaving.append(worker)
        return leaving
