"""Record on a run that it failed, in which step and why."""

from typing import Any

from tidemill.aws import wiring
from tidemill.training.context import RunContext
from tidemill.training.failure import record_failure


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Run the step ``record_failure`` of the training state machine."""
    del context  # Lambda's
    return record_failure(RunContext.from_event(event), event, documents=wiring.documents())
