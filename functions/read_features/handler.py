"""Answer the HTTP API's routes that read features."""

import functools
from typing import Any

from tidemill.aws import wiring
from tidemill.features.definitions import define
from tidemill.serving.features_api import FeaturesApi
from tidemill.serving.http import Router


@functools.cache
def router() -> Router:
    """Return this process's routing table."""
    views = {view.name: define(view) for view in wiring.project().views}
    return FeaturesApi(views, wiring.served_items()).router()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer one request of the HTTP API, payload format 2.0."""
    del context  # Lambda's
    return router().answer(event)
