"""The pool of worker processes: cold and warm starts, limits, log lines, and an end for all of them.

`Pool.invoke` takes a free worker of the function's revision or starts one, up to the function's
concurrency; beyond that callers wait their turn. Idle workers stay warm until their memory together
passes the budget; then the one unused longest goes first.
"""

import shutil
import sys
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
from emulator.runtime import report
from emulator.runtime.environment import Packaging
from emulator.runtime.model import (
    SYNC_PAYLOAD_LIMIT_BYTES,
    FunctionSpec,
    Invocation,
    PayloadTooLargeError,
    PoolClosedError,
    ThrottledError,
)
from emulator.runtime.worker import Call, Outcome, Worker

__all__ = ["FunctionSpec", "Invocation", "Pool"]

LogSink = Callable[[FunctionSpec, str, list[str]], None]
"""Takes the lines of one invocation: function, log stream, lines."""

_WAIT_FOR_WORKER_SECONDS = 300.0
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
    concurrency
        Workers a function may have when it reserves none.
    idle_memory_mb
        Memory that idle workers may hold together.
    packaging
        Where third-party dependencies come from.
    """

    def __init__(
        self,
        *,
        handed_in: Callable[[FunctionSpec], Mapping[str, str]],
        logs: LogSink = _no_logs,
        concurrency: int = 3,
        idle_memory_mb: int = 3000,
        packaging: Packaging = Packaging.DEVELOPMENT,
    ) -> None:
        self._handed_in = handed_in
        self._logs = logs
        self._concurrency = concurrency
        self._idle_memory_mb = idle_memory_mb
        self._packaging = packaging
        self._changed = threading.Condition()
        self._fleets: dict[str, _Fleet] = {}
        self._out: set[Worker] = set()
        self._closed = False
        self._recent: deque[Invocation] = deque(maxlen=_RECENT)
        self._root = Path(tempfile.mkdtemp(prefix=leftovers.prefix("lambda")))

    def invoke(
        self,
        spec: FunctionSpec,
        payload: bytes,
        *,
        invoked_arn: str | None = None,
        request_id: str | None = None,
        client_context: str | None = None,
        trace: str | None = None,
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

        Returns
        -------
        Invocation
            Answer or error document, with duration, memory and log tail.

        Raises
        ------
        PayloadTooLargeError
            The payload is over 6 MB.
        ThrottledError
            The function reserves no concurrency at all, or no worker became free.
        PoolClosedError
            The pool is closed.
        """
        if len(payload) > SYNC_PAYLOAD_LIMIT_BYTES:
            raise PayloadTooLargeError(
                f"{len(payload)} byte payload is too large for the RequestResponse invocation type "
                f"(limit {SYNC_PAYLOAD_LIMIT_BYTES} bytes)"
            )
        worker, cold = self._take(spec)
        usable = False
        try:
            headers = {
                name: value
                for name, value in (
                    ("Lambda-Runtime-Invoked-Function-Arn", invoked_arn),
                    ("Lambda-Runtime-Trace-Id", trace),
                    ("Lambda-Runtime-Client-Context", client_context),
                )
                if value is not None
            }
            request_id = request_id or str(uuid.uuid4())
            invocation, usable = self._run(worker, payload, request_id, headers, cold=cold)
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

    def _take(self, spec: FunctionSpec) -> tuple[Worker, bool]:
        limit = self._concurrency if spec.reserved_concurrency is None else spec.reserved_concurrency
        if limit == 0:
            raise ThrottledError(f"function {spec.name} reserves a concurrency of 0: Rate Exceeded.")
        with self._changed:
            fleet = self._fleets.setdefault(spec.arn, _Fleet())
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

    def _start(self, spec: FunctionSpec, fleet: _Fleet) -> Worker:
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{spec.version}]{uuid.uuid4().hex}"
        try:
            worker = Worker(
                spec,
                handed_in=self._handed_in(spec),
                tmp_dir=self._root / uuid.uuid4().hex,
                log_stream=stream,
                packaging=self._packaging,
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

    def _run(
        self, worker: Worker, payload: bytes, request_id: str, headers: Mapping[str, str], *, cold: bool
    ) -> tuple[Invocation, bool]:
        spec = worker.spec
        started_at = datetime.now(UTC)
        outcome = worker.initialise() if cold else None
        prologue = worker.take_output() if cold else b""
        began = time.perf_counter()
        if outcome is None:
            deadline_ms = int((time.time() + spec.timeout_seconds) * 1000)
            call = Call(request_id, payload, deadline_ms, headers)
            outcome = worker.invoke(call, spec.timeout_seconds)
        duration_ms = (time.perf_counter() - began) * 1000
        lines = _log_lines(
            worker, outcome, request_id, duration_ms=duration_ms, prologue=prologue if cold else None
        )
        self._logs(spec, worker.log_stream, lines)
        invocation = Invocation(
            request_id=request_id,
            payload=outcome.payload,
            status=outcome.status,
            function_error=None if outcome.status == "ok" else "Unhandled",
            duration_ms=duration_ms,
            init_ms=worker.init_ms if cold else None,
            max_memory_mb=worker.max_memory_mb,
            log_tail=report.tail(lines),
            function_name=spec.name,
            version=spec.version,
            started_at=started_at,
        )
        return invocation, outcome.usable


def _log_lines(
    worker: Worker, outcome: Outcome, request_id: str, *, duration_ms: float, prologue: bytes | None
) -> list[str]:
    lines: list[str] = []
    if prologue is not None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        lines.append(f"INIT_START Runtime Version: python:{version}")
        lines.extend(report.split_lines(prologue))
    lines.append(report.start_line(request_id, worker.spec.version))
    lines.extend(report.split_lines(worker.take_output()))
    if outcome.status == "timeout":
        lines.append(f"{request_id} Task timed out after {worker.spec.timeout_seconds:.2f} seconds")
    lines.append(report.end_line(request_id))
    lines.append(
        report.report_line(
            request_id,
            duration_ms=duration_ms,
            memory_mb=worker.spec.memory_mb,
            max_memory_mb=worker.max_memory_mb,
            init_ms=worker.init_ms if prologue is not None else None,
            failure=None if outcome.status == "ok" else outcome.status,
        )
    )
    return lines
