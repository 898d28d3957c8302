"""Judge the evaluated candidate by every gate of its model."""

from typing import Any

from tidemill.aws import wiring
from tidemill.training.context import RunContext
from tidemill.training.gates import check_gates


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Run the step ``check_gates`` of the training state machine."""
    del context  # Lambda's
    return check_gates(
        RunContext.from_event(event),
        wiring.project().model(event["model"]),
        evaluated=event["evaluate_candidate"],
        models=wiring.models_blobs(),
        documents=wiring.documents(),
    )
