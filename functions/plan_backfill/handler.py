"""Plan how a feature view is filled from its source's history."""

from typing import Any

from tidemill.aws import wiring


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer the chunks of commits and the parts of the entities."""
    del context  # Lambda's
    return wiring.backfills().plan(event)
