"""Deliveries as EventBridge and its scheduler make them: tried again when that can help, then buried.

What can never succeed, a target that is gone or a permission that is missing, is not tried again. What a
target could not take just now is, with growing waits on the cloud's clock, until the retries of the
target's `RetryPolicy` are used or the event is too old. Then it goes to the dead letters, if there are any.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from emulator.events.clock import Clock
from emulator.events.targets import Delivery, NotPermittedError, UndeliverableError

_log = logging.getLogger(__name__)

_RETRIES = 185
_LONGEST_AGE_SECONDS = 86_400
_FIRST_WAIT_SECONDS = 1
_LONGEST_WAIT_SECONDS = 600
_HTTP_BAD_REQUEST = 400
_HTTP_TOO_MANY_REQUESTS = 429
_HTTP_SERVER_ERROR = 500


@dataclass(frozen=True)
class Failure:
    """Why a delivery ended without success.

    `exhausted` names the limit that ended the retries; None when there was nothing to retry.
    """

    error: Exception
    retries: int = 0
    exhausted: str | None = None


class Deliveries:
    """Delivers by a target's retry policy.

    Parameters
    ----------
    clock
        Retries wait on it.
    send
        Delivers once, or raises.
    bury
        Puts an event with attributes into a dead-letter queue.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        send: Callable[[Delivery], None],
        bury: Callable[[Delivery, Mapping[str, str]], None],
    ) -> None:
        self._clock = clock
        self._send = send
        self._bury = bury

    def deliver(self, delivery: Delivery) -> None:
        """Deliver now, in this thread; what has to wait for its next attempt waits on the clock.

        Parameters
        ----------
        delivery
            What goes where.
        """
        self._attempt(delivery, started=self._clock.now(), retries=0)

    def _attempt(self, delivery: Delivery, *, started: datetime, retries: int) -> None:
        try:
            self._send(delivery)
        except Exception as error:  # noqa: BLE001  whatever a target raises must not reach whoever sent the event
            if not is_retriable(error):
                self._end(delivery, Failure(error, retries))
                return
            self._wait(delivery, error, started=started, retries=retries)

    def _wait(self, delivery: Delivery, error: Exception, *, started: datetime, retries: int) -> None:
        policy = delivery.parameters.get("RetryPolicy") or {}
        if retries >= int(policy.get("MaximumRetryAttempts", _RETRIES)):
            self._end(delivery, Failure(error, retries, "MaximumRetryAttempts"))
            return
        age = timedelta(seconds=int(policy.get("MaximumEventAgeInSeconds", _LONGEST_AGE_SECONDS)))
        due = self._clock.now() + _wait(retries)
        if due > started + age:
            self._end(delivery, Failure(error, retries, "MaximumEventAgeInSeconds"))
            return
        self._clock.call_at(
            due,
            lambda: self._attempt(delivery, started=started, retries=retries + 1),
            order=delivery.source_arn,
            what=f"another attempt to deliver to {delivery.arn}",
        )

    def _end(self, delivery: Delivery, failure: Failure) -> None:
        _log.warning("no delivery from %s to %s: %s", delivery.source_arn, delivery.arn, failure.error)
        letters = (delivery.parameters.get("DeadLetterConfig") or {}).get("Arn")
        if not letters:
            return
        try:
            self._bury(delivery.to(letters), letter_attributes(delivery, failure))
        except Exception as lost:  # noqa: BLE001  a dead-letter queue that is gone ends here, as in AWS
            _log.warning("no dead letter from %s to %s: %s", delivery.source_arn, letters, lost)


def letter_attributes(delivery: Delivery, failure: Failure) -> dict[str, str]:
    """Write the attributes of a dead letter.

    Parameters
    ----------
    delivery
        What could not be delivered.
    failure
        Why.

    Returns
    -------
    dict of str
        As AWS names them.
    """
    attributes = {
        **(delivery.facts or {"RULE_ARN": delivery.source_arn}),
        "TARGET_ARN": delivery.arn,
        "ERROR_CODE": error_code(failure.error),
        "ERROR_MESSAGE": str(failure.error) or "no message",
        "RETRY_ATTEMPTS": str(failure.retries),
    }
    if failure.exhausted:
        attributes["EXHAUSTED_RETRY_CONDITION"] = failure.exhausted
    return attributes


def error_code(error: Exception) -> str:
    """Name an error as EventBridge's dead letters do.

    Examples
    --------
    >>> error_code(NotPermittedError("no")), error_code(OSError("full"))
    ('NO_PERMISSIONS', 'UNKNOWN')
    """
    if isinstance(error, NotPermittedError):
        return "NO_PERMISSIONS"
    if isinstance(error, UndeliverableError):
        return "NO_RESOURCE"
    code = str(getattr(error, "error_type", "") or getattr(error, "code", ""))
    if _status(error) == _HTTP_TOO_MANY_REQUESTS or "Throttl" in code:
        return "THROTTLING"
    if any(word in code for word in ("NotFound", "NonExistent", "DoesNotExist")):
        return "NO_RESOURCE"
    return "UNKNOWN" if is_retriable(error) else "SDK_CLIENT_ERROR"


def is_retriable(error: Exception) -> bool:
    """Say whether a later attempt may succeed: throttles and the target's own trouble, not our mistakes."""
    if isinstance(error, NotPermittedError | UndeliverableError):
        return False
    if isinstance(error, HTTPException | ServiceException):
        status = _status(error)
        return status == _HTTP_TOO_MANY_REQUESTS or status >= _HTTP_SERVER_ERROR
    return True


def _status(error: Exception) -> int:
    """Give the HTTP status moto would answer: its errors keep it in one of these places."""
    found = (getattr(error, name, None) for name in ("status_code", "STATUS", "code"))
    return next((status for status in found if isinstance(status, int)), _HTTP_BAD_REQUEST)


def _wait(retries: int) -> timedelta:
    doublings = min(retries, 16)
    return timedelta(seconds=min(_FIRST_WAIT_SECONDS * (1 << doublings), _LONGEST_WAIT_SECONDS))
