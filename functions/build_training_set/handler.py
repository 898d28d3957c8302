"""Build the training set of a pinned dataset."""

from typing import Any

from tidemill.aws import wiring
from tidemill.memory.online import MemoryOnlineStore
from tidemill.training.context import RunContext
from tidemill.training.training_set import build_training_set


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Run the step ``build_training_set`` of the training state machine."""
    del context  # Lambda's
    return build_training_set(
        RunContext.from_event(event),
        wiring.project().model(event["model"]),
        pinned=event["pin_dataset"],
        tables=wiring.tables(),
        data=wiring.data_blobs(),
        documents=wiring.documents(),
        replay_store=MemoryOnlineStore,
    )
