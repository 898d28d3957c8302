"""The edge of the HTTP API: gateway events in, answers and RFC 9457 problem details out.

A request arrives as an API Gateway HTTP API event of payload format 2.0. ``Router`` finds the
route by method and path; every error raised on purpose becomes a problem document, so a route is
only its happy path. Errors nobody raised on purpose are left to fail the invocation: the platform
answers 500, counts it and keeps the traceback.

References
----------
.. [1] RFC 9457, Problem Details for HTTP APIs, https://www.rfc-editor.org/rfc/rfc9457
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote

from tidemill.errors import InvalidRequest, NotFound, PlatformError, TidemillError

MAX_BODY_BYTES = 5_000_000  # Lambda refuses events above 6 MB, after base64; this is said before parsing

MAX_PATH_CHARACTERS = 1000
MAX_FAULTS = 1000  # told in one answer, which Lambda holds to 6 MB


class BodyTooLarge(InvalidRequest):
    """The body is larger than a request may be."""


class Fault(NamedTuple):
    """One thing that is wrong with a request: the path of the field, and what is wrong with it."""

    field: str
    detail: str


class InvalidRows(InvalidRequest):
    """Rows are wrong in several ways, and all of them are told."""

    def __init__(self, message: str, *, faults: Sequence[Fault]) -> None:
        super().__init__(message, field=faults[0].field)
        self.faults = faults


class IdTaken(InvalidRequest):
    """An id that makes a request repeatable was used for another request."""


class MethodNotAllowed(InvalidRequest):
    """The path exists, the method does not."""

    def __init__(self, message: str, *, allowed: Sequence[str]) -> None:
        super().__init__(message)
        self.allowed = tuple(sorted(allowed))


@dataclass(frozen=True)
class Request:
    """One HTTP request: its method, path without stage, query, body and the moment it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    at: datetime


@dataclass(frozen=True)
class Response:
    """One HTTP answer: a status, a JSON document, and headers beside the content type."""

    status: int
    document: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


Handler = Callable[[Request, Mapping[str, str]], Response]


@dataclass(frozen=True)
class Route:
    """A method and a path template such as ``/models/{model}``, and the function that answers."""

    method: str
    template: str
    answer: Handler

    def match(self, path: str) -> dict[str, str] | None:
        """Return the template's parameters if the path fits it, else None.

        Examples
        --------
        >>> route = Route("GET", "/models/{model}", lambda request, names: Response(200, {}))
        >>> route.match("/models/late%20arrival"), route.match("/models")
        ({'model': 'late arrival'}, None)
        """
        wanted, given = self.template.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        names: dict[str, str] = {}
        for expected, found in zip(wanted, given, strict=True):
            if expected.startswith("{"):
                if not found:
                    return None
                names[expected[1:-1]] = unquote(found)
            elif expected != found:
                return None
        return names


@dataclass(frozen=True)
class Router:
    """The routing table of the API."""

    routes: Sequence[Route]

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a gateway event, with a problem document for every error raised on purpose.

        Parameters
        ----------
        event
            An HTTP API event, payload format 2.0.

        Returns
        -------
        dict
            ``statusCode``, ``headers`` and ``body`` as the gateway wants them.
        """
        try:
            response = self._route(parse_event(event))
        except TidemillError as error:
            response = problem(error)
        return {
            "statusCode": response.status,
            "headers": {"content-type": response.content_type, **response.headers},
            "body": json.dumps(response.document, separators=(",", ":"), allow_nan=False),
            "isBase64Encoded": False,
        }

    def _route(self, request: Request) -> Response:
        if len(request.path) > MAX_PATH_CHARACTERS:
            raise NotFound(f"a path of {len(request.path):,} characters leads nowhere")
        allowed: list[str] = []
        for route in self.routes:
            names = route.match(request.path)
            if names is None:
                continue
            if route.method == request.method:
                return route.answer(request, names)
            allowed.append(route.method)
        if allowed:
            raise MethodNotAllowed(
                f"{request.path} does not answer {request.method}; use {' or '.join(sorted(allowed))}",
                allowed=allowed,
            )
        known = ", ".join(f"{route.method} {route.template}" for route in self.routes)
        raise NotFound(f"there is no {request.path}; there are: {known}")


def parse_event(event: Mapping[str, Any]) -> Request:
    """Read a gateway event of payload format 2.0.

    Parameters
    ----------
    event
        The event; ``requestContext.timeEpoch`` is the moment the request arrived, in milliseconds.

    Returns
    -------
    Request
        The request, its path without the stage's prefix.

    Raises
    ------
    BodyTooLarge
        If the body has more than ``MAX_BODY_BYTES``.
    InvalidRequest
        If the body is declared base64 and is not.
    """
    context = event["requestContext"]
    stage = context.get("stage", "$default")
    path = event["rawPath"]
    if stage != "$default":
        path = path.removeprefix(f"/{stage}") or "/"
    return Request(
        method=context["http"]["method"],
        path=path.rstrip("/") or "/",
        query=event.get("queryStringParameters") or {},
        body=_body(event),
        at=datetime.fromtimestamp(context["timeEpoch"] / 1000, UTC),
    )


def _body(event: Mapping[str, Any]) -> bytes:
    text = event.get("body") or ""
    # Four characters of base64 are three bytes; plain text has at least one byte a character.
    least_bytes = len(text) * 3 // 4 - 2 if event.get("isBase64Encoded") else len(text)
    if least_bytes <= MAX_BODY_BYTES:
        body = _decode(text) if event.get("isBase64Encoded") else text.encode("utf-8", "surrogatepass")
        if len(body) <= MAX_BODY_BYTES:
            return body
        least_bytes = len(body)
    raise BodyTooLarge(
        f"the body has {least_bytes:,} bytes and may have {MAX_BODY_BYTES:,}; send fewer rows per request"
    )


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("the body is declared base64 and is not") from error


def problem(error: TidemillError) -> Response:
    """Tell an error as an RFC 9457 problem document.

    Parameters
    ----------
    error
        What was raised.

    Returns
    -------
    Response
        400 for a wrong request (with its ``field``, or all ``errors`` of its rows), 404, 405, 409 and 413
        as HTTP has them, 503 with ``Retry-After`` when the platform failed and the caller may try again.

    Examples
    --------
    >>> problem(InvalidRequest("must be a number", field="rows[3].wind_speed")).document["field"]
    'rows[3].wind_speed'
    >>> problem(NotFound("model `x` does not exist")).status
    404
    """
    status, kind, headers = _status_of(error)
    document: dict[str, Any] = {
        "type": f"urn:tidemill:{kind}",
        "title": status.phrase,
        "status": int(status),
        "detail": str(error),
    }
    if isinstance(error, InvalidRequest) and error.field is not None:
        document["field"] = error.field
    if isinstance(error, InvalidRows):
        shown = error.faults[:MAX_FAULTS]
        document["errors"] = [{"field": field, "detail": detail} for field, detail in shown]
        document["errors_in_all"] = len(error.faults)
    return Response(int(status), document, headers, "application/problem+json")


def _status_of(error: TidemillError) -> tuple[HTTPStatus, str, dict[str, str]]:
    if isinstance(error, PlatformError):
        return HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", {"retry-after": "1"}
    if isinstance(error, NotFound):
        return HTTPStatus.NOT_FOUND, "not-found", {}
    if isinstance(error, MethodNotAllowed):
        return HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", {"allow": ", ".join(error.allowed)}
    if isinstance(error, IdTaken):
        return HTTPStatus.CONFLICT, "id-taken", {}
    if isinstance(error, BodyTooLarge):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", {}
    return HTTPStatus.BAD_REQUEST, "invalid-request", {}
