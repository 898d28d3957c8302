"""Recording the prediction log: one row per served prediction, in a table per model."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tidemill.datasets.appending import append_once
from tidemill.datasets.expired_ids import known_ids
from tidemill.datasets.tables import Commit, Tables
from tidemill.ports import Documents

PREDICTIONS_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("key", pa.string()),
        pa.field("time", pa.timestamp("us", tz="UTC")),
        pa.field("at", pa.timestamp("us", tz="UTC")),
        pa.field("version", pa.int64()),
        pa.field("probability", pa.float64()),
        pa.field("prediction", pa.bool_()),
        pa.field("features", pa.list_(pa.float32())),
    ]
)
"""What is kept of a prediction: its id and observation key, the time it is for and the time it was
made, the model version, its answer, and the float32 row of the matrix it was made from."""


def predictions_table(model: str) -> str:
    """Return the name of a model's predictions table."""
    return f"predictions_{model}"


def record_predictions(
    tables: Tables, documents: Documents, model: str, chunks: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Commit | None:
    """Append chunks of the prediction log to a model's table, each chunk once.

    Parameters
    ----------
    tables
        The database.
    documents
        Where it is remembered which chunks were recorded in commits that have expired.
    model
        The model that predicted.
    chunks
        Rows with the columns of ``PREDICTIONS_SCHEMA``, by chunk id.

    Returns
    -------
    Commit | None
        The commit this call made; None if every chunk had been recorded before.
    """
    table = predictions_table(model)
    tables.ensure(table, PREDICTIONS_SCHEMA)
    recorded = known_ids(documents, table, chunks)
    messages = {
        chunk: [pa.RecordBatch.from_pylist([dict(row) for row in rows], PREDICTIONS_SCHEMA)]
        for chunk, rows in chunks.items()
        if chunk not in recorded
    }
    return append_once(tables, table, messages)
