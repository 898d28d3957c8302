"""Look at a model's last days and report."""

import functools
from datetime import datetime
from typing import Any

from tidemill.aws import wiring
from tidemill.monitoring.watch import ModelMonitor


@functools.cache
def monitor(model: str) -> ModelMonitor:
    """Return this process's monitor of a model; what it has read of past days lives as long."""
    return ModelMonitor(
        wiring.settings().project,
        wiring.project().model(model),
        tables=wiring.tables(),
        documents=wiring.documents(),
        data=wiring.data_blobs(),
        models=wiring.models_blobs(),
        events=wiring.events(),
    )


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Watch ``model`` as of ``time``, the schedule's own."""
    del context  # Lambda's
    return monitor(event["model"]).watch(datetime.fromisoformat(event["time"]))
