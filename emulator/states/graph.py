"""A state machine as a graph, and how far an execution has come in it: what the page draws.

States are flat, with the state they lie in as their parent: a Map's processor and a Parallel's branches are
levels of their own. Names are unique within a machine, so a state's name is its id.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
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
    followed = _Followed(_members(json.loads(execution.state_machine.definition)))
    for event in execution.to_history_output()["events"]:
        followed.take(event)
    return followed.closed(str(getattr(execution.exec_status, "value", execution.exec_status)))


class _Followed:
    """A history, read from its beginning.

    Parameters
    ----------
    members
        Names of the states inside each state.
    """

    def __init__(self, members: Mapping[str, set[str]]) -> None:
        self._members = members
        self._found: dict[str, dict[str, Any]] = {}
        self._open: Counter[str] = Counter()
        self._broken: set[int] = set()

    def take(self, event: Mapping[str, Any]) -> None:
        """Read the next event."""
        kind = str(getattr(event["type"], "value", event["type"]))
        if kind.endswith("StateEntered"):
            name = str(event["stateEnteredEventDetails"]["name"])
            entry = self._found.setdefault(name, {"status": "", "count": 0, "current": False})
            entry.update(
                status="failed" if kind == "FailStateEntered" else "entered", count=entry["count"] + 1
            )
            self._open[name] += kind != "FailStateEntered"
        elif kind.endswith("StateExited"):
            name = str(event["stateExitedEventDetails"]["name"])
            self._open[name] -= 1
            self._found[name]["status"] = (
                "caught" if int(event["previousEventId"]) in self._broken else "succeeded"
            )
            self._leave(self._members.get(name, set()), "aborted")
        elif kind.endswith(_BROKEN):
            self._broken.add(int(event["id"]))

    def closed(self, status: str) -> dict[str, dict[str, Any]]:
        """Give what was found, of an execution with this status."""
        for name in +self._open:
            self._found[name]["current"] = status == "RUNNING"
        if status != "RUNNING":
            self._leave(set(self._found), "aborted" if status == "ABORTED" else "failed")
        return self._found

    def _leave(self, names: set[str], status: str) -> None:
        """Settle states that were entered and never left."""
        for name in names & (+self._open).keys():
            self._found[name]["status"] = status
            del self._open[name]


def _members(machine: Mapping[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, state in machine["States"].items():
        inner = [_members(each) | {"": set(each["States"])} for each in inner_machines(state)]
        for members in inner:
            found.setdefault(name, set()).update(*members.values())
            found |= {key: value for key, value in members.items() if key}
    return found


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
