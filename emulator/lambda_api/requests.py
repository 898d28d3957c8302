"""The invoke operations of Lambda's API, and the callers inside moto that invoke."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import BaseResponse

from emulator.events.hooks import Hooks
from emulator.lambda_api.asynchronous import AsyncEvent
from emulator.lambda_api.names import split_name
from emulator.runtime.model import (
    ASYNC_PAYLOAD_LIMIT_BYTES,
    SYNC_PAYLOAD_LIMIT_BYTES,
    Invocation,
    ThrottledError,
)

_REQUEST_ID = "x-amzn-requestid"
_enrich = BaseResponse._enrich_response  # noqa: SLF001  moto's own, called by its replacement

Answer = tuple[int, dict[str, str], bytes]
Run = Callable[..., Invocation]
"""Runs a function by name, qualifier and payload."""


class _TooLargeError(LambdaClientError):
    code = 413


class _ThrottledError(LambdaClientError):
    code = 429


class Requests:
    """Answers requests to invoke.

    Parameters
    ----------
    invoke
        Runs one and waits.
    accept
        Takes an asynchronous event.
    """

    def __init__(self, *, invoke: Run, accept: Callable[[AsyncEvent], None]) -> None:
        self._invoke = invoke
        self._accept = accept

    def install(self, hooks: Hooks) -> None:
        """Answer in moto's place, which knows neither qualifiers nor the kinds of invocation."""
        hooks.replace_method(LambdaResponse, "invoke", self._answer)
        hooks.replace_method(LambdaResponse, "invoke_async", self._answer_async)
        hooks.replace_method(LambdaFunction, "invoke", self._notify)
        hooks.replace(BaseResponse, "_enrich_response", staticmethod(_keep_request_id))

    def _answer(self, response: Any) -> Answer:
        headers = response.headers
        target = self._target(response)
        payload = _payload(response)
        kind = headers.get("X-Amz-Invocation-Type") or "RequestResponse"
        context = headers.get("X-Amz-Client-Context")
        context = base64.b64decode(context).decode() if context else None
        if kind == "DryRun":
            return 204, {"status": "204"}, b""
        _check(payload, kind)
        if kind == "Event":
            event = AsyncEvent(target, payload, context=context)
            self._accept(event)
            return 202, {"status": "202", _REQUEST_ID: event.request_id}, b""
        try:
            invocation = self._invoke(target, payload, context=context, trace=headers.get("X-Amzn-Trace-Id"))
        except ThrottledError as error:
            raise _ThrottledError("TooManyRequestsException", str(error)) from error
        return _answered(invocation, tail=headers.get("X-Amz-Log-Type") == "Tail")

    def _answer_async(self, response: Any) -> Answer:
        target = self._target(response)
        payload = _payload(response)
        _check(payload, "Event")
        self._accept(AsyncEvent(target, payload))
        return 202, {"status": "202"}, b""

    def _target(self, response: Any) -> str:
        """Name what a request is about; without such a function moto's own error answers."""
        named = unquote(response.path.partition("/functions/")[2].rstrip("/").rpartition("/")[0])
        name, qualifier = split_name(named, response.querystring.get("Qualifier", [None])[0])
        response.backend.get_function(name, qualifier)
        return f"{name}:{qualifier}" if qualifier else name

    def _notify(self, function: Any, body: Any, _headers: Any, _response_headers: Any) -> bytes:
        """Serve moto's own callers (notifications and log subscriptions): all asynchronous in AWS."""
        payload = body.encode() if isinstance(body, str) else bytes(body)
        self._accept(AsyncEvent(function.function_arn, payload))
        return b""


def _keep_request_id(headers: dict[str, Any], body: Any) -> tuple[dict[str, Any], Any]:
    """Answer under the id the function sees, where moto gives every answer one of its own."""
    given = headers.get(_REQUEST_ID)
    headers, body = _enrich(headers, body)
    return (headers | {_REQUEST_ID: given} if given else headers), body


def _payload(response: Any) -> bytes:
    body = response.body
    return (body.encode() if isinstance(body, str) else bytes(body or b"")) or b"{}"


def _check(payload: bytes, kind: str) -> None:
    limit = ASYNC_PAYLOAD_LIMIT_BYTES if kind == "Event" else SYNC_PAYLOAD_LIMIT_BYTES
    if len(payload) > limit:
        raise _TooLargeError(
            "RequestTooLargeException",
            f"{len(payload)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)",
        )
    try:
        json.loads(payload)
    except ValueError as error:
        raise LambdaClientError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: {error}",
        ) from error


def _answered(invocation: Invocation, *, tail: bool) -> Answer:
    headers = {
        "content-type": "application/json",
        "x-amz-executed-version": invocation.version,
        _REQUEST_ID: invocation.request_id,
    }
    if tail:
        headers["x-amz-log-result"] = base64.b64encode(invocation.log_tail.encode()).decode()
    if invocation.function_error is not None:
        headers["x-amz-function-error"] = invocation.function_error
    return 200, headers, invocation.payload
