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
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass

from emulator.runtime.family import Family
from emulator.runtime.launch import Launcher
from emulator.runtime.model import SYNC_PAYLOAD_LIMIT_BYTES, FunctionSpec, Status
from emulator.runtime.report import error_document, error_type_of, exit_message
from emulator.runtime.wire import Connections, Request, response

_PREFIX = "/2018-06-01/runtime/"
_READ_BYTES = 1 << 16
_WATCH_SECONDS = 0.05
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
    """How a worker answered, or how it ended; `usable` tells whether it can be invoked again.

    `error_type` names a failure of the runtime itself, not one the handler raised.
    """

    status: Status
    payload: bytes
    usable: bool
    error_type: str = ""


class Worker:
    """A process under the real runtime interface client, for one revision of one function.

    Parameters
    ----------
    spec
        The function.
    launcher
        Starts its process.
    handed_in
        Credentials and endpoint for the environment.
    log_stream
        Name of its log stream.
    """

    def __init__(
        self, spec: FunctionSpec, *, launcher: Launcher, handed_in: Mapping[str, str], log_stream: str
    ) -> None:
        self.spec = spec
        self.log_stream = log_stream
        self.max_memory_mb = 0
        self.memory_mb = 0
        self.idle_since = 0.0
        self._launcher = launcher
        self._handed_in = handed_in
        self._output = bytearray()
        self._doomed = False
        self._start()

    def _start(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._connections = Connections(self._selector)
        self._started = time.perf_counter()
        self._launched = self._launcher.start(
            self.spec,
            handed_in=self._handed_in,
            runtime_api=self._connections.address,
            log_stream=self.log_stream,
        )
        self._process = self._launched.process
        assert self._process.stdout is not None  # noqa: S101  the launcher asks for it
        self._pipe = self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        self._selector.register(self._pipe, selectors.EVENT_READ)
        self._family = Family(self._process.pid, mark=f"AWS_LAMBDA_RUNTIME_API={self._connections.address}")
        self._ended = False
        self._watched = 0.0
        if self._doomed:
            self._process.kill()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return not self._ended and self._process.poll() is None

    def initialise(self, limit_seconds: float, request_id: str) -> Outcome | None:
        """Wait until the handler is imported and the runtime asks for its first event.

        Parameters
        ----------
        limit_seconds
            Time until the worker is killed, since its start.
        request_id
            Invocation it is started for.

        Returns
        -------
        Outcome or None
            None when the worker is ready; otherwise how its start failed.
        """
        request = self._next_request(self._started + limit_seconds, request_id)
        if isinstance(request, Outcome):
            return request
        if request.path == _PREFIX + "init/error":
            self._connections.send(_ACCEPTED)
            self._finish_exit()
            return Outcome("unhandled", request.body, usable=False, error_type=error_type_of(request.body))
        return None

    def restart(self) -> None:
        """Start the process anew after its initialisation failed, in the same log stream."""
        self.close()
        self._start()

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
        while not self._connections.is_waiting:
            request = self._next_request(deadline, call.request_id)
            if isinstance(request, Outcome):
                return request
        self._connections.send(response("200 OK", head, call.payload))
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
        self._doomed = True
        self._process.kill()

    def close(self) -> None:
        """End every process of the worker, close its sockets and remove its folder; safe to call again."""
        if self._ended:
            return
        self._ended = True
        self._family.end(leader_waits=self._process.poll() is None)
        self._process.wait()
        self._drain()
        self._selector.close()
        self._connections.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        os.close(self._launched.lifeline)
        if self._launched.folder:
            shutil.rmtree(self._launched.folder, ignore_errors=True)

    def _answered(self, request: Request, request_id: str) -> Outcome:
        body = request.body
        if self._watch_memory() > self.spec.memory_mb:
            return self._out_of_memory(request_id)
        if request.path.endswith("/error"):
            self._connections.send(_ACCEPTED)
            return Outcome("unhandled", body, usable=True)
        if len(body) > SYNC_PAYLOAD_LIMIT_BYTES:
            self._connections.send(
                response("413 Payload Too Large", {}, b'{"errorType":"RequestEntityTooLarge"}')
            )
            message = (
                f"Response payload size ({len(body)} bytes) exceeded maximum allowed payload size "
                f"({SYNC_PAYLOAD_LIMIT_BYTES} bytes)."
            )
            return _failure("unhandled", "Function.ResponseSizeTooLarge", message, request_id)
        self._connections.send(_ACCEPTED)
        return Outcome("ok", body, usable=True)

    def _next_request(self, deadline: float, request_id: str) -> Request | Outcome:
        """Serve the sockets until a request wants an answer.

        A request for the next event is remembered as waiting; the answer to it is the event itself.
        """
        while True:
            request = self._connections.next_request()
            if request is not None:
                return request
            left = deadline - time.perf_counter()
            if left <= 0:
                self.close()
                message = f"Task timed out after {self.spec.timeout_seconds:.2f} seconds"
                return _failure("timeout", "Sandbox.Timedout", message, request_id)
            events = self._selector.select(min(left, _WATCH_SECONDS))
            ended = self._serve(events)
            if self._is_over_memory():
                return self._out_of_memory(request_id)
            if (ended or not events) and self._process.poll() is not None:
                return self._exited(request_id)

    def _serve(self, events: list[tuple[selectors.SelectorKey, int]]) -> bool:
        ended = False
        for key, _ in events:
            if key.fileobj == self._pipe:
                ended |= self._drain()
            else:
                connection = key.fileobj
                assert isinstance(connection, socket.socket)  # noqa: S101  nothing else is registered
                ended |= self._connections.serve(connection)
        return ended

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

    def _watch_memory(self) -> int:
        if used_mb := self._family.memory_mb():
            self.memory_mb = used_mb
            self.max_memory_mb = max(self.max_memory_mb, used_mb)
        return used_mb

    def _is_over_memory(self) -> bool:
        """Look at the memory, but not at every byte that arrives: looking costs more than serving does."""
        now = time.perf_counter()
        if now - self._watched < _WATCH_SECONDS:
            return False
        self._watched = now
        return self._watch_memory() > self.spec.memory_mb

    def _finish_exit(self) -> None:
        """Let a runtime that is about to exit write its last lines."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        self.close()

    def _out_of_memory(self, request_id: str) -> Outcome:
        self.close()
        message = "Runtime exited with error: signal: killed"
        return _failure("killed", "Runtime.OutOfMemory", message, request_id)

    def _exited(self, request_id: str) -> Outcome:
        code = self._process.wait()
        self.close()
        return _failure("killed", "Runtime.ExitError", exit_message(code), request_id)


def _failure(status: Status, error_type: str, message: str, request_id: str) -> Outcome:
    document = error_document(error_type, message, request_id)
    return Outcome(status, document, usable=False, error_type=error_type)
