"""Lambda's own lines about an invocation in JSON, for functions whose `LoggingConfig` asks for that format.

Which event has which level: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from emulator.runtime.model import FunctionSpec, Invocation

_LEVELS = ("DEBUG", "INFO", "WARN")


def init_start(spec: FunctionSpec, runtime_version: str, now: datetime) -> list[str]:
    """Say that a worker starts.

    Parameters
    ----------
    spec
        The function.
    runtime_version
        Such as ``python:3.13.1``.
    now
        The time.

    Returns
    -------
    list of str
        The line, if the function's system level lets it pass.
    """
    record = {
        "initializationType": "on-demand",
        "phase": "init",
        "runtimeVersion": runtime_version,
        "functionName": spec.name,
        "functionVersion": spec.version,
    }
    return _event(spec, "INFO", "platform.initStart", record, now)


def init_report(
    spec: FunctionSpec, init_ms: float, phase: str, state: Mapping[str, str], now: datetime
) -> list[str]:
    """Say how an init phase failed.

    Parameters
    ----------
    spec
        The function.
    init_ms
        Time it took.
    phase
        ``init``, or ``invoke`` when it was repeated within an invocation.
    state
        ``Status`` and ``Error Type``.
    now
        The time.

    Returns
    -------
    list of str
        The line, if the function's system level lets it pass.
    """
    record: dict[str, Any] = {
        "initializationType": "on-demand",
        "phase": phase,
        "status": state.get("Status", "error"),
        "metrics": {"durationMs": round(init_ms, 3)},
    }
    if "Error Type" in state:
        record["errorType"] = state["Error Type"]
    return _event(spec, "WARN", "platform.initReport", record, now)


def start(spec: FunctionSpec, request_id: str, now: datetime) -> list[str]:
    """Say that an invocation begins.

    Parameters
    ----------
    spec
        The function.
    request_id
        The invocation's.
    now
        The time.

    Returns
    -------
    list of str
        The line, if the function's system level lets it pass.
    """
    return _event(spec, "INFO", "platform.start", {"requestId": request_id, "version": spec.version}, now)


def report(spec: FunctionSpec, invocation: Invocation, state: Mapping[str, str], now: datetime) -> list[str]:
    """Say how an invocation went.

    Parameters
    ----------
    spec
        The function.
    invocation
        What became of it.
    state
        ``Status`` and ``Error Type`` of a failure of the runtime.
    now
        The time.

    Returns
    -------
    list of str
        What the function's system level lets pass of ``platform.runtimeDone`` and ``platform.report``.
    """
    status = state.get("Status", "success")
    level = "INFO" if status == "success" else "WARN"
    metrics: dict[str, Any] = {
        "durationMs": round(invocation.duration_ms, 3),
        "billedDurationMs": math.ceil(invocation.duration_ms + (invocation.init_ms or 0.0)),
        "memorySizeMB": spec.memory_mb,
        "maxMemoryUsedMB": min(invocation.max_memory_mb, spec.memory_mb),
    }
    if invocation.init_ms is not None:
        metrics["initDurationMs"] = round(invocation.init_ms, 3)
    outcome: dict[str, Any] = {"requestId": invocation.request_id, "status": status}
    if "Error Type" in state:
        outcome["errorType"] = state["Error Type"]
    done = {**outcome, "metrics": {"durationMs": metrics["durationMs"]}}
    return [
        *_event(spec, "DEBUG" if level == "INFO" else "WARN", "platform.runtimeDone", done, now),
        *_event(spec, level, "platform.report", {**outcome, "metrics": metrics}, now),
    ]


def _event(spec: FunctionSpec, level: str, kind: str, record: Mapping[str, Any], now: datetime) -> list[str]:
    if _LEVELS.index(level) < _LEVELS.index(spec.logs.system_level):
        return []
    time = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
    return [json.dumps({"time": time, "type": kind, "record": record})]
