"""The page's graph shows every state, and progress what became of it."""

import json
from typing import Any

from emulator.states.graph import graph, progress

EACH = {
    "StartAt": "Each",
    "States": {"Each": {"Type": "Wait", "SecondsPath": "$", "Next": "Done"}, "Done": {"Type": "Succeed"}},
}
STATES: dict[str, Any] = {
    "Map": {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": EACH,
        "ResultPath": None,
        "Next": "Choose",
    },
    "Choose": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.go", "BooleanEquals": True, "Next": "Both"}],
        "Default": "No",
    },
    "Both": {
        "Type": "Parallel",
        "Branches": [
            {"StartAt": "Left", "States": {"Left": {"Type": "Pass", "End": True}}},
            {"StartAt": "Right", "States": {"Right": {"Type": "Fail", "Error": "Broken"}}},
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Rest"}],
        "End": True,
    },
    "Rest": {"Type": "Wait", "Seconds": 60, "Next": "No"},
    "No": {"Type": "Fail", "Error": "No"},
}


def test_states_are_flat_with_their_parents_and_edges_have_kinds() -> None:
    drawn = graph(json.dumps({"StartAt": "Map", "States": STATES}))
    assert drawn["start"] == "Map"
    states = {state["id"]: state for state in drawn["states"]}
    assert {name: state["parent"] for name, state in states.items()} == {
        **dict.fromkeys(STATES),
        "Each": "Map",
        "Done": "Map",
        "Left": "Both",
        "Right": "Both",
    }
    assert states["Choose"]["next"] == [
        {"to": "Both", "kind": "choice", "title": "$.go BooleanEquals true"},
        {"to": "No", "kind": "default", "title": "otherwise"},
    ]
    assert states["Both"]["next"] == [{"to": "Rest", "kind": "catch", "title": "on States.ALL"}]


def test_progress_follows_an_execution_from_state_to_state(machines: Any) -> None:
    machines.start(machines.make("drawn", STATES), {"items": [10, 30], "go": True})
    [execution] = machines.running()
    each = {"status": "entered", "count": 2, "current": True}
    assert progress(execution) == {"Map": {"status": "entered", "count": 1, "current": True}, "Each": each}

    machines.pass_time(seconds=10)
    found = progress(execution)
    assert (found["Each"]["current"], found["Done"]["status"]) == (True, "succeeded")

    machines.pass_time(seconds=20)
    found = progress(execution)
    assert {name: state["status"] for name, state in found.items() if name not in ("Left", "Right")} == {
        "Map": "succeeded",
        "Each": "succeeded",
        "Done": "succeeded",
        "Choose": "succeeded",
        "Both": "caught",
        "Rest": "entered",
    }
    assert [name for name, state in found.items() if state["current"]] == ["Rest"]

    machines.pass_time(minutes=1)
    found = progress(execution)
    assert (found["Rest"]["status"], found["No"]["status"]) == ("succeeded", "failed")
    assert not any(state["current"] for state in found.values())
