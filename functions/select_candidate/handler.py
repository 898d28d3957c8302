"""Select the candidate that did best on the validation rows."""

from typing import Any

from tidemill.aws import wiring
from tidemill.training.context import RunContext
from tidemill.training.select import select_candidate


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Run the step ``select_candidate`` of the training state machine."""
    del context  # Lambda's
    return select_candidate(
        RunContext.from_event(event),
        wiring.project().model(event["model"]).metric,
        trained=event["candidates"],
        documents=wiring.documents(),
    )
