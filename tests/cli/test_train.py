"""`tidemill train`: what a run that has ended is said to be."""

from types import SimpleNamespace
from typing import Any

import pytest

from cli.commands.train import wait_for_run
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
