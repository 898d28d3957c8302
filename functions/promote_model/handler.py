"""Move the champion alias to a version that passed its gates."""

from typing import Any

from tidemill.aws import wiring
from tidemill.training.context import RunContext
from tidemill.training.promote import promote_model


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Run the step ``promote_model`` of the training state machine."""
    del context  # Lambda's
    return promote_model(
        RunContext.from_event(event),
        pinned=event["pin_dataset"],
        registered=event["register_model"],
        documents=wiring.documents(),
    )
