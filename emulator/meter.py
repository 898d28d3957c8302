"""Counts what the system asks of AWS: calls and bytes by principal, service and operation.

>>> meter = Meter()
>>> meter.count(Call("root", "dynamodb", "GetItem", received_bytes=90, sent_bytes=40, error=False))
>>> meter.report()[0]["calls"]
1
"""

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from emulator.operations import operation_of
from emulator.server import Environ

_READING = ("BatchGet", "Describe", "Filter", "Get", "Head", "List", "Lookup", "Query", "Scan", "Search")


def _nobody(_call: "Call") -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Call:
    """One answered call: who asked which service for what, and how much went either way."""

    principal: str
    service: str
    operation: str
    received_bytes: int
    sent_bytes: int
    error: bool

    @property
    def changes(self) -> bool:
        """Whether it may have changed something: names of operations that only read begin alike."""
        return not self.operation.startswith(_READING)


@dataclass
class _Tally:
    calls: int = 0
    errors: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0


class Meter:
    """Adds up calls; safe to use from many threads.

    Parameters
    ----------
    counted
        Told of each call.
    """

    def __init__(self, counted: Callable[[Call], None] = _nobody) -> None:
        self._counted = counted
        self._lock = threading.Lock()
        self._tallies: dict[tuple[str, str, str], _Tally] = defaultdict(_Tally)

    def count(self, call: Call) -> None:
        """Add one call.

        Parameters
        ----------
        call
            What was answered.
        """
        with self._lock:
            tally = self._tallies[call.principal, call.service, call.operation]
            tally.calls += 1
            tally.errors += call.error
            tally.received_bytes += call.received_bytes
            tally.sent_bytes += call.sent_bytes
        self._counted(call)

    def report(self) -> list[dict[str, Any]]:
        """List the sums.

        Returns
        -------
        list of dict
            One entry per (principal, service, operation), in that order.
        """
        with self._lock:
            return [
                {"principal": principal, "service": service, "operation": operation, **asdict(tally)}
                for (principal, service, operation), tally in sorted(self._tallies.items())
            ]

    def clear(self) -> None:
        """Begin again at nothing."""
        with self._lock:
            self._tallies.clear()


def describe_call(environ: Environ, body: bytes, service: str | None) -> tuple[str, str]:
    """Name the service and operation of a request.

    Parameters
    ----------
    environ
        WSGI environment.
    body
        The request's body.
    service
        Service from the signature's credential scope; None when the request is unsigned.

    Returns
    -------
    tuple of str
        Service and operation.
    """
    name = service or "unsigned"
    return name, operation_of(name, environ, body)
