"""Runs are recorded once, keep what every step answered, and are listed by model."""

import pytest

from tidemill.errors import CallerError, NotFound
from tidemill.memory.documents import MemoryDocuments
from tidemill.registry.runs import fail_run, finish_run, get_run, list_runs, record_step, start_run

AT = "2013-03-04T00:00:00Z"
REASON = {"kind": "drift", "detail": "dep_hour"}


def _start(documents: MemoryDocuments, run_id: str = "r1", *, model: str = "late", at: str = AT) -> None:
    start_run(documents, run_id, model=model, at=at, reason=REASON, overrides={"max_iter": 300})


def test_starting_a_run_twice_keeps_what_it_already_has() -> None:
    documents = MemoryDocuments()
    _start(documents)
    record_step(documents, "r1", "pin_dataset", {"rows": 3})
    _start(documents)
    run = get_run(documents, "r1")
    assert (run.status, run.steps, run.reason) == ("running", {"pin_dataset": {"rows": 3}}, REASON)


def test_a_run_id_of_another_model_is_refused() -> None:
    documents = MemoryDocuments()
    _start(documents)
    with pytest.raises(CallerError, match="already trains model `late`"):
        _start(documents, model="churn")


def test_a_repeated_step_overwrites_its_own_answer_only() -> None:
    documents = MemoryDocuments()
    _start(documents)
    for result in ({"rows": 1}, {"rows": 2}):
        record_step(documents, "r1", "pin_dataset", result)
    record_step(documents, "r1", "select_candidate", {"best": 0})
    assert get_run(documents, "r1").steps == {"pin_dataset": {"rows": 2}, "select_candidate": {"best": 0}}


def test_runs_are_listed_newest_first_with_their_outcome() -> None:
    documents = MemoryDocuments()
    _start(documents, "r1", at="2013-03-04T00:00:00Z")
    _start(documents, "r2", at="2013-04-01T00:00:00Z")
    _start(documents, "other", model="churn")
    finish_run(documents, "r1", at="2013-03-04T00:05:00Z", version=1, promoted=True)
    fail_run(
        documents,
        "r2",
        at="2013-04-01T00:05:00Z",
        step="build_training_set",
        error="CallerError",
        cause="no rows",
    )
    assert [(run.run_id, run.status) for run in list_runs(documents, "late")] == [
        ("r2", "failed"),
        ("r1", "finished"),
    ]
    assert [run.run_id for run in list_runs(documents, "late", limit=1)] == ["r2"]
    assert (list_runs(documents, "late")[1].version, get_run(documents, "r1").promoted) == (1, True)
    assert get_run(documents, "r2").failure == {
        "step": "build_training_set",
        "error": "CallerError",
        "cause": "no rows",
    }


def test_a_run_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="no run `r9`"):
        record_step(MemoryDocuments(), "r9", "pin_dataset", {})
