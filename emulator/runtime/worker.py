"""One worker process and the conversation with it.

A worker is driven by the thread that invokes it: that thread answers the Runtime API on the worker's own
port, drains its output, watches the deadline and the memory, all in one `select`. There is no thread per
worker and nothing runs while a worker is idle. Only one thread may use a worker at a time; the pool sees
to that.
"""

import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from emulator.runtime.environment import Packaging, command, environment
from emulator.runtime.model import SYNC_PAYLOAD_LIMIT_BYTES, FunctionSpec, Status
from emulator.runtime.report import error_document, exit_message
from emulator.runtime.wire import Request, RequestReader, response

_PREFIX = "/2018-06-01/runtime/"
_READ_BYTES = 1 << 16
_WATCH_SECONDS = 0.05
_INIT_GRACE_SECONDS = 10.0
_ACCEPTED = response("202 Accepted", {"Content-Type": "application/json"}, b'{"status":"OK"}')


@dataclass(frozen=True)
class Call:
    """One event on its way into a worker."""

    request_id: str
    payload: bytes
    deadline_epoch_ms: int
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """How a worker answered, or how it ended; `usable` tells whether it can be invoked again."""

    status: Status
    payload: bytes
    usable: bool


def _spawn(
    spec: FunctionSpec, variables: Mapping[str, str], *, packaging: Packaging, lifeline: int
) -> "subprocess.Popen[bytes]":
    """Start the runtime client on a function's code; it ends when the other end of the lifeline does."""
    return subprocess.Popen(
        command(spec, packaging=packaging, lifeline=lifeline),
        env=variables,
        cwd=spec.code_dir,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(lifeline,),
        start_new_session=True,
    )


class Worker:
    """A process under the real runtime interface client, for one revision of one function.

    Parameters
    ----------
    spec
        The function.
    handed_in
        Credentials and endpoint for the environment.
    tmp_dir
        Folder of its own; made here, removed when the worker ends.
    log_stream
        Name of its log stream.
    packaging
        Where third-party dependencies come from.
    """

    def __init__(
        self,
        spec: FunctionSpec,
        *,
        handed_in: Mapping[str, str],
        tmp_dir: Path,
        log_stream: str,
        packaging: Packaging,
    ) -> None:
        self.spec = spec
        self.log_stream = log_stream
        self.max_memory_mb = 0
        self.memory_mb = 0
        self.idle_since = 0.0
        self.init_ms: float | None = None
        self._tmp_dir = tmp_dir
        tmp_dir.mkdir(parents=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._readers: dict[socket.socket, RequestReader] = {}
        self._waiting: socket.socket | None = None
        self._output = bytearray()
        self._ended = False
        variables = environment(
            spec,
            handed_in=handed_in,
            runtime_api=f"127.0.0.1:{self._listener.getsockname()[1]}",
            log_stream=log_stream,
            tmp_dir=tmp_dir,
        )
        lifeline, self._lifeline = os.pipe()
        self._started = time.perf_counter()
        self._process = _spawn(spec, variables, packaging=packaging, lifeline=lifeline)
        os.close(lifeline)
        assert self._process.stdout is not None  # noqa: S101  asked for above
        self._pipe = self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._pipe, selectors.EVENT_READ)
        self._usage = psutil.Process(self._process.pid)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return not self._ended and self._process.poll() is None

    def initialise(self) -> Outcome | None:
        """Wait until the handler is imported and the runtime asks for its first event.

        Returns
        -------
        Outcome or None
            None when the worker is ready; otherwise how its start failed.
        """
        deadline = self._started + _INIT_GRACE_SECONDS + self.spec.timeout_seconds
        request = self._next_request(deadline, request_id="")
        if isinstance(request, Outcome):
            return request
        self.init_ms = (time.perf_counter() - self._started) * 1000
        if request.path == _PREFIX + "init/error":
            self._send(_ACCEPTED)
            self._finish_exit()
            return Outcome("unhandled", request.body, usable=False)
        return None

    def invoke(self, call: Call, timeout_seconds: float) -> Outcome:
        """Hand over one event and wait for the answer, the timeout, the memory limit or the end.

        Parameters
        ----------
        call
            The event; the worker must have been initialised.
        timeout_seconds
            Time until the worker is killed.

        Returns
        -------
        Outcome
            Answer or failure; the output is in `take_output`.
        """
        deadline = time.perf_counter() + timeout_seconds
        head = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": call.request_id,
            "Lambda-Runtime-Deadline-Ms": str(call.deadline_epoch_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.spec.arn,
            **call.headers,
        }
        while self._waiting is None:
            request = self._next_request(deadline, call.request_id)
            if isinstance(request, Outcome):
                return request
        self._send(response("200 OK", head, call.payload))
        request = self._next_request(deadline, call.request_id)
        if isinstance(request, Outcome):
            return request
        return self._answered(request, call.request_id)

    def take_output(self) -> bytes:
        """Give what the worker has printed since the last time."""
        self._drain()
        output = bytes(self._output)
        self._output.clear()
        return output

    def kill(self) -> None:
        """End the process from another thread; whoever drives the worker finds it gone."""
        self._process.kill()

    def close(self) -> None:
        """End the process, close its sockets and remove its folder; safe to call again."""
        if self._ended:
            return
        self._ended = True
        if self._process.poll() is None:
            # The worker leads a process group: what a handler started ends with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._drain()
        self._selector.close()
        for connection in list(self._readers):
            connection.close()
        self._listener.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        os.close(self._lifeline)
        shutil.rmtree(self._tmp_dir, ignore_errors=True)

    def _answered(self, request: Request, request_id: str) -> Outcome:
        self._watch_memory()
        body = request.body
        if request.path.endswith("/error"):
            self._send(_ACCEPTED)
            return Outcome("unhandled", body, usable=True)
        if len(body) > SYNC_PAYLOAD_LIMIT_BYTES:
            self._send(response("413 Payload Too Large", {}, b'{"errorType":"RequestEntityTooLarge"}'))
            message = (
                f"Response payload size ({len(body)} bytes) exceeded maximum allowed payload size "
                f"({SYNC_PAYLOAD_LIMIT_BYTES} bytes)."
            )
            document = error_document("Function.ResponseSizeTooLarge", message, request_id)
            return Outcome("unhandled", document, usable=False)
        self._send(_ACCEPTED)
        return Outcome("ok", body, usable=True)

    def _next_request(self, deadline: float, request_id: str) -> Request | Outcome:
        """Serve the sockets until a request wants an answer.

        A request for the next event is remembered as waiting; the answer to it is the event itself.
        """
        while True:
            request = self._buffered_request()
            if request is not None:
                return request
            left = deadline - time.perf_counter()
            if left <= 0:
                self.close()
                message = f"Task timed out after {self.spec.timeout_seconds:.2f} seconds"
                return Outcome(
                    "timeout", error_document("Sandbox.Timedout", message, request_id), usable=False
                )
            events = self._selector.select(min(left, _WATCH_SECONDS))
            ended = self._serve(events)
            if self._watch_memory() > self.spec.memory_mb:
                self.close()
                message = "Runtime exited with error: signal: killed"
                return Outcome(
                    "killed", error_document("Runtime.OutOfMemory", message, request_id), usable=False
                )
            if (ended or not events) and self._process.poll() is not None:
                return self._exited(request_id)

    def _buffered_request(self) -> Request | None:
        for connection, reader in self._readers.items():
            request = reader.next_request()
            if request is not None:
                self._waiting = connection
                return request
        return None

    def _serve(self, events: list[tuple[selectors.SelectorKey, int]]) -> bool:
        ended = False
        for key, _ in events:
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj == self._pipe:
                ended |= self._drain()
            else:
                connection = key.fileobj
                assert isinstance(connection, socket.socket)  # noqa: S101  nothing else is registered
                ended |= self._receive(connection)
        return ended

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._readers[connection] = RequestReader()
        self._selector.register(connection, selectors.EVENT_READ)

    def _receive(self, connection: socket.socket) -> bool:
        try:
            data = connection.recv(_READ_BYTES)
        except ConnectionError:
            data = b""
        if data:
            self._readers[connection].feed(data)
            return False
        self._selector.unregister(connection)
        del self._readers[connection]
        connection.close()
        if self._waiting is connection:
            self._waiting = None
        return True

    def _drain(self) -> bool:
        """Read the output that is there; True at its end."""
        if self._process.stdout is None or self._process.stdout.closed:
            return True
        while True:
            try:
                data = os.read(self._pipe, _READ_BYTES)
            except BlockingIOError:
                return False
            if not data:
                with contextlib.suppress(KeyError):  # seen before
                    self._selector.unregister(self._pipe)
                return True
            self._output += data

    def _send(self, block: bytes) -> None:
        connection, self._waiting = self._waiting, None
        if connection is not None:
            # A worker that died meanwhile is found by the read that follows.
            with contextlib.suppress(ConnectionError):
                connection.sendall(block)

    def _watch_memory(self) -> int:
        try:
            used = self._usage.memory_info().rss
        except psutil.Error:
            return 0
        self.memory_mb = int(-(-used // (1 << 20)))
        self.max_memory_mb = max(self.max_memory_mb, self.memory_mb)
        return self.memory_mb

    def _finish_exit(self) -> None:
        """Let a runtime that is about to exit write its last lines."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        self.close()

    def _exited(self, request_id: str) -> Outcome:
        code = self._process.wait()
        self.close()
        document = error_document("Runtime.ExitError", exit_message(code), request_id)
        return Outcome("killed", document, usable=False)
