"""Evaluate the fitted candidate on the test rows, and the champion on the same ones."""

from typing import Any

from tidemill.aws import wiring
from tidemill.training.context import RunContext
from tidemill.training.evaluate import evaluate_candidate


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Run the step ``evaluate_candidate`` of the training state machine."""
    del context  # Lambda's
    return evaluate_candidate(
        RunContext.from_event(event),
        wiring.project().model(event["model"]),
        pinned=event["pin_dataset"],
        built=event["build_training_set"],
        fitted=event["fit_selected"],
        data=wiring.data_blobs(),
        models=wiring.models_blobs(),
        documents=wiring.documents(),
    )
