"""A queue that remembers what it was sent."""

from collections.abc import Sequence


class MemoryQueue:
    """Keeps every message in ``bodies``, oldest first."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send(self, bodies: Sequence[str]) -> None:
        """Take messages."""
        self.bodies.extend(bodies)
