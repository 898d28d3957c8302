"""The control plane, without a socket."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.control.routes import Control
from emulator.events.clock import Timer
from emulator.meter import Call, Meter
from emulator.runtime.model import Invocation

SUMMER = {"at": "2013-06-01T00:00:00Z", "what": "summer"}


class FixedClock:
    """A clock that only remembers where it was moved."""

    mode = "frozen"

    def __init__(self) -> None:
        self.moment = datetime(2013, 1, 1, tzinfo=UTC)
        self.moves: list[str] = []

    def next_timer(self) -> Timer | None:
        return Timer(datetime(2013, 6, 1, tzinfo=UTC), self.freeze, "summer")

    def now(self) -> datetime:
        return self.moment

    def set(self, moment: datetime) -> None:
        self.moves.append("set")
        self.moment = moment

    def freeze(self) -> None:
        self.moves.append("freeze")

    def run(self) -> None:
        self.moves.append("run")

    def advance_to(self, moment: datetime) -> list[str]:
        self.moves.append("advance")
        self.moment = moment
        return ["spring"]

    def advance_to_next(self) -> list[str]:
        return self.advance_to(datetime(2013, 6, 1, tzinfo=UTC))


def invocation(function: str) -> Invocation:
    started = datetime(2013, 1, 1, tzinfo=UTC)
    return Invocation(
        request_id="id",
        payload=b"1",
        status="ok",
        function_error=None,
        duration_ms=1.2345,
        init_ms=None,
        max_memory_mb=30,
        log_tail="log",
        function_name=function,
        started_at=started,
    )


class Plane:
    """A control plane over stand-ins."""

    def __init__(self, settle: Callable[[float], None] = lambda _seconds: None) -> None:
        self.clock, self.meter = FixedClock(), Meter()
        self.control = Control(
            clock=self.clock,
            settle=settle,
            meter=self.meter,
            recent=lambda: [invocation("one"), invocation("two")],
            resources=lambda: [{"stack": "S"}],
            facts=lambda: {"endpoint": "http://here"},
            overview=lambda: {"functions": []},
            execution={"arn:aws:states:1": {"status": "RUNNING"}}.__getitem__,
        )

    def ask(self, method: str, path: str, body: Any = None, query: str = "") -> tuple[int, Any]:
        sent = b"" if body is None else json.dumps(body).encode()
        response = self.control.answer(method, path, query, sent)
        return response.status, json.loads(response.body)


def test_health_says_where_it_is() -> None:
    assert Plane().ask("GET", "health") == (200, {"status": "ready", "endpoint": "http://here"})


@pytest.mark.parametrize(
    ("body", "now", "move"),
    [
        ({"set": "2013-02-01T00:00:00Z"}, "2013-02-01T00:00:00Z", "set"),
        ({"freeze": True}, "2013-01-01T00:00:00Z", "freeze"),
        ({"run": True}, "2013-01-01T00:00:00Z", "run"),
        ({"advance_to": "2013-02-01T02:00:00+02:00"}, "2013-02-01T00:00:00Z", "advance"),
        ({"advance_seconds": 60}, "2013-01-01T00:01:00Z", "advance"),
        ({"advance": "next"}, "2013-06-01T00:00:00Z", "advance"),
    ],
)
def test_the_clock_is_moved_and_tells_where_it_is_and_what_fired(
    body: dict[str, Any], now: str, move: str
) -> None:
    plane = Plane()
    fired = {"fired": ["spring"]} if move == "advance" else {}
    assert plane.ask("POST", "clock", body) == (200, {"now": now, "mode": "frozen", "next": SUMMER} | fired)
    assert plane.clock.moves == [move]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"freeze": False},
        {"run": True, "set": "x"},
        {"advance": "far"},
        {"set": "2013-02-01T00:00:00"},
        {"set": "soon"},
        {"advance_seconds": 1, "set": "x"},
        [1],
    ],
)
def test_a_clock_request_that_cannot_be_understood_moves_nothing(body: Any) -> None:
    plane = Plane()
    status, answer = plane.ask("POST", "clock", body)
    assert status == 400
    assert answer["error"]
    assert plane.clock.moves == []


def test_settling_waits_as_long_as_asked() -> None:
    waits: list[float] = []
    assert Plane(waits.append).ask("POST", "settle", {"timeout_seconds": 5}) == (200, {"settled": True})
    assert waits == [5.0]


def test_what_does_not_settle_is_named() -> None:
    def never(_seconds: float) -> None:
        raise TimeoutError("running: 1 invocation")

    assert Plane(never).ask("POST", "settle") == (504, {"error": "running: 1 invocation"})


def test_the_meter_is_read_and_begun_anew() -> None:
    plane = Plane()
    plane.meter.count(Call("root", "s3", "PutObject", received_bytes=3, sent_bytes=0, error=False))
    plane.meter.count(Call("root", "s3", "PutObject", received_bytes=4, sent_bytes=1, error=True))
    _, answer = plane.ask("GET", "meter")
    assert answer["calls"] == [
        {
            "principal": "root",
            "service": "s3",
            "operation": "PutObject",
            "calls": 2,
            "errors": 1,
            "received_bytes": 7,
            "sent_bytes": 1,
        }
    ]
    assert plane.ask("DELETE", "meter") == (200, {"calls": []})


def test_invocations_are_narrowed_to_a_function() -> None:
    _, answer = Plane().ask("GET", "invocations", query="function=two")
    assert [each["function"] for each in answer["invocations"]] == ["two"]


def test_an_unknown_path_names_the_known_ones() -> None:
    status, answer = Plane().ask("GET", "nothing")
    assert status == 404
    assert "GET /_local/health" in answer["error"]


def test_the_overview_joins_what_is_there_with_place_and_time() -> None:
    _, answer = Plane().ask("GET", "overview")
    assert answer == {
        "endpoint": "http://here",
        "clock": {"now": "2013-01-01T00:00:00Z", "mode": "frozen", "next": SUMMER},
        "functions": [],
    }


def test_an_execution_is_found_by_its_arn_and_an_unknown_one_is_refused() -> None:
    assert Plane().ask("GET", "executions/arn:aws:states:1") == (200, {"status": "RUNNING"})
    status, answer = Plane().ask("GET", "executions/arn:aws:states:2")
    assert status == 404
    assert "arn:aws:states:2" in answer["error"]
