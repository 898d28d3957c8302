"""Decide on a monitor report, and start the training it gives reason for."""

import json
from typing import Any

from tidemill.aws import wiring
from tidemill.monitoring.retraining import answer_report


def handler(event: dict[str, Any], context: object) -> None:
    """Answer MonitorReport events from the queue; one that fails is delivered again."""
    del context  # Lambda's
    for record in event["Records"]:
        report = json.loads(record["body"])["detail"]
        answer_report(
            report,
            policy=wiring.project().model(report["model"]).retrain,
            documents=wiring.documents(),
            executions=wiring.training_executions(),
        )
