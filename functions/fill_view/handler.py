"""Bring a part of a feature view's entities through a chunk of its source's history."""

from typing import Any

from tidemill.aws import wiring


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer how many items were written."""
    del context  # Lambda's
    return wiring.backfills().fill(event)
