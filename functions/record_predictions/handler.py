"""Record the prediction log."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from tidemill.aws import wiring
from tidemill.aws.batches import answer_messages
from tidemill.datasets.predictions import record_predictions
from tidemill.serving.prediction_log import LoggedRow, decode_message


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Record the predictions in the queue's messages, one commit per model.

    A commit that fails brings the whole batch back, of which nothing is recorded twice.
    """
    del context  # Lambda's
    chunks: defaultdict[str, dict[str, list[LoggedRow]]] = defaultdict(dict)

    def collect(record: Mapping[str, Any]) -> None:
        chunk = decode_message(record["body"])
        chunks[chunk.model][chunk.id] = chunk.rows

    answer = answer_messages(event, collect)
    for model, rows in chunks.items():
        record_predictions(wiring.tables(), wiring.documents(), model, rows)
    return answer
