"""One state machine execution as the page shows it: input, output, error, and the end of its history."""

import json
from datetime import datetime
from typing import Any

from emulator import aws
from emulator.control.overview import rfc3339
from emulator.states.graph import graph, progress

_LATEST_EVENTS = 200


def describe_execution(arn: str, region: str) -> dict[str, Any]:
    """Describe one execution.

    Parameters
    ----------
    arn
        Of the execution.
    region
        The cloud's region.

    Returns
    -------
    dict
        ``arn``, ``name``, ``machine``, ``status``, ``started``, ``stopped``, ``input``, ``output``,
        ``error``, ``cause``, ``states`` and ``progress`` (as `emulator.states.graph` gives them),
        ``events`` (how many) and ``history`` (the latest 200, oldest first).

    Raises
    ------
    KeyError
        No execution has this ARN.
    """
    for machine in list(aws.backend("stepfunctions", region).state_machines):
        for execution in list(machine.executions):
            if execution.exec_arn == arn:
                return _describe(execution)
    raise KeyError(f"no execution {arn}; the page lists those there are, as does `list_executions`")


def _describe(execution: Any) -> dict[str, Any]:
    described = execution.to_describe_output()
    events = execution.to_history_output()["events"]
    return {
        "arn": execution.exec_arn,
        "name": execution.name,
        "machine": execution.state_machine.name,
        "status": str(execution.status),
        "started": rfc3339(execution.start_date),
        "stopped": rfc3339(execution.stop_date),
        **{key: described.get(key) for key in ("input", "output", "error", "cause")},
        "states": graph(execution.state_machine.definition)["states"],
        "progress": progress(execution),
        "events": len(events),
        "history": [_event(event) for event in events[-_LATEST_EVENTS:]],
    }


def _event(event: dict[str, Any]) -> dict[str, Any]:
    details: dict[str, Any] = next(
        (value for key, value in event.items() if key.endswith("EventDetails") and value), {}
    )
    return {
        "id": event["id"],
        "previous": event.get("previousEventId"),
        "at": rfc3339(_moment(event["timestamp"])),
        "type": str(getattr(event["type"], "value", event["type"])),
        "state": details.get("name"),
        "details": json.loads(json.dumps(details, default=str)),
    }


def _moment(given: datetime | str) -> datetime:
    """Read an event's time, which moto's interpreter keeps as the text it was written as."""
    return datetime.fromisoformat(given) if isinstance(given, str) else given
