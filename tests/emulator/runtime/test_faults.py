"""Whatever a function does, its cloud stays up, its next invocation works, and nothing of it is left."""

import json
import os
import signal
import socket
import threading
import time
import urllib.request
from typing import Any

import psutil

from emulator.cloud import Cloud
from emulator.runtime.isolation import strongest
from tests.emulator.runtime.conftest import Ward

ENDS = {
    "exit": ("import sys; sys.exit(3)", "Runtime.ExitError", "exit status 3"),
    "clean_exit": ("import sys; sys.exit(0)", "Runtime.ExitError", "exited without providing a reason"),
    "hard_exit": ("import os; os._exit(7)", "Runtime.ExitError", "exit status 7"),
    "crash": ("dive()", "Runtime.ExitError", "signal: segmentation fault"),
    "leak": ("leak()", "Runtime.OutOfMemory", "signal: killed"),
    "children_leak": ("children_leak()", "Runtime.OutOfMemory", "signal: killed"),
    "unserialisable": ("return {1, 2}", "Runtime.MarshalError", "Unable to marshal response"),
    "too_large": ("return 'x' * (7 << 20)", "Function.ResponseSizeTooLarge", "exceeded maximum allowed"),
    "outside_tmp": ("open('/var/task/x', 'w')", "OSError", "[Errno 30] Read-only file system: '/var/task/x'"),
    "full_tmp": ("fill()", "OSError", "[Errno 28] No space left on device"),
}
HANDLER = """
    import ctypes, os, sys, time

    def dive():
        # Through C at every level, so that it is the stack of the thread that overflows.
        sys.setrecursionlimit(10**9)
        ctypes.CFUNCTYPE(None)(dive)()

    def leak():
        held = []
        while True:
            held.append(os.urandom(1 << 20))

    def children_leak():
        # Each of them is well below the limit; together they are over it.
        for _ in range(5):
            if os.fork() == 0:
                held = os.urandom(60 << 20)
                time.sleep(60)
        time.sleep(60)

    def fill():
        with open("/tmp/large", "wb") as out:
            while True:
                out.write(bytes(1 << 20))

    def handler(event, context):
        if event != "fail":
            return "well"
        BODY
"""


def test_ends_of_every_kind_are_reported_as_lambda_does_and_leave_nothing(ward: Ward) -> None:
    """Each way to end, one after another in one cloud: it has to survive them all."""
    for name, (body, error_type, message) in ENDS.items():
        ward.function(name, HANDLER.replace("BODY", body))
        document, failed = ward.call(name, "fail")
        assert failed, name
        assert document["errorType"] == error_type, name
        assert message in document["errorMessage"], name
        _wait_until_gone(ward, name, all_but=1)  # the worker itself, where it can be used again
        assert ward.call(name) == ("well", False), name


def test_health_tells_how_workers_are_kept_apart(cloud: Cloud) -> None:
    with urllib.request.urlopen(f"{cloud.endpoint}/_local/health") as health:  # noqa: S310  the cloud of the test
        assert json.load(health)["isolation"] == strongest().value


def test_worker_killed_from_outside_fails_its_invocation_alone(ward: Ward) -> None:
    ward.function(
        "killed",
        """
        import os, socket, time
        def handler(port, context):
            if port is None:
                return "well"
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(str(os.getpid()).encode())
            time.sleep(60)
        """,
    )
    answers: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        port = listener.getsockname()[1]
        caller = threading.Thread(target=lambda: answers.append(ward.call("killed", port)))
        caller.start()
        connection, _ = listener.accept()
        with connection:
            os.kill(int(connection.makefile().read()), signal.SIGKILL)
    caller.join(10)
    document, failed = answers[0]
    assert failed
    assert document["errorType"] == "Runtime.ExitError"
    assert document["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    _wait_until_gone(ward, "killed")
    assert ward.call("killed") == ("well", False)


def test_children_that_outlive_the_handler_end_with_the_worker(ward: Ward) -> None:
    """Also one that has left the worker's process group and session, and one the worker left behind."""
    ward.function(
        "forks",
        """
        import os, subprocess, time
        def handler(event, context):
            if event == "exit":
                os._exit(1)
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(60)
                os._exit(0)
            return subprocess.Popen(["sleep", "60"], start_new_session=True).pid
        """,
    )
    pid, failed = ward.call("forks")
    assert not failed
    assert psutil.pid_exists(pid)
    _, failed = ward.call("forks", "exit")
    assert failed
    _wait_until_gone(ward, "forks")


def test_ten_megabytes_of_output_arrive_whole(ward: Ward) -> None:
    ward.function(
        "prints",
        """
        def handler(event, context):
            for number in range(10):
                print(f"{number:07d}" + "x" * ((1 << 20) - 8))
        """,
    )
    assert ward.call("prints") == (None, False)
    pieces = [line for line in ward.logged("prints") if line.endswith("x")]
    assert sum(map(len, pieces)) == 10 * ((1 << 20) - 1)
    assert max(map(len, pieces)) <= 256 * 1024
    assert [line[:7] for line in pieces if line[0] == "0"] == [f"{number:07d}" for number in range(10)]


def test_closed_output_is_the_functions_own_business(ward: Ward) -> None:
    ward.function(
        "closes",
        """
        import os
        def handler(event, context):
            for descriptor in (1, 2):
                try:
                    os.close(descriptor)
                except OSError:
                    return "closed already"
            return "closed"
        """,
    )
    assert ward.call("closes") == ("closed", False)
    assert ward.call("closes") == ("closed already", False)


def test_hanging_handler_ends_at_its_timeout(ward: Ward) -> None:
    ward.function(
        "hangs",
        "import time\ndef handler(event, context):\n    if event: time.sleep(60)\n    return 'well'",
        Timeout=1,
    )
    began = time.monotonic()
    document, failed = ward.call("hangs", "hang")
    assert failed
    assert time.monotonic() - began < 10
    assert document["errorType"] == "Sandbox.Timedout"
    assert document["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    report = ward.logged("hangs")[-1]
    assert "Duration: 1000.00 ms" in report
    assert report.endswith("\tStatus: timeout\t")
    _wait_until_gone(ward, "hangs")
    assert ward.call("hangs") == ("well", False)


def _wait_until_gone(ward: Ward, name: str, all_but: int = 0) -> None:
    """Wait: a process that was killed is listed until the kernel has taken it down."""
    deadline = time.monotonic() + 5
    while len(ward.processes(name)) > all_but and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(ward.processes(name)) <= all_but, name
