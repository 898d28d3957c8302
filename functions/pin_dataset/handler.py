"""Pin a training run to the rows and the champion it will see."""

from typing import Any

from tidemill.aws import wiring
from tidemill.training.context import RunContext
from tidemill.training.pin import pin_dataset


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Run the step ``pin_dataset`` of the training state machine."""
    del context  # Lambda's
    return pin_dataset(
        RunContext.from_event(event),
        wiring.project().model(event["model"]),
        tables=wiring.tables(),
        documents=wiring.documents(),
    )
