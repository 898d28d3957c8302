"""A state machine whose executions end when told to."""

import json
from collections.abc import Mapping
from typing import Any

from tidemill.canonical import canonical_json


class MemoryExecutions:
    """Keeps every execution in ``started``, by name, with its input."""

    def __init__(self) -> None:
        self.started: dict[str, dict[str, Any]] = {}
        self._ended: set[str] = set()

    def start(self, name: str, execution_input: Mapping[str, Any]) -> bool:
        """Start an execution; False if one of that name was started before."""
        if name in self.started:
            return False
        self.started[name] = json.loads(canonical_json(dict(execution_input)))
        return True

    def running(self) -> list[str]:
        """Return the names of the executions that have not ended, newest first."""
        return [name for name in reversed(self.started) if name not in self._ended]

    def end(self, name: str) -> None:
        """Let an execution end."""
        self._ended.add(name)
