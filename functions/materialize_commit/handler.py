"""Bring commits to the online store."""

import functools
import json
from collections.abc import Mapping
from typing import Any

from tidemill.aws import wiring
from tidemill.aws.batches import answer_messages
from tidemill.datasets.backfill import start_backfill
from tidemill.datasets.materialization import materialize_commit


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Apply the commits that CommitCreated events in the queue's messages tell of."""
    del context  # Lambda's
    return answer_messages(event, _materialize)


def _materialize(record: Mapping[str, Any]) -> None:
    commit = json.loads(record["body"])["detail"]
    materialize_commit(
        commit["source"],
        commit["sequence"],
        project=wiring.project(),
        tables=wiring.tables(),
        documents=wiring.documents(),
        store=wiring.online_store(),
        served=wiring.served_views().of_source(commit["source"]),
        backfill=functools.partial(start_backfill, wiring.backfill_executions()),
    )
