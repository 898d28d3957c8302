"""Gather rows that came by API into uploads."""

from collections.abc import Mapping
from typing import Any

from tidemill.aws import wiring
from tidemill.aws.batches import answer_messages
from tidemill.datasets.added_rows import Part, decode_rows, store_requests


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Write the rows in the queue's messages as one file per source; ingest commits it as any other.

    A write that fails brings the whole batch back, of which nothing is added twice.
    """
    del context  # Lambda's
    parts: list[Part] = []

    def collect(record: Mapping[str, Any]) -> None:
        parts.append(decode_rows(record["body"]))

    answer = answer_messages(event, collect)
    store_requests(wiring.data_blobs(), wiring.settings().project, parts)
    return answer
