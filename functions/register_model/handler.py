"""Store the model package and register it as a version."""

from typing import Any

from tidemill.aws import wiring
from tidemill.training.context import RunContext
from tidemill.training.register import register_model


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Run the step ``register_model`` of the training state machine."""
    del context  # Lambda's
    return register_model(
        RunContext.from_event(event),
        fitted=event["fit_selected"],
        evaluated=event["evaluate_candidate"],
        checked=event["check_gates"],
        models=wiring.models_blobs(),
        documents=wiring.documents(),
    )
