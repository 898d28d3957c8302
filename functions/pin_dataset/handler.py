"""Pin a training run to the rows and the champion it will see."""

from typing import Any

from tidemill.aws import wiring
from tidemill.datasets.backfill import start_missing
from tidemill.features.definitions import define
from tidemill.training.context import RunContext
from tidemill.training.pin import pin_dataset


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Run the step ``pin_dataset`` of the training state machine.

    Views of the model that never were filled are filled while it is trained, and are there when it is served.
    """
    del context  # Lambda's
    model = wiring.project().model(event["model"])
    tables, documents = wiring.tables(), wiring.documents()
    pinned = pin_dataset(RunContext.from_event(event), model, tables=tables, documents=documents)
    start_missing(
        wiring.backfill_executions(),
        [define(view) for view in model.views],
        tables=tables,
        documents=documents,
        store=wiring.online_store(),
    )
    return pinned
