"""Look at a model's last days, and at what it learns from, and report."""

import functools
from datetime import datetime
from typing import Any

from tidemill.aws import wiring
from tidemill.aws.metrics import count_metric
from tidemill.datasets.silence import look_for_silence, sources_to_watch
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
    """Watch ``model``, and the sources it learns from, as of ``time``, the schedule's own."""
    del context  # Lambda's
    model, at = event["model"], datetime.fromisoformat(event["time"])
    project = wiring.project()
    tables, documents, events = wiring.tables(), wiring.documents(), wiring.events()
    watched = sources_to_watch(project, model)
    silent = look_for_silence(project.name, watched, at, tables=tables, documents=documents, events=events)
    names = ", ".join(each["source"] for each in silent)
    count_metric("SilentSources", len(silent), {"Project": project.name}, {"sources": names})
    return monitor(model).watch(at)
