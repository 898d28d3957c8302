"""The function behind a route: which it is, and how long API Gateway waits for it."""

import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.errors import NotPermitted, UnknownFunction
from emulator.http_api.response import HttpResponse, message, read_answer
from emulator.runtime.model import Invocation, InvocationRefusedError

_log = logging.getLogger(__name__)
_STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.(\w+)\}")
LONGEST_WAIT_MS = 30_000
"""API Gateway's limit, and the time it waits when an integration names none."""


@dataclass(frozen=True)
class Integrated:
    """What the caller receives, what Lambda answered to the gateway, and what went wrong on the way."""

    response: HttpResponse
    lambda_status: int | None
    error: str = ""


def function_arn_of(uri: str, stage_variables: Mapping[str, str] | None = None) -> str:
    """Read the function's ARN from an integration's or authorizer's URI.

    Parameters
    ----------
    uri
        A function's ARN, or API Gateway's path to its invocations; may name variables of the stage.
    stage_variables
        Their values; one that is not there is empty.

    Returns
    -------
    str
        The function's ARN.

    Examples
    --------
    >>> function_arn_of("arn:aws:apigateway:r:lambda:path/2015-03-31/functions/arn:aws:lambda:f/invocations")
    'arn:aws:lambda:f'
    >>> function_arn_of("arn:aws:lambda:r:1:function:f:${stageVariables.alias}", {"alias": "blue"})
    'arn:aws:lambda:r:1:function:f:blue'
    """
    values = stage_variables or {}
    uri = _STAGE_VARIABLE.sub(lambda found: values.get(found[1], ""), uri)
    return uri.partition("/functions/")[2].removesuffix("/invocations") if "/functions/" in uri else uri


def integrate(invoke: Callable[[], Invocation], timeout_ms: int) -> Integrated:
    """Run a function and answer with what it says, or with why it said nothing.

    Parameters
    ----------
    invoke
        Runs it.
    timeout_ms
        How long to wait for it; it runs on when nobody waits any more, as in AWS.

    Returns
    -------
    Integrated
        The answer.
    """
    ended: list[Integrated] = []
    thread = threading.Thread(target=lambda: ended.append(_run(invoke)), name="integration", daemon=True)
    thread.start()
    thread.join(timeout_ms / 1000)
    if not ended:
        told = f"no answer of the integration in {timeout_ms} ms"
        return Integrated(message(503, "Service Unavailable"), None, told)
    return ended[0]


def _run(invoke: Callable[[], Invocation]) -> Integrated:
    try:
        invocation = invoke()
    except UnknownFunction as error:
        return Integrated(message(500, "Internal Server Error"), 404, str(error))
    except NotPermitted as error:
        return Integrated(message(500, "Internal Server Error"), 403, str(error))
    except InvocationRefusedError as error:
        return Integrated(message(503, "Service Unavailable"), 429, str(error))
    except Exception as error:  # noqa: BLE001 - logged whole, and its caller would wait for a thread that is gone
        _log.exception("an integration failed")
        return Integrated(message(500, "Internal Server Error"), None, str(error))
    if invocation.function_error is not None:
        return Integrated(message(500, "Internal Server Error"), 200, _told(invocation))
    return Integrated(read_answer(invocation.payload), 200)


def _told(invocation: Any) -> str:
    return f"the function ended with {invocation.status}: {invocation.payload.decode(errors='replace')[:500]}"
