"""Train one candidate; the state machine runs this for each of them and again for the selected one."""

from typing import Any

from tidemill.aws import wiring
from tidemill.training.context import RunContext
from tidemill.training.train import train_candidate


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Run the step ``train_candidate`` of the training state machine."""
    del context  # Lambda's
    return train_candidate(
        RunContext.from_event(event),
        wiring.project().model(event["model"]),
        training_set=event["build_training_set"]["training_set"],
        candidate=event["candidate"],
        fit_on=event["fit_on"],
        data=wiring.data_blobs(),
        models=wiring.models_blobs(),
    )
