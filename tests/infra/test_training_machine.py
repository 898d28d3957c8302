"""The training state machine as it is deployed: order of steps, retries, and where failures go."""

import json
from typing import Any

import pytest

STEPS = [
    "PinDataset",
    "BuildTrainingSet",
    "TrainCandidates",
    "SelectCandidate",
    "FitSelected",
    "EvaluateCandidate",
    "CheckGates",
    "RegisterModel",
]


@pytest.fixture(scope="session")
def machine(assembly: Any) -> dict[str, Any]:
    definition: dict[str, Any] = assembly.machine("Training")
    return definition


def test_the_steps_follow_each_other_as_the_architecture_says(machine: dict[str, Any]) -> None:
    states, name, order = machine["States"], machine["StartAt"], []
    while name != "Passed":
        order.append(name)
        name = states[name]["Next"]
    assert order == ["Defaults", "Begin", *STEPS]


def test_a_version_is_promoted_only_if_the_gates_passed(machine: dict[str, Any]) -> None:
    passed = machine["States"]["Passed"]
    assert passed["Choices"] == [
        {"Variable": "$.check_gates.passed", "BooleanEquals": True, "Next": "PromoteModel"}
    ]
    assert passed["Default"] == "KeepChampion"
    assert machine["States"]["KeepChampion"]["Result"] == {"promoted": False}
    assert {machine["States"][name]["Next"] for name in ("PromoteModel", "KeepChampion")} == {
        "AnnounceFinished"
    }


@pytest.mark.parametrize("step", [*STEPS, "PromoteModel"])
def test_a_failure_of_any_step_is_recorded(machine: dict[str, Any], step: str) -> None:
    assert machine["States"][step]["Catch"] == [
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "RecordFailure"}
    ]


def test_a_failed_run_is_announced_and_fails_even_if_recording_it_failed(machine: dict[str, Any]) -> None:
    states = machine["States"]
    assert states["RecordFailure"]["Next"] == states["RecordFailure"]["Catch"][0]["Next"] == "AnnounceFailed"
    assert states["AnnounceFailed"]["Next"] == "NotifyFailed"
    assert states["NotifyFailed"]["Next"] == "Failed"
    assert states["Failed"]["Type"] == "Fail"


def test_lambdas_own_failures_and_passing_ones_of_ours_are_tried_again(machine: dict[str, Any]) -> None:
    for step in (*STEPS, "PromoteModel", "RecordFailure"):
        if step != "TrainCandidates":
            (retry,) = machine["States"][step]["Retry"]
            assert {"Lambda.ServiceException", "Lambda.TooManyRequestsException", "Unavailable"} <= set(
                retry["ErrorEquals"]
            )
            assert "States.ALL" not in retry["ErrorEquals"]


@pytest.mark.parametrize("state", ["AnnounceFinished", "NotifyFinished", "AnnounceFailed", "NotifyFailed"])
def test_saying_how_a_run_ended_is_tried_again(machine: dict[str, Any], state: str) -> None:
    (retry,) = machine["States"][state]["Retry"]
    assert retry["ErrorEquals"] == ["States.TaskFailed"]


def test_each_step_puts_its_result_under_its_own_name(machine: dict[str, Any]) -> None:
    paths = {name: machine["States"][name]["ResultPath"] for name in (*STEPS, "PromoteModel")}
    assert paths == {
        "PinDataset": "$.pin_dataset",
        "BuildTrainingSet": "$.build_training_set",
        "TrainCandidates": "$.candidates",
        "SelectCandidate": "$.select_candidate",
        "FitSelected": "$.fit_selected",
        "EvaluateCandidate": "$.evaluate_candidate",
        "CheckGates": "$.check_gates",
        "RegisterModel": "$.register_model",
        "PromoteModel": "$.promote_model",
    }


def test_candidates_run_two_at_a_time_on_the_training_rows_alone(machine: dict[str, Any]) -> None:
    each = machine["States"]["TrainCandidates"]
    assert each["ItemsPath"] == "$.build_training_set.candidates"
    assert each["MaxConcurrency"] == 2
    assert each["ItemProcessor"]["ProcessorConfig"] == {"Mode": "INLINE"}
    assert each["ItemSelector"]["candidate.$"] == "$$.Map.Item.Value"
    assert each["ItemSelector"]["fit_on"] == "train"
    assert machine["States"]["FitSelected"]["Parameters"]["fit_on"] == "train_and_validation"


def test_the_machine_is_written_in_jsonpath_throughout(machine: dict[str, Any]) -> None:
    assert "JSONata" not in json.dumps(machine)


@pytest.mark.parametrize("state", ["AnnounceFinished", "AnnounceFailed"])
def test_the_end_of_a_run_is_an_event_on_the_bus(machine: dict[str, Any], state: str) -> None:
    (entry,) = machine["States"][state]["Parameters"]["Entries"]
    assert (entry["Source"], entry["DetailType"]) == ("tidemill", "RunFinished")
    assert {"project", "run_id.$", "model.$", "reason.$", "at.$", "status"} <= set(entry["Detail"])
