"""Where the outcome of an asynchronous event goes: a record to a destination, the event to dead letters."""

import json
import logging
import uuid
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from moto.sns.models import sns_backends

from emulator.events.clock import Clock
from emulator.events.targets import Delivery, Targets
from emulator.identity.service_access import FUNCTIONS
from emulator.lambda_api.event_config import EventSettings
from emulator.runtime.model import Invocation, ThrottledError

_log = logging.getLogger(__name__)

_MESSAGE_LIMIT = 1024
_FUNCTION_ERROR_CODE = 200
_THROTTLED_CODE = 429


class Condition(Enum):
    """Why an event is reported, in Lambda's words."""

    SUCCESS = "Success"
    RETRIES_EXHAUSTED = "RetriesExhausted"
    EVENT_AGE_EXCEEDED = "EventAgeExceeded"
    ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"


class Destinations:
    """Sends records to destinations and dead letters to queues and topics.

    Parameters
    ----------
    targets
        Reaches queues, topics and buses.
    clock
        Stamps records.
    """

    def __init__(self, *, targets: Targets, clock: Clock) -> None:
        self._targets = targets
        self._clock = clock

    def report(
        self,
        settings: EventSettings,
        condition: Condition,
        outcome: Invocation | ThrottledError,
        *,
        payload: bytes,
        request_id: str,
        runs: int,
    ) -> None:
        """Say what became of an event.

        Parameters
        ----------
        settings
            Where to.
        condition
            How it ended.
        outcome
            Of the last attempt.
        payload
            The event.
        request_id
            Its id.
        runs
            How often the function ran.
        """
        destination = settings.on_success if condition is Condition.SUCCESS else settings.on_failure
        if destination:
            record = {
                "version": "1.0",
                "timestamp": self._now(),
                "requestContext": {
                    "requestId": request_id,
                    "functionArn": settings.arn,
                    "condition": condition.value,
                    "approximateInvokeCount": runs,
                },
                "requestPayload": _json(payload),
                **_response(outcome),
            }
            self._try(destination, lambda: self._send(destination, record, condition, settings))
        letters = settings.dead_letters
        if letters and condition is not Condition.SUCCESS:
            letter = _delivery(letters, payload.decode("utf-8", "replace"), settings)
            self._try(letters, lambda: self._bury(letter, settings, _attributes(outcome, request_id)))

    def _try(self, arn: str, send: Callable[[], None]) -> None:
        try:
            send()
        except Exception as error:  # noqa: BLE001  as in Lambda, what cannot be delivered is lost; here it is said
            _log.warning("an outcome is not delivered to %s: %s", arn, error)

    def _send(
        self, arn: str, record: Mapping[str, Any], condition: Condition, settings: EventSettings
    ) -> None:
        told = _event(arn, record, condition) if arn.split(":")[2] == "events" else record
        self._targets.send(_delivery(arn, json.dumps(told), settings))

    def _bury(
        self, letter: Delivery, settings: EventSettings, attributes: Mapping[str, tuple[str, str]]
    ) -> None:
        arn, body = letter.arn, letter.body
        self._targets.ask(letter, settings.role_arn)
        _, _, service, region, account, _ = arn.split(":", 5)
        if service == "sns":
            topic = {name: {"Type": kind, "Value": value} for name, (kind, value) in attributes.items()}
            sns_backends[account][region].publish(message=body, arn=arn, message_attributes=topic)
            return
        queue = {name: {"DataType": kind, "StringValue": value} for name, (kind, value) in attributes.items()}
        self._targets.send_message(arn, body, attributes=queue)

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _delivery(arn: str, body: str, settings: EventSettings) -> Delivery:
    """Have the function's role send it, as Lambda does."""
    return Delivery(arn, body, settings.arn, {"RoleArn": settings.role_arn}, service=FUNCTIONS)


def _response(outcome: Invocation | ThrottledError) -> dict[str, Any]:
    if isinstance(outcome, ThrottledError):
        return {}
    context: dict[str, Any] = {"statusCode": 200, "executedVersion": outcome.version}
    if outcome.function_error is not None:
        context["functionError"] = outcome.function_error
    return {"responseContext": context, "responsePayload": _json(outcome.payload)}


def _event(bus_arn: str, record: Mapping[str, Any], condition: Condition) -> dict[str, Any]:
    """Wrap a record as Lambda puts it on an event bus."""
    result = "Success" if condition is Condition.SUCCESS else "Failure"
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": f"Lambda Function Invocation Result - {result}",
        "source": "lambda",
        "time": record["timestamp"],
        "resources": [bus_arn, record["requestContext"]["functionArn"]],
        "detail": record,
    }


def _attributes(outcome: Invocation | ThrottledError, request_id: str) -> dict[str, tuple[str, str]]:
    """Type and value of the attributes Lambda gives a dead letter."""
    if isinstance(outcome, ThrottledError):
        code, text = _THROTTLED_CODE, str(outcome)
    else:
        document = _json(outcome.payload)
        code = _FUNCTION_ERROR_CODE
        text = str(document.get("errorMessage", "")) if isinstance(document, dict) else str(document)
    return {
        "RequestID": ("String", request_id),
        "ErrorCode": ("Number", str(code)),
        "ErrorMessage": ("String", text[:_MESSAGE_LIMIT] or "no message"),
    }


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")
