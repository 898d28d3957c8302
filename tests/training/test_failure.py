"""A failed run says in which step and why, even if it failed before it began."""

from typing import Any

import pytest

from tests.training.toy import Laboratory, make_context
from tidemill.memory.documents import MemoryDocuments
from tidemill.registry.runs import get_run
from tidemill.training.context import RunContext
from tidemill.training.failure import record_failure

AT = "2024-02-26T00:00:00Z"
ERROR = {"Error": "CallerError", "Cause": '{"errorMessage": "no rows", "errorType": "CallerError"}'}


@pytest.mark.parametrize(
    ("done", "step"),
    [
        ([], "pin_dataset"),
        (["pin_dataset"], "build_training_set"),
        (["pin_dataset", "build_training_set"], "candidates"),
    ],
)
def test_the_step_is_the_first_without_a_result(done: list[str], step: str) -> None:
    documents = MemoryDocuments()
    state: dict[str, Any] = {name: {} for name in done} | {"error": ERROR}
    answer = record_failure(make_context("r1", at=AT), state, documents=documents)
    assert answer == {"step": step, "error": "CallerError", "cause": "no rows"}
    run = get_run(documents, "r1")
    assert (run.status, run.failure) == ("failed", answer)


def test_what_the_run_did_before_is_kept(lab: Laboratory) -> None:
    state = lab.run("r1", at=AT, until="select_candidate")
    record_failure(make_context("r1", at=AT), {**state, "error": ERROR}, documents=lab.documents)
    run = get_run(lab.documents, "r1")
    assert run.failure is not None
    assert run.failure["step"] == "fit_selected"
    assert run.steps["pin_dataset"] == state["pin_dataset"]


def test_a_time_in_another_form_of_utc_is_written_in_ours() -> None:
    event = {"run_id": "r", "model": "m", "at": "2024-02-26T01:00:00.000+01:00", "reason": {}, "set": {}}
    assert RunContext.from_event(event).at == AT
