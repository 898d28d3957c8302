"""Functions run in worker processes as they would in Lambda, and fail as they would there."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from emulator.runtime.model import (
    SYNC_PAYLOAD_LIMIT_BYTES,
    FunctionSpec,
    Invocation,
    PayloadTooLargeError,
    PoolClosedError,
    ThrottledError,
)
from emulator.runtime.pool import Pool

MakeSpec = Callable[..., FunctionSpec]

ECHO = """
    def handler(event, context):
        return event
"""
PID = """
    import os
    def handler(event, context):
        return os.getpid()
"""


def answer(invocation: Invocation) -> object:
    """Read an invocation's answer."""
    return json.loads(invocation.payload)


def test_first_call_starts_a_worker_and_the_next_one_finds_it_warm(pool: Pool, make_spec: MakeSpec) -> None:
    spec = make_spec(PID)
    cold, warm = pool.invoke(spec, b"{}"), pool.invoke(spec, b"{}")
    assert cold.init_ms is not None
    assert warm.init_ms is None
    assert answer(cold) == answer(warm)
    assert [entry.request_id for entry in pool.recent()] == [cold.request_id, warm.request_id]
    assert pool.in_flight() == 0


def test_another_revision_starts_a_new_worker_and_ends_the_old_one(pool: Pool, make_spec: MakeSpec) -> None:
    old = answer(pool.invoke(make_spec(PID), b"{}"))
    new = answer(pool.invoke(make_spec(PID, revision="2"), b"{}"))
    assert new != old
    assert isinstance(old, int)
    assert not psutil.pid_exists(old)


def test_context_tells_the_function_who_it_is(pool: Pool, make_spec: MakeSpec) -> None:
    spec = make_spec(
        """
        def handler(event, context):
            return {"arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb,
                    "left": context.get_remaining_time_in_millis(), "id": context.aws_request_id,
                    "custom": context.client_context.custom["k"]}
        """
    )
    invocation = pool.invoke(spec, b"{}", client_context='{"custom": {"k": "v"}}')
    seen = answer(invocation)
    assert isinstance(seen, dict)
    assert 15_000 < seen.pop("left") <= 20_000
    assert seen == {"arn": spec.arn, "memory": "512", "id": invocation.request_id, "custom": "v"}


def test_environment_is_the_functions_and_lambdas_own_and_nothing_else(
    pool: Pool, make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEAKED", "yes")
    layer = tmp_path / "layer"
    (layer / "python").mkdir(parents=True)
    (layer / "python" / "shared.py").write_text("WORD = 'from the layer'\n")
    spec = make_spec(
        """
        import os, shared, tempfile
        def handler(event, context):
            return dict(os.environ) | {"word": shared.WORD, "tmp": tempfile.gettempdir(), "cwd": os.getcwd()}
        """,
        environment={"MINE": "1"},
        layer_dirs=(layer,),
    )
    seen = answer(pool.invoke(spec, b"{}"))
    assert isinstance(seen, dict)
    assert seen["word"] == "from the layer"
    assert seen["tmp"] == "/tmp"  # noqa: S108  the function's own
    assert seen["cwd"] == seen["LAMBDA_TASK_ROOT"] == "/var/task"
    assert (seen["LAMBDA_RUNTIME_DIR"], seen["PYTHONPATH"]) == ("/var/runtime", "/var/runtime")
    assert seen["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert (seen["MINE"], seen["AWS_REGION"], seen["AWS_ACCESS_KEY_ID"]) == ("1", "us-east-1", "key")
    assert (seen["AWS_LAMBDA_FUNCTION_NAME"], seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) == ("echo", "512")
    assert "LEAKED" not in seen


def test_exception_has_lambdas_shape_and_the_worker_stays(pool: Pool, make_spec: MakeSpec) -> None:
    spec = make_spec(
        """
        def handler(event, context):
            if event:
                raise ValueError("no such thing")
            return "fine"
        """
    )
    failed = pool.invoke(spec, b'{"a": 1}')
    document = answer(failed)
    assert isinstance(document, dict)
    assert (failed.status, failed.function_error) == ("unhandled", "Unhandled")
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "no such thing")
    assert "raise ValueError" in document["stackTrace"][0]
    assert "[ERROR] ValueError: no such thing" in failed.log_tail
    again = pool.invoke(spec, b"{}")
    assert (answer(again), again.init_ms) == ("fine", None)


@pytest.mark.parametrize(
    ("code", "error_type", "message"),
    [
        ("import not_there", "Runtime.ImportModuleError", "No module named 'not_there'"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("raise RuntimeError('at import')", "RuntimeError", "at import"),
    ],
)
def test_failed_start_is_reported_as_lambda_reports_it(
    pool: Pool, make_spec: MakeSpec, code: str, error_type: str, message: str
) -> None:
    failed = pool.invoke(make_spec(code), b"{}")
    document = answer(failed)
    assert isinstance(document, dict)
    assert failed.function_error == "Unhandled"
    assert document["errorType"] == error_type
    assert message in document["errorMessage"]
    assert pool.in_flight() == 0


def test_exit_during_start_names_the_exit_status(pool: Pool, make_spec: MakeSpec) -> None:
    failed = pool.invoke(make_spec("import os; os._exit(3)"), b"{}")
    assert failed.status == "killed"
    assert "exit status 3" in str(answer(failed))


def test_timeout_kills_the_worker_and_the_next_call_starts_a_new_one(pool: Pool, make_spec: MakeSpec) -> None:
    spec = make_spec(
        """
        import os, time
        def handler(event, context):
            print("pid", os.getpid(), flush=True)
            time.sleep(event)
            return "done"
        """,
        timeout_seconds=0.5,
    )
    began = time.monotonic()
    late = pool.invoke(spec, b"30")
    assert time.monotonic() - began < 5
    assert (late.status, late.function_error) == ("timeout", "Unhandled")
    assert "Task timed out after 0.50 seconds" in str(answer(late))
    assert "Status: timeout" in late.log_tail
    pid = int(late.log_tail.split("pid ")[1].split()[0])
    assert not psutil.pid_exists(pid)
    assert answer(pool.invoke(spec, b"0")) == "done"


def test_memory_over_the_limit_kills_the_worker(pool: Pool, make_spec: MakeSpec) -> None:
    spec = make_spec(
        """
        import time
        def handler(event, context):
            held = bytearray(400 * 1024 * 1024)
            held[::4096] = b"x" * len(held[::4096])
            time.sleep(10)
        """,
        memory_mb=128,
    )
    failed = pool.invoke(spec, b"{}")
    assert failed.status == "killed"
    assert "Runtime.OutOfMemory" in str(answer(failed))
    assert failed.max_memory_mb > 128


def test_worker_killed_from_outside_fails_the_invocation_at_once(pool: Pool, make_spec: MakeSpec) -> None:
    spec = make_spec(
        """
        import os, signal
        def handler(event, context):
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    failed = pool.invoke(spec, b"{}")
    assert failed.status == "killed"
    assert "signal: killed" in str(answer(failed))


def test_worker_that_died_while_idle_is_replaced_silently(pool: Pool, make_spec: MakeSpec) -> None:
    spec = make_spec(PID)
    pid = answer(pool.invoke(spec, b"{}"))
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)
    again = pool.invoke(spec, b"{}")
    assert again.status == "ok"
    assert answer(again) != pid


def test_a_megabyte_of_output_arrives_whole_and_in_order(make_spec: MakeSpec) -> None:
    written: list[str] = []
    spec = make_spec(
        """
        def handler(event, context):
            for number in range(16_384):
                print(f"{number:063d}")
        """
    )
    with Pool(handed_in=lambda _spec: {}, logs=lambda _spec, _stream, lines: written.extend(lines)) as pool:
        invocation = pool.invoke(spec, b"{}")
    numbers = [int(line) for line in written if line.isdecimal()]
    assert numbers == list(range(16_384))
    assert len(invocation.log_tail) == 4096


def test_log_holds_start_end_and_report_around_the_functions_lines(make_spec: MakeSpec) -> None:
    written: list[str] = []
    spec = make_spec("def handler(event, context):\n    print('hello')\n")
    with Pool(handed_in=lambda _spec: {}, logs=lambda _spec, _stream, lines: written.extend(lines)) as pool:
        request_id = pool.invoke(spec, b"{}").request_id
    assert written[0].startswith("INIT_START")
    assert written[1:4] == [
        f"START RequestId: {request_id} Version: $LATEST",
        "hello",
        f"END RequestId: {request_id}",
    ]
    assert written[4].startswith(f"REPORT RequestId: {request_id}\tDuration: ")
    assert "Memory Size: 512 MB" in written[4]
    assert "Init Duration: " in written[4]


def test_without_a_reservation_workers_are_bounded_by_what_idle_ones_may_hold(make_spec: MakeSpec) -> None:
    spec = make_spec(PID, memory_mb=1024)
    with Pool(handed_in=lambda _spec: {}) as pool, ThreadPoolExecutor(100) as callers:
        results = list(callers.map(lambda _number: pool.invoke(spec, b"{}"), range(100)))
    assert {result.status for result in results} == {"ok"}
    assert 1 <= len({result.payload for result in results}) <= 3


def test_a_thousand_calls_eight_at_a_time_have_no_error(pool: Pool, make_spec: MakeSpec) -> None:
    spec = make_spec(ECHO)
    with ThreadPoolExecutor(8) as callers:
        results = list(callers.map(lambda number: pool.invoke(spec, str(number).encode()), range(1000)))
    assert [answer(result) for result in results] == list(range(1000))
    assert {result.function_error for result in results} == {None}


def test_who_waits_for_a_turn_gets_one_of_the_workers_that_are_reserved(
    pool: Pool, make_spec: MakeSpec
) -> None:
    spec = make_spec(PID, reserved_concurrency=1)
    with ThreadPoolExecutor(8) as callers:
        results = list(callers.map(lambda _number: pool.invoke(spec, b"{}", in_turn=True), range(20)))
    assert len({result.payload for result in results}) == 1


def test_a_call_beyond_what_is_reserved_is_throttled_at_once(pool: Pool, make_spec: MakeSpec) -> None:
    code = """
    import socket
    def handler(event, context):
        with socket.create_connection(("127.0.0.1", event)) as held:
            return held.recv(1).decode()
    """
    spec = make_spec(code, reserved_concurrency=1)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as caller:
        first = caller.submit(pool.invoke, spec, str(server.getsockname()[1]).encode())
        held, _ = server.accept()
        with pytest.raises(ThrottledError, match="all 1 invocations going on that it reserves"):
            pool.invoke(spec, b"{}")
        held.sendall(b"x")
        held.close()
        assert answer(first.result()) == "x"
    with pytest.raises(ThrottledError, match="reserves a concurrency of 0"):
        pool.invoke(replace(spec, reserved_concurrency=0), b"{}")


def test_payload_of_six_megabytes_passes_and_one_byte_more_is_refused(
    pool: Pool, make_spec: MakeSpec
) -> None:
    spec = make_spec("def handler(event, context):\n    return len(event)\n")
    largest = b'"' + b"x" * (SYNC_PAYLOAD_LIMIT_BYTES - 2) + b'"'
    assert answer(pool.invoke(spec, largest)) == SYNC_PAYLOAD_LIMIT_BYTES - 2
    with pytest.raises(PayloadTooLargeError, match="too large for the RequestResponse"):
        pool.invoke(spec, largest + b" ")


def test_answer_over_six_megabytes_is_an_error(pool: Pool, make_spec: MakeSpec) -> None:
    spec = make_spec("def handler(event, context):\n    return 'x' * (7 * 1024 * 1024)\n")
    failed = pool.invoke(spec, b"{}")
    assert failed.function_error == "Unhandled"
    assert "Function.ResponseSizeTooLarge" in str(answer(failed))


def test_idle_workers_over_the_memory_budget_end_least_recently_used_first(make_spec: MakeSpec) -> None:
    with Pool(handed_in=lambda _spec: {}, idle_memory_mb=1) as pool:
        first = answer(pool.invoke(make_spec(PID, "first"), b"{}"))
        second = answer(pool.invoke(make_spec(PID, "second"), b"{}"))
        assert isinstance(first, int)
        assert isinstance(second, int)
        assert not psutil.pid_exists(first)
        assert psutil.pid_exists(second)


def test_close_ends_idle_and_busy_workers_and_refuses_new_calls(make_spec: MakeSpec) -> None:
    busy = make_spec(
        """
        import os, socket, time
        def handler(port, context):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(str(os.getpid()).encode())
            time.sleep(60)
        """,
        "busy",
        timeout_seconds=60.0,
    )
    pool = Pool(handed_in=lambda _spec: {})
    idle_pid = answer(pool.invoke(make_spec(PID, "idle"), b"{}"))
    outcome: list[Invocation] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        event = str(listener.getsockname()[1]).encode()
        caller = threading.Thread(target=lambda: outcome.append(pool.invoke(busy, event)))
        caller.start()
        connection, _ = listener.accept()
        with connection:
            busy_pid = int(connection.makefile().read())
    pool.close()
    caller.join(10)
    assert outcome[0].status == "killed"
    assert isinstance(idle_pid, int)
    assert not psutil.pid_exists(idle_pid)
    assert not psutil.pid_exists(busy_pid)
    with pytest.raises(PoolClosedError):
        pool.invoke(busy, b"{}")


def test_workers_die_with_an_emulator_that_is_killed(make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec(PID)
    script = textwrap.dedent(
        f"""
        import os, signal
        from pathlib import Path
        from emulator.runtime.pool import FunctionSpec, Pool
        code_dir = Path({str(spec.code_dir)!r})
        settings = ("app.handler", "python3.13", code_dir, (), {{}}, 20.0, 512, 512, "", None, "1")
        spec = FunctionSpec("echo", {spec.arn!r}, *settings)
        pool = Pool(handed_in=lambda spec: {{}})
        Path({str(tmp_path / "pid")!r}).write_bytes(pool.invoke(spec, b"{{}}").payload)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    subprocess.run([sys.executable, "-c", script], check=False, timeout=30)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not psutil.pid_exists(pid)


def test_empty_handler_costs_little_warm_and_cold(pool: Pool, make_spec: MakeSpec) -> None:
    def milliseconds(spec: FunctionSpec) -> float:
        began = time.perf_counter()
        pool.invoke(spec, b"{}")
        return (time.perf_counter() - began) * 1000

    cold = [milliseconds(make_spec(ECHO, revision=str(number))) for number in range(5)]
    spec = make_spec(ECHO, revision="warm")
    pool.invoke(spec, b"{}")
    warm = [milliseconds(spec) for _ in range(100)]
    # The goals are medians on a quiet machine; the best of many on a busy one says as much.
    assert min(cold) < 150
    assert min(warm) < 5
