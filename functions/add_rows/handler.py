"""Answer the HTTP API's route that adds rows to a source."""

import functools
from typing import Any

from tidemill.aws import wiring
from tidemill.serving.http import Router
from tidemill.serving.rows_api import RowsApi


@functools.cache
def router() -> Router:
    """Return this process's routing table."""
    sources = {source.name: source for source in wiring.project().sources}
    return RowsApi(sources, wiring.documents(), wiring.rows_queue()).router()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer one request of the HTTP API, payload format 2.0."""
    del context  # Lambda's
    return router().answer(event)
