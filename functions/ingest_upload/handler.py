"""Commit uploaded files to their sources' tables."""

import json
from collections.abc import Mapping
from typing import Any

from tidemill.aws import wiring
from tidemill.aws.batches import answer_messages
from tidemill.datasets.ingest import ingest_upload
from tidemill.datasets.uploads import Upload


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Ingest the uploads that Object Created events in the queue's messages tell of."""
    del context  # Lambda's
    return answer_messages(event, _ingest)


def _ingest(record: Mapping[str, Any]) -> None:
    ingest_upload(
        Upload.from_event(json.loads(record["body"])),
        project=wiring.project(),
        blobs=wiring.data_blobs(),
        tables=wiring.tables(),
        documents=wiring.documents(),
        events=wiring.events(),
    )
