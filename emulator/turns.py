"""Who may use a service of moto's at a moment.

moto's handlers were written for one caller at a time. Services whose calls read, judge and write (a
conditional put, a commit with an expected version) therefore run one call at a time, each service by itself;
services whose calls wait (queues, invocations, executions) run freely.
"""

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

_ONE_AT_A_TIME = frozenset({"dynamodb", "glue", "s3", "ssm", "iam", "logs", "monitoring"})


class Turns:
    """Gives turns at services.

    Examples
    --------
    >>> turns = Turns()
    >>> with turns("dynamodb"):
    ...     print("nobody else writes to a table")
    nobody else writes to a table
    """

    def __init__(self) -> None:
        self._locks = {service: threading.RLock() for service in sorted(_ONE_AT_A_TIME)}

    def __call__(self, service: str | None) -> AbstractContextManager[object]:
        """Give the context in which nobody else uses a service, if it takes one call at a time."""
        return self._locks[service] if service in self._locks else nullcontext()

    @property
    def locks(self) -> list[Any]:  # RLock is a function to type checkers
        """Those services' locks: who has them all sees no call half done."""
        return list(self._locks.values())
