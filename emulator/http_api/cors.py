"""CORS of HTTP APIs: preflight requests are answered, and answers carry what an origin is entitled to.

(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html)
"""

from typing import Any

from emulator.http_api.event import HttpRequest
from emulator.http_api.response import HttpResponse


def answer_preflight(cors: dict[str, Any], request: HttpRequest) -> HttpResponse | None:
    """Answer a preflight request.

    Parameters
    ----------
    cors
        The API's configuration.
    request
        What was asked.

    Returns
    -------
    HttpResponse or None
        None when the request is no preflight.
    """
    is_preflight = (
        request.method == "OPTIONS"
        and "origin" in request.headers
        and "access-control-request-method" in request.headers
    )
    return HttpResponse(204, _headers(cors, request, preflight=True), b"") if is_preflight else None


def with_cors(response: HttpResponse, cors: dict[str, Any], request: HttpRequest) -> HttpResponse:
    """Add CORS headers in place of the function's own, as API Gateway does.

    Parameters
    ----------
    response
        The function's answer.
    cors
        The API's configuration.
    request
        What was asked.

    Returns
    -------
    HttpResponse
        The answer to send.
    """
    own = tuple((name, value) for name, value in response.headers if not name.startswith("access-control-"))
    return HttpResponse(response.status, own + _headers(cors, request), response.body)


def _headers(
    cors: dict[str, Any], request: HttpRequest, *, preflight: bool = False
) -> tuple[tuple[str, str], ...]:
    """Write the headers an origin is entitled to; none for a foreign one."""
    settings = {key[:1].lower() + key[1:]: value for key, value in cors.items()}
    origin, allowed = request.headers.get("origin"), settings.get("allowOrigins") or []
    if origin is None or not any(_covers(pattern, origin) for pattern in allowed):
        return ()
    headers = [("access-control-allow-origin", "*" if "*" in allowed else origin)]
    if settings.get("allowCredentials"):
        headers.append(("access-control-allow-credentials", "true"))
    if settings.get("exposeHeaders"):
        headers.append(("access-control-expose-headers", ",".join(settings["exposeHeaders"])))
    if preflight:
        headers += [
            ("access-control-allow-methods", ",".join(settings.get("allowMethods") or [])),
            ("access-control-allow-headers", ",".join(settings.get("allowHeaders") or [])),
        ]
        if settings.get("maxAge") is not None:
            headers.append(("access-control-max-age", str(settings["maxAge"])))
    return tuple(headers)


def _covers(pattern: str, origin: str) -> bool:
    """Say whether an allowed origin covers another: ``*``, ``https://*``, or the very same."""
    return pattern in {"*", origin} or (
        pattern in {"http://*", "https://*"} and origin.startswith(pattern[:-1])
    )
