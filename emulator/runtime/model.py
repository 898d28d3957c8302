"""What goes into a worker pool and what comes out: function, invocation, and the ways it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from emulator.errors import EmulatorError

SYNC_PAYLOAD_LIMIT_BYTES = 6 * 1024 * 1024
"""Largest payload of a synchronous invocation, in and out (Lambda quotas)."""

ASYNC_PAYLOAD_LIMIT_BYTES = 1024 * 1024
"""Largest payload of an asynchronous invocation (Lambda quotas)."""

Status = Literal["ok", "handled", "unhandled", "timeout", "killed"]


class InvocationRefusedError(EmulatorError):
    """The function was not started; the caller is told why, as Lambda's API would."""


class PayloadTooLargeError(InvocationRefusedError):
    """The payload is over the quota of its kind of invocation."""


class ThrottledError(InvocationRefusedError):
    """No worker may be started or became free in time."""


class PoolClosedError(InvocationRefusedError):
    """The pool is closing; nothing is started any more."""


@dataclass(frozen=True)
class LogSettings:
    """A function's `LoggingConfig`: the group its lines go to, their format and its levels.

    An empty `group` stands for `/aws/lambda/<name>`. Levels count in JSON format alone, as in Lambda.
    """

    group: str = ""
    json_format: bool = False
    application_level: str = "INFO"
    system_level: str = "INFO"


@dataclass(frozen=True)
class FunctionSpec:
    """One revision of a function, unpacked and ready to be run.

    `code_dir` is the unpacked asset, each of `layer_dirs` holds a `python/` folder as `/opt` would.
    Two specs with different `revision` never share a worker.
    """

    name: str
    arn: str
    handler: str
    runtime: str
    code_dir: Path
    layer_dirs: tuple[Path, ...]
    environment: Mapping[str, str]
    timeout_seconds: float
    memory_mb: int
    tmp_mb: int
    role_arn: str
    reserved_concurrency: int | None
    revision: str
    version: str = "$LATEST"
    logs: LogSettings = LogSettings()

    @property
    def log_group(self) -> str:
        """Log group its lines go to."""
        return self.logs.group or f"/aws/lambda/{self.name}"

    @property
    def region(self) -> str:
        """Region, read from the ARN.

        Examples
        --------
        >>> from pathlib import Path
        >>> FunctionSpec("f", "arn:aws:lambda:eu-west-1:123456789012:function:f", "h.h", "python3.13",
        ...              Path("/f"), (), {}, 3, 128, 512, "", None, "1").region
        'eu-west-1'
        """
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        """Account number, read from the ARN."""
        return self.arn.split(":")[4]


@dataclass(frozen=True)
class Invocation:
    """What became of one invocation.

    `payload` is the answer, or the error document when `function_error` is set. `init_ms` is given only
    for a cold start. `log_tail` is the last 4 KB of the log, as `LogType=Tail` returns it.
    """

    request_id: str
    payload: bytes
    status: Status
    function_error: str | None
    duration_ms: float
    init_ms: float | None
    max_memory_mb: int
    log_tail: str
    function_name: str = ""
    version: str = "$LATEST"
    started_at: datetime | None = None
