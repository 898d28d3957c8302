"""The init phase has a limit of its own, and one that failed is repeated within the invocation."""

import re
from collections.abc import Callable
from typing import Any

from emulator.runtime.model import FunctionSpec, Invocation
from emulator.runtime.pool import Pool

Answer = Callable[[Invocation], Any]
MakeSpec = Callable[..., FunctionSpec]


def run(spec: FunctionSpec, limit_seconds: float) -> tuple[Invocation, list[str]]:
    """Run one invocation with a short init phase; give its log too, without the figures."""
    written: list[str] = []
    with Pool(
        handed_in=lambda _spec: {},
        logs=lambda _spec, _stream, lines: written.extend(lines),
        init_limit_seconds=limit_seconds,
    ) as pool:
        invocation = pool.invoke(spec, b"{}", request_id="r1")
    return invocation, [re.sub(r"[\d.]+ ms", "N ms", line) for line in written]


def test_init_that_hangs_is_cut_off_and_then_times_out_within_the_invocation(
    make_spec: MakeSpec, answer: Answer
) -> None:
    spec = make_spec("import time; print('importing', flush=True); time.sleep(60)", timeout_seconds=0.5)
    invocation, log = run(spec, 0.4)
    assert invocation.status == "timeout"
    assert answer(invocation) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: r1 Error: Task timed out after 0.50 seconds",
    }
    assert log[0].startswith("INIT_START Runtime Version: python:3.")
    assert log[1:6] == [
        "importing",
        "INIT_REPORT Init Duration: N ms\tPhase: init\tStatus: timeout",
        "importing",
        "INIT_REPORT Init Duration: N ms\tPhase: invoke\tStatus: timeout",
        "START RequestId: r1 Version: $LATEST",
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.\d{3}Z r1 Task timed out after 0.50 seconds", log[6])
    assert log[7] == "END RequestId: r1"
    assert log[8].startswith("REPORT RequestId: r1\tDuration: N ms\tBilled Duration: N ms\t")
    assert "Init Duration" not in log[8]


def test_init_over_its_limit_gets_the_functions_timeout_the_second_time(
    make_spec: MakeSpec, answer: Answer
) -> None:
    spec = make_spec(
        """
        import time
        time.sleep(1)
        def handler(event, context):
            return context.get_remaining_time_in_millis()
        """,
        timeout_seconds=20.0,
    )
    invocation, log = run(spec, 0.4)
    assert invocation.status == "ok"
    assert answer(invocation) < 19_000  # the second init used time of the invocation
    assert invocation.init_ms is None
    assert invocation.duration_ms > 1000
    assert sum(line.startswith("INIT_REPORT") for line in log) == 1


def test_init_that_fails_is_tried_twice_and_reported_with_its_type(
    make_spec: MakeSpec, answer: Answer
) -> None:
    invocation, log = run(make_spec("import not_there"), 10)
    assert answer(invocation)["errorType"] == "Runtime.ImportModuleError"
    reports = [line for line in log if "REPORT" in line]
    failure = "Status: error\tError Type: Runtime.ImportModuleError"
    assert reports[:2] == [
        f"INIT_REPORT Init Duration: N ms\tPhase: init\t{failure}",
        f"INIT_REPORT Init Duration: N ms\tPhase: invoke\t{failure}",
    ]
    assert reports[2].endswith(f"\t{failure}\t")
