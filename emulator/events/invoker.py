"""Invocations: synchronous ones for whoever waits, asynchronous ones with retries and destinations.

An asynchronous event is counted as work from the moment it is accepted until it succeeded, waits on the
clock for its next attempt, or lies at its destination.
"""

import base64
import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from moto.awslambda import models as lambda_models
from moto.awslambda_simple import models as simple_models
from moto.core.exceptions import JsonRESTError

from emulator.errors import EmulatorError
from emulator.events.clock import Clock
from emulator.events.hooks import Hooks
from emulator.events.targets import Delivery, Targets
from emulator.events.work import Work
from emulator.runtime.model import (
    ASYNC_PAYLOAD_LIMIT_BYTES,
    FunctionSpec,
    Invocation,
    PayloadTooLargeError,
    ThrottledError,
)
from emulator.runtime.pool import Pool

_log = logging.getLogger(__name__)

SpecOf = Callable[[str, str | None], FunctionSpec]
"""Finds a function by name or ARN and qualifier."""

_RETRIES = 2
_RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=2))
_EVENT_KIND = "asynchronous invocation"


class _TooLargeError(JsonRESTError):
    code = 413


class _ThrottledError(JsonRESTError):
    code = 429


@dataclass(frozen=True)
class _Event:
    """An asynchronous event on its way to a function."""

    function: Any
    payload: bytes
    attempt: int
    context: str | None = None


class Invoker:
    """Runs functions for the Lambda API and for everything that invokes.

    Parameters
    ----------
    pool
        Workers.
    spec_of
        Finds functions.
    clock
        Retries wait on it.
    work
        Counts invocations.
    threads
        Asynchronous events handled at the same time.
    """

    def __init__(self, *, pool: Pool, spec_of: SpecOf, clock: Clock, work: Work, threads: int = 16) -> None:
        self._pool = pool
        self._spec_of = spec_of
        self._clock = clock
        self._work = work
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="events")
        self._targets: Targets | None = None

    def connect(self, targets: Targets) -> None:
        """Say where destinations and dead letters go."""
        self._targets = targets

    def install(self, hooks: Hooks) -> None:
        """Run real functions where moto answers canned text or starts containers."""
        function = lambda_models.LambdaFunction
        hooks.replace_method(simple_models.LambdaSimpleBackend, "invoke", self._api_invoke)
        hooks.replace_method(function, "invoke", self._function_invoke)
        make = function.__init__

        def remember_dead_letters(
            self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any
        ) -> None:
            make(self, account_id, spec, *args, **kwargs)
            self.dead_letter_config = spec.get("DeadLetterConfig")

        hooks.replace(function, "__init__", remember_dead_letters)

    def invoke(
        self, function_arn: str, payload: bytes, *, context: str | None = None, trace: str | None = None
    ) -> Invocation:
        """Invoke and wait.

        Parameters
        ----------
        function_arn
            With or without qualifier.
        payload
            JSON.
        context
            Client context, JSON.
        trace
            X-Ray trace header.

        Returns
        -------
        Invocation
            What became of it.

        Raises
        ------
        InvocationRefusedError
            The function was not started.
        """
        with self._work.doing("invocation"):
            return self._pool.invoke(
                self._spec_of(function_arn, None), payload, client_context=context, trace=trace
            )

    def invoke_later(self, function_arn: str, payload: bytes) -> None:
        """Accept an asynchronous event.

        Parameters
        ----------
        function_arn
            With or without qualifier.
        payload
            JSON.

        Raises
        ------
        Exception
            moto's, when there is no such function.
        """
        _, _, _, region, account, _ = function_arn.split(":", 5)
        backend = simple_models.lambda_simple_backends[account][region]
        self._accept(_Event(backend.get_function(function_arn), payload, attempt=1))

    def submit(self, task: Callable[[], None]) -> None:
        """Run something that was counted as work before, in a thread of the invoker."""
        self._executor.submit(_logged, task)

    def close(self) -> None:
        """Start nothing more."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _api_invoke(  # noqa: PLR0917  moto's signature
        self,
        backend: Any,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Mapping[str, str],
        response_headers: dict[str, str],
    ) -> bytes:
        function = backend.get_function(function_name, qualifier)
        payload = body.encode() if isinstance(body, str) else bytes(body or b"")
        if headers.get("X-Amz-Invocation-Type") == "DryRun":
            return b""
        context = headers.get("X-Amz-Client-Context")
        context = base64.b64decode(context).decode() if context else None
        if headers.get("X-Amz-Invocation-Type") == "Event":
            if len(payload) > ASYNC_PAYLOAD_LIMIT_BYTES:
                raise _TooLargeError(
                    "RequestTooLargeException",
                    f"{len(payload)} byte payload is too large for the Event invocation type "
                    f"(limit {ASYNC_PAYLOAD_LIMIT_BYTES} bytes)",
                )
            self._accept(_Event(function, payload or b"{}", attempt=1, context=context))
            return b""
        try:
            invocation = self.invoke(
                function.function_arn,
                payload or b"{}",
                context=context,
                trace=headers.get("X-Amzn-Trace-Id"),
            )
        except PayloadTooLargeError as error:
            raise _TooLargeError("RequestTooLargeException", str(error)) from error
        except ThrottledError as error:
            raise _ThrottledError("TooManyRequestsException", str(error)) from error
        response_headers["x-amz-executed-version"] = "$LATEST"
        response_headers["x-amz-log-result"] = base64.b64encode(invocation.log_tail.encode()).decode()
        if invocation.function_error is not None:
            response_headers["x-amz-function-error"] = invocation.function_error
        response_headers["Content-Length"] = str(len(invocation.payload))
        return invocation.payload

    def _function_invoke(
        self, function: Any, body: Any, _request_headers: Any, _response_headers: Any
    ) -> bytes:
        """Serve moto's own callers (S3 and SNS notifications, log subscriptions): all asynchronous in AWS."""
        self._accept(_Event(function, body.encode() if isinstance(body, str) else bytes(body), attempt=1))
        return b""

    def _accept(self, event: _Event) -> None:
        self._work.begin(_EVENT_KIND)
        self.submit(lambda: self._attempt(event))

    def _attempt(self, event: _Event) -> None:
        try:
            failure: Invocation | EmulatorError
            try:
                invocation = self.invoke(event.function.function_arn, event.payload, context=event.context)
            except EmulatorError as refused:
                failure = refused
            else:
                if invocation.function_error is None:
                    self._report(event, invocation, condition="Success", destination="OnSuccess")
                    return
                failure = invocation
            self._retry_or_bury(event, failure)
        finally:
            self._work.end(_EVENT_KIND)

    def _retry_or_bury(self, event: _Event, failure: Invocation | EmulatorError) -> None:
        retries = _configuration(event.function).get("MaximumRetryAttempts")
        if event.attempt <= (_RETRIES if retries is None else int(retries)):
            again = _Event(event.function, event.payload, event.attempt + 1, event.context)
            due = self._clock.now() + _RETRY_AFTER[min(event.attempt, len(_RETRY_AFTER)) - 1]
            self._clock.call_at(due, lambda: self._accept(again))
            return
        self._report(event, failure, condition="RetriesExhausted", destination="OnFailure")
        letters = (getattr(event.function, "dead_letter_config", None) or {}).get("TargetArn")
        if letters:
            self._deliver(event, letters, event.payload.decode())

    def _report(
        self,
        event: _Event,
        outcome: Invocation | EmulatorError,
        *,
        condition: str,
        destination: str,
    ) -> None:
        chosen = (_configuration(event.function).get("DestinationConfig") or {}).get(destination) or {}
        if not chosen.get("Destination"):
            return
        body: dict[str, Any] = {
            "version": "1.0",
            "timestamp": self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": {
                "functionArn": f"{event.function.function_arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": event.attempt,
            },
            "requestPayload": _json(event.payload),
        }
        if isinstance(outcome, Invocation):
            body["requestContext"]["requestId"] = outcome.request_id
            context: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
            if outcome.function_error is not None:
                context["functionError"] = outcome.function_error
            body |= {"responseContext": context, "responsePayload": _json(outcome.payload)}
        self._deliver(event, chosen["Destination"], json.dumps(body))

    def _deliver(self, event: _Event, arn: str, body: str) -> None:
        if self._targets is not None:
            self._targets.deliver(Delivery(arn, body, event.function.function_arn))


def _configuration(function: Any) -> Mapping[str, Any]:
    configured = function.event_invoke_config
    config: Mapping[str, Any] = configured[-1].config if configured else {}
    return config


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")


def _logged(task: Callable[[], None]) -> None:
    try:
        task()
    except Exception:  # noqa: BLE001  the thread goes on; what failed is said
        _log.exception("an event was lost in the local cloud")
