"""Keep the project's tables small."""

from datetime import datetime
from typing import Any

from tidemill.aws import wiring


def handler(event: dict[str, Any], context: object) -> list[dict[str, Any]]:
    """Compact tables, and let go of what nothing needs any more, as of ``time``, the schedule's own."""
    del context  # Lambda's
    kept = wiring.housekeeping().keep_all(datetime.fromisoformat(event["time"]))
    return [each.to_json() for each in kept]
