"""What a function behind an HTTP API receives: payload format version 2.0.

(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html)
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from emulator.http_api.routing import Match

_TEXT_TYPES = (
    "text/",
    "application/json",
    "application/javascript",
    "application/xml",
    "application/x-www-form-urlencoded",
)


@dataclass(frozen=True)
class HttpRequest:
    """A request to an HTTP API.

    `path` is percent-encoded and begins after the API's own place; header names are in lower case.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    source_ip: str = "127.0.0.1"


@dataclass(frozen=True)
class Place:
    """Where a request arrived: account, API, stage, domain, and the stage's variables."""

    account: str
    api_id: str
    stage: str
    domain: str
    stage_variables: Mapping[str, str] = field(default_factory=dict)


def build_event(
    request: HttpRequest, match: Match, place: Place, *, now: datetime, request_id: str
) -> dict[str, Any]:
    """Write the event.

    Parameters
    ----------
    request
        What was asked.
    match
        The route that takes it.
    place
        Where it arrived.
    now
        The cloud's time.
    request_id
        The request's own id.

    Returns
    -------
    dict
        The event; what an authorizer tells of the caller is added to its ``requestContext``.
    """
    path = _event_path(request.path, place.stage)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route_key,
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": {name: value for name, value in request.headers.items() if name != "cookie"},
        "requestContext": _context(request, match, place, now=now, request_id=request_id, path=path),
        "isBase64Encoded": False,
    }
    if "cookie" in request.headers:
        event["cookies"] = [cookie.strip() for cookie in request.headers["cookie"].split(";")]
    query = _query_parameters(request.query)
    if query:
        event["queryStringParameters"] = query
    if match.path_parameters:
        event["pathParameters"] = match.path_parameters
    if place.stage_variables:
        event["stageVariables"] = dict(place.stage_variables)
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(request)
    return event


def _event_path(path: str, stage: str) -> str:
    """Give ``rawPath``: decoded, and with the stage's name before it unless that is ``$default``."""
    decoded = unquote(path) or "/"
    return decoded if stage == "$default" else f"/{stage}{decoded}"


def _context(
    request: HttpRequest, match: Match, place: Place, *, now: datetime, request_id: str, path: str
) -> dict[str, Any]:
    return {
        "accountId": place.account,
        "apiId": place.api_id,
        "domainName": place.domain,
        "domainPrefix": place.api_id,
        "http": {
            "method": request.method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": match.route_key,
        "stage": place.stage,
        "time": context_time(now),
        "timeEpoch": int(now.timestamp() * 1000),
    }


def context_time(moment: datetime) -> str:
    """Write a time as ``requestContext.time`` has it.

    Parameters
    ----------
    moment
        In UTC.

    Returns
    -------
    str
        Such as ``12/Mar/2020:19:03:58 +0000``.
    """
    return moment.strftime("%d/%b/%Y:%H:%M:%S +0000")


def _query_parameters(query: str) -> dict[str, str]:
    """Join repeated parameters with commas, as format 2.0 does."""
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(request: HttpRequest) -> tuple[str, bool]:
    kind = request.headers.get("content-type", "").lower()
    if "content-encoding" not in request.headers and (
        kind.startswith(_TEXT_TYPES) or "+json" in kind or not kind
    ):
        try:
            return request.body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass  # not the text it says it is: handed on as bytes
    return base64.b64encode(request.body).decode(), True
