"""Answers under ``/_local/``.

======================  ============================================================================
``GET ./``              the page (`pages`), which lives on the next two
``GET overview``        all of what the page shows (`overview`)
``GET executions/ARN``  one state machine execution, with its history (`executions`)
``GET health``          ``{"status": "ready", "endpoint", "account", "region", "isolation", "stacks"}``
``GET clock``           ``{"now", "mode", "next": {"at", "what"} or null}``
``POST clock``          ``{"set": t}``, ``{"freeze": true}``, ``{"run": true}``, ``{"advance_to": t}``,
                        ``{"advance_seconds": s}`` or ``{"advance": "next"}``; answers like GET, an advance
                        with what ``fired``
``POST settle``         waits until nothing is in flight; ``{"timeout_seconds": 60}``
``GET resources``       every resource of every stack, with its physical id
``GET meter``           calls and bytes by principal, service and operation; ``DELETE`` begins anew
``GET invocations``     the latest invocations of functions; ``?function=`` narrows,
                        ``&latest=20`` gives the last of them only
======================  ============================================================================
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

from emulator.control.pages import page_file
from emulator.http_api.response import HttpResponse
from emulator.meter import Meter
from emulator.runtime.model import Invocation

DEFAULT_SETTLE_SECONDS = 60.0


class DueTimer(Protocol):
    """Something that waits for the clock."""

    due: datetime
    what: str


class ControlledClock(Protocol):
    """A clock that can be set, stopped, moved and let run."""

    @property
    def mode(self) -> str:
        """`wall`, `frozen` or `running`."""

    def now(self) -> datetime:
        """Tell the time."""

    def next_timer(self) -> DueTimer | None:
        """Give what falls due next."""

    def set(self, moment: datetime) -> None:
        """Go to a moment without firing what lies between."""

    def freeze(self) -> None:
        """Let time stand still."""

    def run(self) -> None:
        """Let time pass by itself."""

    def advance_to(self, moment: datetime) -> list[str]:
        """Go to a moment, firing what is due on the way; give what fired."""

    def advance_to_next(self) -> list[str]:
        """Go to the next moment at which something is due, and fire it; give what fired."""


class Control:
    """The control plane.

    Parameters
    ----------
    clock
        The cloud's clock.
    settle
        Waits until nothing is in flight; takes the longest wait in seconds.
    meter
        Counts calls.
    recent
        Gives the latest invocations.
    resources
        Lists the stacks' resources.
    facts
        What ``health`` tells beside its status.
    overview
        Collects what the page shows.
    execution
        Describes a state machine execution by its ARN.
    """

    def __init__(
        self,
        *,
        clock: ControlledClock,
        settle: Callable[[float], None],
        meter: Meter,
        recent: Callable[[], list[Invocation]],
        resources: Callable[[], list[dict[str, Any]]],
        facts: Callable[[], dict[str, Any]],
        overview: Callable[[], dict[str, Any]],
        execution: Callable[[str], dict[str, Any]],
    ) -> None:
        self._clock = clock
        self._settle = settle
        self._meter = meter
        self._recent = recent
        self._resources = resources
        self._facts = facts
        self._overview = overview
        self._execution = execution
        self._routes: dict[tuple[str, str], Callable[[str, bytes], Any]] = {
            ("GET", "health"): lambda _query, _body: {"status": "ready", **self._facts()},
            ("GET", "overview"): lambda _query, _body: self._everything(),
            ("GET", "clock"): lambda _query, _body: self._time(),
            ("POST", "clock"): lambda _query, body: self._move(body),
            ("POST", "settle"): lambda _query, body: self._rest(body),
            ("GET", "resources"): lambda _query, _body: {"resources": self._resources()},
            ("GET", "meter"): lambda _query, _body: {"calls": self._meter.report()},
            ("DELETE", "meter"): lambda _query, _body: self._begin_metering(),
            ("GET", "invocations"): lambda query, _body: {"invocations": self._invocations(query)},
        }

    def answer(self, method: str, path: str, query: str, body: bytes) -> HttpResponse:
        """Answer one request.

        Parameters
        ----------
        method, path, query, body
            Of the request; the path without ``/_local/``.

        Returns
        -------
        HttpResponse
            JSON, or a file of the page; 400 for what cannot be understood, 404 for an unknown path or
            execution, 504 when settling takes too long.
        """
        path = path.strip("/")
        page = page_file(path) if method == "GET" else None
        if page is not None:
            return page
        route = self._find(method, path)
        if route is None:
            known = ", ".join(f"{m} /_local/{p}" for m, p in sorted(self._routes))
            return _json(404, {"error": f"{method} /_local/{path} is not known; known: {known}"})
        try:
            return _json(200, route(query, body))
        except TimeoutError as error:
            return _json(504, {"error": str(error)})
        except LookupError as error:
            return _json(404, {"error": str(error.args[0])})
        except (ValueError, TypeError) as error:
            return _json(400, {"error": str(error)})

    def _find(self, method: str, path: str) -> Callable[[str, bytes], Any] | None:
        kind, _, arn = path.partition("/")
        if (method, kind) == ("GET", "executions") and arn:
            return lambda _query, _body: self._execution(unquote(arn))
        return self._routes.get((method, path))

    def _everything(self) -> dict[str, Any]:
        return {**self._facts(), "clock": self._time(), **self._overview()}

    def _time(self) -> dict[str, Any]:
        timer = self._clock.next_timer()
        return {
            "now": _rfc3339(self._clock.now()),
            "mode": self._clock.mode,
            "next": {"at": _rfc3339(timer.due), "what": timer.what} if timer else None,
        }

    def _move(self, body: bytes) -> dict[str, Any]:
        clock, wanted = self._clock, _object(body)
        fired: list[str] | None = None
        match wanted:
            case {"set": moment, **rest} if not rest:
                clock.set(_moment(moment))
            case {"freeze": True, **rest} if not rest:
                clock.freeze()
            case {"run": True, **rest} if not rest:
                clock.run()
            case {"advance_to": moment, **rest} if not rest:
                fired = clock.advance_to(_moment(moment))
            case {"advance_seconds": seconds, **rest} if not rest:
                fired = clock.advance_to(clock.now() + timedelta(seconds=float(seconds)))
            case {"advance": "next", **rest} if not rest:
                fired = clock.advance_to_next()
            case _:
                raise ValueError(
                    'the clock takes one of {"set": t}, {"freeze": true}, {"run": true}, {"advance_to": t}, '
                    f'{{"advance_seconds": s}} and {{"advance": "next"}}; given: {json.dumps(wanted)}'
                )
        return self._time() | ({} if fired is None else {"fired": fired})

    def _rest(self, body: bytes) -> dict[str, bool]:
        self._settle(float(_object(body).get("timeout_seconds", DEFAULT_SETTLE_SECONDS)))
        return {"settled": True}

    def _begin_metering(self) -> dict[str, Any]:
        self._meter.clear()
        return {"calls": self._meter.report()}

    def _invocations(self, query: str) -> list[dict[str, Any]]:
        asked = parse_qs(query)
        wanted, latest = asked.get("function"), int(asked.get("latest", ["0"])[0])
        found = [
            {
                "request_id": invocation.request_id,
                "function": invocation.function_name,
                "started_at": _rfc3339(invocation.started_at) if invocation.started_at else None,
                "status": invocation.status,
                "duration_ms": round(invocation.duration_ms, 3),
                "init_ms": invocation.init_ms,
                "max_memory_mb": invocation.max_memory_mb,
                "log_tail": invocation.log_tail,
            }
            for invocation in self._recent()
            if not wanted or invocation.function_name in wanted
        ]
        return found[-latest:]


def _object(body: bytes) -> dict[str, Any]:
    parsed = json.loads(body or b"{}")
    if not isinstance(parsed, dict):
        raise TypeError(f"the body is a JSON {type(parsed).__name__}; it takes an object")
    return parsed


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError(f"{text} names no time zone; write it in UTC, such as 2013-03-01T00:00:00Z")
    return moment.astimezone(UTC)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _json(status: int, document: Any) -> HttpResponse:
    body = json.dumps(document, separators=(",", ":")).encode()
    return HttpResponse(status, (("content-type", "application/json"),), body)
