"""Selections of a request: ``$request.header.Authorization``, ``$context.routeKey`` and their kind.

Authorizers name their identity sources so.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from emulator.http_api.event import HttpRequest


def select(expressions: Iterable[str], request: HttpRequest, event: Mapping[str, Any]) -> list[str] | None:
    """Read identity sources from a request.

    Parameters
    ----------
    expressions
        Such as ``$request.header.Authorization``, ``$request.querystring.token``, ``$context.http.method`` or
        ``$stageVariables.name``.
    request
        What was asked.
    event
        What a function behind the route would receive.

    Returns
    -------
    list of str or None
        One value per expression; None when one of them is missing or empty, and nobody needs to be asked.
    """
    values = [_value(expression, request, event) for expression in expressions]
    return [str(value) for value in values] if all(values) else None


def _value(expression: str, request: HttpRequest, event: Mapping[str, Any]) -> Any:
    kind, _, name = expression.partition(".")
    if kind == "$request":
        place, _, name = name.partition(".")
        if place == "header":
            return request.headers.get(name.lower())
        return (event.get("queryStringParameters") or {}).get(name)
    if kind == "$stageVariables":
        return (event.get("stageVariables") or {}).get(name)
    found: Any = event["requestContext"]
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
