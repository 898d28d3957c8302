"""Keep the project's tables small."""

from datetime import datetime
from typing import Any

from tidemill.aws import wiring
from tidemill.datasets.upkeep import keep_tables


def handler(event: dict[str, Any], context: object) -> list[dict[str, Any]]:
    """Compact tables, and let go of what nothing needs any more, as of ``time``, the schedule's own."""
    del context  # Lambda's
    kept = keep_tables(
        wiring.project(),
        at=datetime.fromisoformat(event["time"]),
        tables=wiring.tables(),
        history=wiring.table_history(),
        upkeep=wiring.table_upkeep(),
        documents=wiring.documents(),
    )
    return [each.to_json() for each in kept]
