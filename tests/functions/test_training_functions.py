"""The training functions one after the other, as the state machine invokes them, on the AWS adapters."""

import json
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from tests.functions.deployment import ROOT, Deployment, handler_of, sample_event
from tests.training import toy
from tidemill.aws import wiring
from tidemill.errors import CallerError
from tidemill.registry.aliases import CHAMPION, get_alias
from tidemill.registry.package import load_package
from tidemill.registry.runs import get_run
from tidemill.registry.versions import get_version

AT = "2024-02-26T00:00:00.000Z"
STEPS_AFTER_FIT = ("evaluate_candidate", "check_gates", "register_model", "promote_model")
STEPS_BEFORE = ("pin_dataset", "build_training_set", "train_candidate", "select_candidate")
TRAINING_FUNCTIONS = (*STEPS_BEFORE, *STEPS_AFTER_FIT, "record_failure")


@pytest.fixture
def deployment(aws_endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Deployment]:
    """Deploy the toy project; its tables hold eight weeks of trips."""
    del aws_endpoint  # it only has to be there
    cached = [made for made in vars(wiring).values() if hasattr(made, "cache_clear")]
    for made in cached:
        made.cache_clear()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made_resources = Deployment(monkeypatch)
    monkeypatch.setenv("TIDEMILL_PROJECT", "toy")
    package = types.ModuleType("projects.toy")
    package.project = toy.project  # type: ignore[attr-defined]  # what a project's package defines
    monkeypatch.setitem(sys.modules, "projects.toy", package)
    toy.upload_zones(wiring.tables())
    toy.upload(wiring.tables(), toy.trips, toy.trip_rows(56), "trips-0")
    with threadpool_limits(limits=1, user_api="openmp"):
        yield made_resources
    for made in cached:
        made.cache_clear()


class StateMachine:
    """Invokes the functions in the machine's order, passing JSON, and remembers what each was given."""

    def __init__(self, run_id: str) -> None:
        reason = {"kind": "manual", "detail": "a test"}
        self.state: dict[str, Any] = {
            "run_id": run_id, "model": "long_trip", "at": AT, "reason": reason, "set": {"max_iter": 9},
        }  # fmt: skip
        self.given: dict[str, dict[str, Any]] = {}

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Invoke a function as Lambda would."""
        self.given[function] = json.loads(json.dumps(event))
        handler: Callable[[Mapping[str, Any], object], Any] = handler_of(function)
        return json.loads(json.dumps(handler(self.given[function], None)))

    def run(self) -> None:
        """Run every step."""
        for step in ("pin_dataset", "build_training_set"):
            self.state[step] = self.invoke(step, self.state)
        common = dict(self.state)
        self.state["candidates"] = [
            self.invoke("train_candidate", {**common, "candidate": item, "fit_on": "train"})
            for item in self.state["build_training_set"]["candidates"]
        ]
        self.state["select_candidate"] = self.invoke("select_candidate", self.state)
        chosen = self.state["select_candidate"]["candidate"]
        self.state["fit_selected"] = self.invoke(
            "train_candidate", {**common, "candidate": chosen, "fit_on": "train_and_validation"}
        )
        for step in STEPS_AFTER_FIT:
            self.state[step] = self.invoke(step, self.state)


def test_the_functions_train_register_and_promote_a_version(deployment: Deployment) -> None:
    """And the views it will be served from, which nobody has filled yet, are filled meanwhile."""
    machine = StateMachine("run-1")
    machine.run()
    assert {name.partition("-")[0] for name in deployment.executions()} == {"zone_trips", "zone_record"}
    assert machine.state["promote_model"]["promoted"]
    version = get_version(wiring.documents(), "long_trip", 1)
    assert "model.onnx" in load_package(wiring.models_blobs(), "long_trip", version.package)
    assert (get_run(wiring.documents(), "run-1").status, version.lineage["params"]) == (
        "finished",
        {"max_iter": 9},
    )
    alias = get_alias(wiring.documents(), "long_trip", CHAMPION)
    assert alias is not None
    assert alias.version == 1
    for function in TRAINING_FUNCTIONS[:-1]:
        for sample in (ROOT / "events" / function).glob("*.json"):
            given = sample_event(function, sample.stem)
            assert shape(given) == shape(machine.given[function]), f"{sample} is not what the step is given"


def shape(value: Any) -> Any:
    """Return which keys an event has, down to the results of steps."""
    return {
        key: sorted(inner) if isinstance(inner, dict) else None
        for key, inner in value.items()
        if key != "set"
    }


def test_a_delivery_repeated_by_the_state_machine_changes_nothing(deployment: Deployment) -> None:
    del deployment
    machine = StateMachine("run-1")
    machine.run()
    before = [*wiring.models_blobs().list(""), *wiring.data_blobs().list("training-sets/")]
    answers = json.loads(json.dumps(machine.state))
    machine.run()
    assert machine.state == answers
    assert [*wiring.models_blobs().list(""), *wiring.data_blobs().list("training-sets/")] == before


def test_a_failure_is_recorded_with_its_step_and_message(deployment: Deployment) -> None:
    del deployment
    event = sample_event("record_failure", "no_commits")
    assert handler_of("record_failure")(event, None)["step"] == "pin_dataset"
    run = get_run(wiring.documents(), event["run_id"])
    assert run.status == "failed"
    assert run.failure is not None
    assert "has no commits" in run.failure["cause"]


def test_an_unknown_model_is_named_before_anything_is_written(deployment: Deployment) -> None:
    del deployment
    with pytest.raises(CallerError, match="did you mean `long_trip`"):
        handler_of("pin_dataset")({**StateMachine("r").state, "model": "long_trp"}, None)


@pytest.mark.parametrize("function", TRAINING_FUNCTIONS)
def test_every_function_has_a_sample_event(function: str) -> None:
    assert list((ROOT / "events" / function).glob("*.json"))
