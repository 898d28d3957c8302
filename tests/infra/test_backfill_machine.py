"""The state machine that fills a view: a plan, chunks one at a time, their parts side by side, the switch."""

from typing import Any

import pytest


@pytest.fixture(scope="session")
def machine(assembly: Any) -> dict[str, Any]:
    definition: dict[str, Any] = assembly.machine("Backfill")
    return definition


def test_it_plans_fills_and_switches_over(machine: dict[str, Any]) -> None:
    order, state = [], machine["StartAt"]
    while state:
        order.append(state)
        state = machine["States"][state].get("Next")
    assert order == ["PlanBackfill", "Chunks", "FinishBackfill", "Whole"]


def test_it_plans_again_when_much_was_committed_meanwhile(machine: dict[str, Any]) -> None:
    choice = machine["States"]["Whole"]
    assert choice["Default"] == "PlanBackfill"
    (whole,) = choice["Choices"]
    assert (whole["Variable"], whole["BooleanEquals"], whole["Next"]) == ("$.whole", True, "Filled")


def test_chunks_follow_each_other_and_the_parts_of_one_do_not_wait(machine: dict[str, Any]) -> None:
    chunks = machine["States"]["Chunks"]
    parts = chunks["ItemProcessor"]["States"]["Parts"]
    assert chunks["MaxConcurrency"] == 1
    assert parts["MaxConcurrency"] > 1
    work = parts["ItemSelector"]
    assert {name.removesuffix(".$") for name in work} == {
        "view",
        "version",
        "generation",
        "part",
        "of",
        "after",
        "until",
    }


def test_the_plan_stays_the_state_until_the_switch(machine: dict[str, Any]) -> None:
    assert machine["States"]["Chunks"]["ResultPath"] is None


def test_when_the_history_changed_it_plans_anew(machine: dict[str, Any]) -> None:
    for step in ("Chunks", "FinishBackfill"):
        (caught,) = machine["States"][step]["Catch"]
        assert (caught["ErrorEquals"], caught["Next"]) == (["Outdated"], "PlanBackfill")
        assert caught["ResultPath"] == "$.outdated", "view and version stay where they were"


def test_what_passes_is_tried_again(machine: dict[str, Any]) -> None:
    parts = machine["States"]["Chunks"]["ItemProcessor"]["States"]["Parts"]
    fill = parts["ItemProcessor"]["States"]["FillView"]
    for step in (machine["States"]["PlanBackfill"], fill, machine["States"]["FinishBackfill"]):
        assert {"Unavailable", "Conflict"} <= set(step["Retry"][0]["ErrorEquals"])
