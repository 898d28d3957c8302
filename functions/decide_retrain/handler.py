"""Decide on a monitor report, and start the training it gives reason for."""

import json
from collections.abc import Mapping
from typing import Any

from tidemill.aws import wiring
from tidemill.aws.batches import answer_messages
from tidemill.monitoring.retraining import answer_report


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer the MonitorReport events in the queue's messages."""
    del context  # Lambda's
    return answer_messages(event, _answer)


def _answer(record: Mapping[str, Any]) -> None:
    report = json.loads(record["body"])["detail"]
    answer_report(
        report,
        policy=wiring.project().model(report["model"]).retrain,
        documents=wiring.documents(),
        executions=wiring.training_executions(),
    )
