"""Answers a request to an HTTP API: stage, route, CORS, authorization, function, response."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from emulator import aws
from emulator.errors import UnknownFunction
from emulator.http_api.event import HttpRequest, Place, build_event
from emulator.http_api.response import HttpResponse, message, read_answer
from emulator.http_api.routing import find_route
from emulator.runtime.model import Invocation, InvocationRefusedError

DEFAULT_STAGE = "$default"
REQUEST_LIMIT_BYTES = 10 * 1024 * 1024

Invoke = Callable[[str, dict[str, Any]], Invocation]
"""Runs a function by ARN with an event."""

Authorize = Callable[[str], str | None]
"""Gives the ARN of who signed the request and may call ``stage/METHOD/path``, or None."""


class Gateway:
    """The HTTP APIs of the local cloud.

    Parameters
    ----------
    invoke
        Runs functions.
    now
        The cloud's time.
    account, region, domain
        What events name.
    """

    def __init__(
        self, *, invoke: Invoke, now: Callable[[], datetime], account: str, region: str, domain: str
    ) -> None:
        self._invoke = invoke
        self._now = now
        self._account = account
        self._region = region
        self._domain = domain

    def answer(self, api_id: str, request: HttpRequest, authorize: Authorize) -> HttpResponse:
        """Answer one request.

        Parameters
        ----------
        api_id
            Which API.
        request
            What was asked, its path beginning after the API's own place.
        authorize
            Checks the request's signature and leave; called for IAM routes only.

        Returns
        -------
        HttpResponse
            The function's answer, or the gateway's own error.
        """
        api = aws.backend("apigatewayv2", self._region).apis.get(api_id)
        if api is None:
            return message(404, "Not Found")
        cors = api.cors_configuration or {}
        if cors and _is_preflight(request):
            return HttpResponse(204, _cors_headers(cors, request, preflight=True), b"")
        response = self._route(api, request, authorize)
        return _with_cors(response, cors, request) if cors else response

    def _route(self, api: Any, request: HttpRequest, authorize: Authorize) -> HttpResponse:
        if len(request.body) > REQUEST_LIMIT_BYTES:
            return message(413, "Request Entity Too Large")
        stage, path = _stage_and_path(api, request.path)
        routes = {route.route_key: route for route in list(api.routes.values())}
        match = find_route(routes, request.method, path)
        if stage is None or match is None:
            return message(404, "Not Found")
        route = routes[match.route_key]
        asked = f"{stage.name}/{request.method}{path}"
        principal = authorize(asked) if route.authorization_type == "AWS_IAM" else None
        refusal = _refusal(route, principal)
        if refusal:
            return refusal
        place = Place(self._account, api.api_id, stage.name, self._domain, stage.stage_variables or {})
        routed = HttpRequest(
            request.method, path, request.query, request.headers, request.body, request.source_ip
        )
        integration = api.integrations.get(str(route.target or "").rpartition("/")[2])
        if integration is None:
            return message(500, "Internal Server Error")
        event = build_event(routed, match, place, now=self._now(), principal=principal)
        return self._integrate(function_arn_of(integration.integration_uri), event)

    def _integrate(self, function_arn: str, event: dict[str, Any]) -> HttpResponse:
        try:
            invocation = self._invoke(function_arn, event)
        except UnknownFunction:
            return message(500, "Internal Server Error")
        except InvocationRefusedError:
            return message(503, "Service Unavailable")
        if invocation.status == "timeout":
            return message(503, "Service Unavailable")
        if invocation.function_error is not None:
            return message(500, "Internal Server Error")
        return read_answer(invocation.payload)


def _refusal(route: Any, principal: str | None) -> HttpResponse | None:
    if route.authorization_type in {None, "NONE"}:
        return None
    if route.authorization_type == "AWS_IAM":
        return None if principal else message(403, "Forbidden")
    return message(401, "Unauthorized")


def function_arn_of(uri: str) -> str:
    """Read the function's ARN from an integration's URI.

    Parameters
    ----------
    uri
        A function's ARN, or API Gateway's path to its invocations.

    Returns
    -------
    str
        The function's ARN.

    Examples
    --------
    >>> function_arn_of("arn:aws:apigateway:r:lambda:path/2015-03-31/functions/arn:aws:lambda:f/invocations")
    'arn:aws:lambda:f'
    """
    return uri.partition("/functions/")[2].removesuffix("/invocations") if "/functions/" in uri else uri


def _stage_and_path(api: Any, path: str) -> tuple[Any, str]:
    """Split the stage off the path; a stage named in the path comes before ``$default``."""
    first, _, rest = path.lstrip("/").partition("/")
    if first != DEFAULT_STAGE and first in api.stages:
        return api.stages[first], f"/{rest}"
    return api.stages.get(DEFAULT_STAGE), path or "/"


def _is_preflight(request: HttpRequest) -> bool:
    return (
        request.method == "OPTIONS"
        and "origin" in request.headers
        and "access-control-request-method" in request.headers
    )


def _cors_headers(
    cors: dict[str, Any], request: HttpRequest, *, preflight: bool = False
) -> tuple[tuple[str, str], ...]:
    """Write the CORS headers an origin is entitled to; none for a foreign one."""
    settings = {key[:1].lower() + key[1:]: value for key, value in cors.items()}
    origin, allowed = request.headers.get("origin"), settings.get("allowOrigins") or []
    if origin is None or not ("*" in allowed or origin in allowed):
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


def _with_cors(response: HttpResponse, cors: dict[str, Any], request: HttpRequest) -> HttpResponse:
    """Add CORS headers in place of the function's own, as API Gateway does."""
    own = tuple((name, value) for name, value in response.headers if not name.startswith("access-control-"))
    return HttpResponse(response.status, own + _cors_headers(cors, request), response.body)
