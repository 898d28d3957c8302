"""Glue's optimistic locking, which moto leaves out.

``UpdateTable`` with a ``VersionId`` is refused with ``ConcurrentModificationException`` when the table
has moved on. Every Iceberg commit through the Glue catalog relies on it: without it, of two commits at
the same moment the later one silently drops the rows of the earlier.
"""

import threading
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.glue.responses import GlueResponse

from emulator.events.hooks import Hooks


def install(hooks: Hooks) -> None:
    """Make table updates conditional on the version the caller saw.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    """
    one_at_a_time = threading.Lock()
    update = GlueResponse.update_table

    def update_table(self: GlueResponse) -> Any:
        seen = self.parameters.get("VersionId")
        name = self.parameters["TableInput"]["Name"]
        with one_at_a_time:
            table = self.glue_backend.get_table(self.parameters["DatabaseName"], name)
            current = table.as_dict()["VersionId"]
            if seen is not None and seen != current:
                raise JsonRESTError(
                    "ConcurrentModificationException",
                    f"Update table failed: table {name} is at version {current}, not {seen}",
                )
            return update(self)

    hooks.replace(GlueResponse, "update_table", update_table)
