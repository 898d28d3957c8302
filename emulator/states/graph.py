"""A state machine as a graph, and how far an execution has come in it: what the page draws.

States are flat, with the state they lie in as their parent: a Map's processor and a Parallel's branches are
levels of their own. Names are unique within a machine, so a state's name is its id.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_BROKEN = ("Failed", "TimedOut", "Aborted")


def graph(definition: str) -> dict[str, Any]:
    """Give the states of a definition and what leads from one to the next.

    Parameters
    ----------
    definition
        In the Amazon States Language.

    Returns
    -------
    dict
        ``start``: the first state's id; ``states``: a list of ``{"id", "label", "type", "parent", "next"}``,
        outer states before those inside them. ``parent`` is an id or None, ``next`` a list of
        ``{"to", "kind", "title"}`` with the kinds ``next``, ``choice``, ``default`` and ``catch``.

    Examples
    --------
    >>> states = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}
    >>> drawn = graph(json.dumps({"StartAt": "A", "States": states}))
    >>> drawn["start"], [state["id"] for state in drawn["states"]], drawn["states"][0]["next"]
    ('A', ['A', 'B'], [{'to': 'B', 'kind': 'next', 'title': 'next'}])
    """
    machine = json.loads(definition)
    return {"start": machine["StartAt"], "states": list(_level(machine, None))}


def progress(execution: Any) -> dict[str, dict[str, Any]]:
    """Say what became of each state an execution has entered.

    Parameters
    ----------
    execution
        moto's.

    Returns
    -------
    dict
        By state id: ``status`` of its latest round (``entered``, ``succeeded``, ``failed``, ``caught`` or
        ``aborted``), ``count`` (how often it was entered) and ``current`` (whether it works, or waits, now).
    """
    events = execution.to_history_output()["events"]
    return progress_of(events, str(getattr(execution.exec_status, "value", execution.exec_status)))


def progress_of(events: Iterable[Mapping[str, Any]], status: str) -> dict[str, dict[str, Any]]:
    """Read a history: `progress` of an execution with this status.

    Parameters
    ----------
    events
        As `GetExecutionHistory` gives them.
    status
        Of the execution, such as ``RUNNING``.

    Returns
    -------
    dict
        As `progress` has it.

    Examples
    --------
    >>> entered = {"id": 2, "previousEventId": 0, "type": "WaitStateEntered"}
    >>> progress_of([{**entered, "stateEnteredEventDetails": {"name": "W"}}], "RUNNING")
    {'W': {'status': 'entered', 'count': 1, 'current': True}}
    """
    found: dict[str, dict[str, Any]] = {}
    open_rounds: dict[str, int] = {}
    state_of: dict[int, str] = {}
    broken: set[int] = set()
    for event in events:
        kind = str(getattr(event["type"], "value", event["type"]))
        previous = int(event["previousEventId"])
        name = _named(event) or state_of.get(previous, "")
        state_of[int(event["id"])] = name
        if kind.endswith("StateEntered"):
            entry = found.setdefault(name, {"status": "entered", "count": 0, "current": False})
            entry.update(status="entered", count=entry["count"] + 1)
            open_rounds[name] = open_rounds.get(name, 0) + 1
        elif kind.endswith("StateExited"):
            open_rounds[name] -= 1
            found[name]["status"] = "caught" if previous in broken else "succeeded"
        elif kind.endswith(_BROKEN):
            broken.add(int(event["id"]))
    _close(found, open_rounds, status)
    return found


def _close(found: dict[str, dict[str, Any]], open_rounds: Mapping[str, int], status: str) -> None:
    """Settle the states that were entered and never left: they run, or broke off with the execution."""
    left_open = {"RUNNING": "entered", "ABORTED": "aborted", "SUCCEEDED": "succeeded"}.get(status, "failed")
    for name, rounds in open_rounds.items():
        if rounds > 0:
            found[name].update(status=left_open, current=status == "RUNNING")


def _named(event: Mapping[str, Any]) -> str | None:
    for key in ("stateEnteredEventDetails", "stateExitedEventDetails"):
        if key in event:
            return str(event[key]["name"])
    return None


def _level(machine: Mapping[str, Any], parent: str | None) -> Iterator[dict[str, Any]]:
    for name, state in machine["States"].items():
        yield {"id": name, "label": name, "type": state["Type"], "parent": parent, "next": list(_next(state))}
    for name, state in machine["States"].items():
        for inner in inner_machines(state):
            yield from _level(inner, name)


def inner_machines(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the machines inside a state: a Parallel's branches, a Map's processor.

    Parameters
    ----------
    state
        One state of a definition.

    Returns
    -------
    list of dict
        Each with ``StartAt`` and ``States``.
    """
    processor = state.get("ItemProcessor") or state.get("Iterator")
    return [*state.get("Branches", ()), *([processor] if processor else ())]


def _next(state: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    if "Next" in state:
        yield {"to": state["Next"], "kind": "next", "title": "next"}
    for choice in state.get("Choices", ()):
        yield {"to": choice["Next"], "kind": "choice", "title": _condition(choice)}
    if "Default" in state:
        yield {"to": state["Default"], "kind": "default", "title": "otherwise"}
    for catcher in state.get("Catch", ()):
        yield {"to": catcher["Next"], "kind": "catch", "title": f"on {', '.join(catcher['ErrorEquals'])}"}


def _condition(choice: Mapping[str, Any]) -> str:
    if "And" in choice or "Or" in choice:
        joint = "And" if "And" in choice else "Or"
        return f" {joint.lower()} ".join(f"({_condition(part)})" for part in choice[joint])
    if "Not" in choice:
        return f"not ({_condition(choice['Not'])})"
    tests = {
        key: value for key, value in choice.items() if key not in ("Variable", "Next", "Comment", "Assign")
    }
    return " ".join(
        f"{choice.get('Variable', '')} {name} {json.dumps(value)}" for name, value in tests.items()
    )
