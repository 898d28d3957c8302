"""Answer the HTTP API: predictions, and what is known of models."""

import functools
import tempfile
from pathlib import Path
from typing import Any

from tidemill.aws import wiring
from tidemill.serving.api import Api
from tidemill.serving.http import Router
from tidemill.serving.model_cache import ModelCache


@functools.cache
def router() -> Router:
    """Return this process's routing table; loaded models live as long as it does."""
    documents = wiring.documents()
    folder = Path(tempfile.gettempdir()) / "tidemill"
    models = ModelCache(documents, wiring.models_blobs(), folder)
    return Api(documents, models, wiring.served_items(), wiring.predictions_queue()).router()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer one request of the HTTP API, payload format 2.0."""
    del context  # Lambda's
    return router().answer(event)
