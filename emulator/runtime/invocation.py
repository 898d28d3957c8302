"""The course of one invocation: the init phase, the handler, and the log lines Lambda writes about them."""

import platform
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from emulator.runtime import report, system_events
from emulator.runtime.model import FunctionSpec, Invocation
from emulator.runtime.worker import Call, Outcome, Worker

INIT_LIMIT_SECONDS = 10.0
"""Time the init phase may take (Lambda execution environment lifecycle)."""

LogSink = Callable[[FunctionSpec, str, list[str]], None]
"""Takes the lines of one invocation: function, log stream, lines."""


@dataclass(frozen=True)
class Event:
    """One event for a function, with what the Runtime API says beside it."""

    request_id: str
    payload: bytes
    invoked_arn: str | None = None
    client_context: str | None = None
    trace: str | None = None

    def headers(self, trace: str) -> dict[str, str]:
        """Give the headers of the Runtime API's answer."""
        given = {
            "Lambda-Runtime-Invoked-Function-Arn": self.invoked_arn,
            "Lambda-Runtime-Client-Context": self.client_context,
            "Lambda-Runtime-Trace-Id": trace,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class _Init:
    """How a cold start went: its lines, its time when it was well, and the failure it ended in."""

    lines: list[str]
    init_ms: float | None
    spent_seconds: float
    failure: Outcome | None


def run(
    worker: Worker, event: Event, *, cold: bool, init_limit_seconds: float, logs: LogSink
) -> tuple[Invocation, bool]:
    """Run one event through a worker.

    Parameters
    ----------
    worker
        Nobody else uses it now.
    event
        The event.
    cold
        Whether the worker has just been started.
    init_limit_seconds
        Time the init phase may take.
    logs
        Receives the log lines, in one call.

    Returns
    -------
    Invocation
        What became of it.
    bool
        Whether the worker can be used again.
    """
    spec = worker.spec
    started_at = datetime.now(UTC)
    trace = event.trace or _unsampled_trace()
    init = _initialise(worker, event.request_id, init_limit_seconds) if cold else _Init([], None, 0.0, None)
    began = time.perf_counter() - init.spent_seconds
    outcome = init.failure
    if outcome is None:
        left = spec.timeout_seconds - init.spent_seconds
        deadline_ms = int((time.time() + left) * 1000)
        outcome = worker.invoke(
            Call(event.request_id, event.payload, deadline_ms, event.headers(trace)), left
        )
    duration_ms = (time.perf_counter() - began) * 1000
    if outcome.status == "timeout":
        duration_ms = spec.timeout_seconds * 1000
    invocation = Invocation(
        request_id=event.request_id,
        payload=outcome.payload,
        status=outcome.status,
        function_error=None if outcome.status == "ok" else "Unhandled",
        duration_ms=duration_ms,
        init_ms=init.init_ms,
        max_memory_mb=worker.max_memory_mb,
        log_tail="",
        function_name=spec.name,
        version=spec.version,
        started_at=started_at,
    )
    lines = [*init.lines, *_lines(worker, invocation, outcome, trace)]
    logs(spec, worker.log_stream, lines)
    return replace(invocation, log_tail=report.tail(lines)), outcome.usable


def _initialise(worker: Worker, request_id: str, limit_seconds: float) -> _Init:
    """Go through the init phase; one that failed is repeated within the invocation, as Lambda does."""
    lines = _init_start(worker.spec)
    began = time.perf_counter()
    failure = worker.initialise(limit_seconds, request_id)
    init_ms = (time.perf_counter() - began) * 1000
    lines += report.split_lines(worker.take_output())
    if failure is None:
        return _Init(lines, init_ms, 0.0, None)
    lines += _init_report(worker.spec, failure, init_ms, "init")
    worker.restart()
    began = time.perf_counter()
    failure = worker.initialise(worker.spec.timeout_seconds, request_id)
    spent_seconds = time.perf_counter() - began
    lines += report.split_lines(worker.take_output())
    if failure is not None:
        lines += _init_report(worker.spec, failure, spent_seconds * 1000, "invoke")
    return _Init(lines, None, spent_seconds, failure)


def _init_start(spec: FunctionSpec) -> list[str]:
    version = f"python:{platform.python_version()}"
    if spec.logs.json_format:
        return system_events.init_start(spec, version, datetime.now(UTC))
    return [f"INIT_START Runtime Version: {version}"]


def _init_report(spec: FunctionSpec, failure: Outcome, init_ms: float, phase: str) -> list[str]:
    if spec.logs.json_format:
        return system_events.init_report(spec, init_ms, phase, _state(failure), datetime.now(UTC))
    return [report.init_report_line(init_ms, phase, _state(failure))]


def _state(outcome: Outcome) -> Mapping[str, str]:
    """Fields of a report line about a failure of the runtime: none for what a handler raised."""
    if outcome.status == "timeout":
        return {"Status": "timeout"}
    return {"Status": "error", "Error Type": outcome.error_type} if outcome.error_type else {}


def _lines(worker: Worker, invocation: Invocation, outcome: Outcome, trace: str) -> list[str]:
    spec = worker.spec
    if spec.logs.json_format:
        return [
            *system_events.start(spec, invocation.request_id, invocation.started_at or datetime.now(UTC)),
            *report.split_lines(worker.take_output()),
            *system_events.report(spec, invocation, _state(outcome), datetime.now(UTC)),
        ]
    lines = [report.start_line(invocation.request_id, spec.version)]
    lines.extend(report.split_lines(worker.take_output()))
    if outcome.status == "timeout":
        lines.append(report.timeout_line(invocation.request_id, spec.timeout_seconds, datetime.now(UTC)))
    lines.append(report.end_line(invocation.request_id))
    lines.append(
        report.report_line(
            invocation.request_id,
            duration_ms=invocation.duration_ms,
            memory_mb=spec.memory_mb,
            max_memory_mb=min(invocation.max_memory_mb, spec.memory_mb),
            init_ms=invocation.init_ms,
            state=_state(outcome),
            trace=trace,
        )
    )
    return lines


def _unsampled_trace() -> str:
    """Make the trace header Lambda gives when the caller has none."""
    root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled=0"
