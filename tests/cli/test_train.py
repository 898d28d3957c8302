"""`tidemill train`: what a run that has ended is said to be."""

from types import SimpleNamespace
from typing import Any

import pytest

from cli.commands.train import failure_line, wait_for_run
from tests.cli.given import Given
from tidemill.errors import Unavailable
from tidemill.memory.documents import MemoryDocuments
from tidemill.registry.runs import fail_run, start_run

AT = "2013-03-01T00:00:00Z"


@pytest.fixture
def deployment() -> Any:
    """Return a deployment with a run whose execution has been stopped."""
    documents = MemoryDocuments()
    start_run(documents, "r1", model="late_arrival", at=AT, reason={"kind": "manual"}, overrides={})
    return SimpleNamespace(documents=documents, execution_status=lambda _arn: "ABORTED")


def test_a_run_that_recorded_how_it_ended_is_returned(deployment: Any) -> None:
    fail_run(deployment.documents, "r1", at=AT, step="pin_dataset", error="CallerError", cause="no rows")
    assert wait_for_run(deployment, "r1", "arn:of:r1").status == "failed"


def test_a_run_that_was_stopped_does_not_pass_for_a_success(deployment: Any) -> None:
    with pytest.raises(Unavailable, match=r"r1 ended as ABORTED .* execution arn:of:r1"):
        wait_for_run(deployment, "r1", "arn:of:r1")


def test_what_is_cut_in_one_line_stands_whole_where_the_line_sends_to(deployment: Any) -> None:
    cause = f"source `planes` is blocked: {'its check failed, ' * 40}and the report is reports/1.json"
    run = fail_run(deployment.documents, "r1", at=AT, step="pin_dataset", error="CallerError", cause=cause)
    assert failure_line(run).endswith(" …; see `tidemill runs show r1`")
    assert len(failure_line(run)) < 500
    given = Given()
    given.found.documents = deployment.documents
    shown = given.call("runs", "show", "r1").stdout
    assert cause in " ".join(shown.split())
