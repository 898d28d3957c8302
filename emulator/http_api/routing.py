"""Which route of an HTTP API takes a request.

API Gateway takes the most specific: an exact method before ``ANY``, a literal segment before a parameter, any
of them before a greedy ``{proxy+}``, and ``$default`` last.
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

DEFAULT_ROUTE = "$default"
_LITERAL, _PARAMETER, _GREEDY = 0, 1, 2


@dataclass(frozen=True)
class Match:
    """The chosen route key, and its path parameters."""

    route_key: str
    path_parameters: dict[str, str]


def find_route(route_keys: Iterable[str], method: str, path: str) -> Match | None:
    """Choose the route of a request.

    Parameters
    ----------
    route_keys
        Such as ``GET /models/{model}``, ``ANY /{proxy+}``, ``$default``.
    method, path
        Of the request; the path still percent-encoded, without the stage.

    Returns
    -------
    Match or None
        None when no route takes it.

    Examples
    --------
    >>> find_route(["GET /models/{model}", "GET /models/all", "$default"], "GET", "/models/late")
    Match(route_key='GET /models/{model}', path_parameters={'model': 'late'})
    >>> find_route(["GET /models/{model}", "GET /models/all"], "GET", "/models/all").route_key
    'GET /models/all'
    """
    found: list[tuple[tuple[list[int], bool], Match]] = []
    default = None
    for key in route_keys:
        if key == DEFAULT_ROUTE:
            default = Match(key, {})
            continue
        wanted_method, _, pattern = key.partition(" ")
        if wanted_method not in {method, "ANY"}:
            continue
        fitted = _fit(pattern, path)
        if fitted is not None:
            kinds, parameters = fitted
            found.append(((kinds, wanted_method == "ANY"), Match(key, parameters)))
    if not found:
        return default
    return min(found, key=lambda entry: entry[0])[1]


def _fit(pattern: str, path: str) -> tuple[list[int], dict[str, str]] | None:
    """Fit a path to a pattern: how specific each segment is, and the parameters."""
    wanted, given = pattern.strip("/").split("/"), path.strip("/").split("/")
    kinds: list[int] = []
    parameters: dict[str, str] = {}
    for index, segment in enumerate(wanted):
        if segment.startswith("{") and segment.endswith("+}"):
            rest = "/".join(given[index:])
            if not rest:
                return None
            return [*kinds, _GREEDY], {**parameters, segment[1:-2]: unquote(rest)}
        if index >= len(given):
            return None
        if segment.startswith("{") and segment.endswith("}"):
            if not given[index]:
                return None
            kinds.append(_PARAMETER)
            parameters[segment[1:-1]] = unquote(given[index])
        elif segment == given[index]:
            kinds.append(_LITERAL)
        else:
            return None
    return (kinds, parameters) if len(given) == len(wanted) else None
