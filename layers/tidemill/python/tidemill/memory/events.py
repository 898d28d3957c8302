"""An event bus that remembers what was said."""

import json
from collections.abc import Mapping
from typing import Any

from tidemill.canonical import canonical_json


class MemoryEvents:
    """Keeps every event in ``published``, oldest first, as (kind, detail)."""

    def __init__(self) -> None:
        self.published: list[tuple[str, dict[str, Any]]] = []

    def publish(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Remember one event as the JSON it would travel as."""
        self.published.append((kind, json.loads(canonical_json(dict(detail)))))
