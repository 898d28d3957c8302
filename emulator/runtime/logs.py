"""Where log lines go: moto's CloudWatch Logs, one call per invocation."""

import threading
import time

from moto.logs.models import logs_backends

from emulator.runtime.model import FunctionSpec


class CloudWatchLogs:
    """Appends the lines of an invocation to the function's log group, straight into moto's backend."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __call__(self, spec: FunctionSpec, stream: str, lines: list[str]) -> None:
        """Write lines.

        Parameters
        ----------
        spec
            The function; its group is made when there is none.
        stream
            Log stream of the worker.
        lines
            In the order they were written.
        """
        group = spec.log_group
        backend = logs_backends[spec.account][spec.region]
        timestamp_ms = int(time.time() * 1000)
        events = [{"timestamp": timestamp_ms, "message": line} for line in lines]
        with self._lock:
            if group not in backend.groups:
                backend.create_log_group(group, {})
            if stream not in backend.groups[group].streams:
                backend.create_log_stream(group, stream)
            backend.put_log_events(group, stream, events)
