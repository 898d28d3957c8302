"""What Lambda itself writes about an invocation: log lines and error documents."""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime

_TAIL_BYTES = 4096
_EVENT_BYTES = 256 * 1024 - 26
"""Largest message of a log event: CloudWatch Logs counts 26 bytes beside it."""


def split_lines(output: bytes) -> list[str]:
    r"""Cut a worker's output into log lines.

    The runtime client joins the lines of one message by carriage returns, so a traceback stays one line
    of the log, holding newlines.

    Examples
    --------
    >>> split_lines(b"one\n[ERROR] two\r  three\n")
    ['one', '[ERROR] two\n  three']
    """
    stripped = output.rstrip(b"\n")
    lines = stripped.split(b"\n") if stripped else []
    return [piece.decode("utf-8", "replace").replace("\r", "\n") for line in lines for piece in _pieces(line)]


def _pieces(line: bytes) -> Iterator[bytes]:
    """Cut a line that is longer than an event may be, never within a character."""
    while len(line) > _EVENT_BYTES:
        end = _EVENT_BYTES
        while end > _EVENT_BYTES - 4 and line[end] & 0xC0 == 0x80:  # a byte that continues one
            end -= 1
        yield line[:end]
        line = line[end:]
    yield line


def tail(lines: list[str]) -> str:
    """Last 4 KB of the log, as an invocation with `LogType=Tail` returns it."""
    whole = "".join(f"{line}\n" for line in lines).encode()
    return whole[-_TAIL_BYTES:].decode("utf-8", "replace")


def start_line(request_id: str, version: str) -> str:
    """First line of an invocation."""
    return f"START RequestId: {request_id} Version: {version}"


def end_line(request_id: str) -> str:
    """Last line before the report."""
    return f"END RequestId: {request_id}"


def timeout_line(request_id: str, timeout_seconds: float, now: datetime) -> str:
    """Line about an invocation that took too long.

    Examples
    --------
    >>> timeout_line("r1", 3, datetime(2026, 1, 31, 12, 0, 0, 5000))
    '2026-01-31T12:00:00.005Z r1 Task timed out after 3.00 seconds'
    """
    stamp = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
    return f"{stamp} {request_id} Task timed out after {timeout_seconds:.2f} seconds"


def init_report_line(init_ms: float, phase: str, state: Mapping[str, str]) -> str:
    r"""Report line of an init phase that failed; `phase` is ``init`` or ``invoke``.

    Examples
    --------
    >>> init_report_line(10000.5, "init", {"Status": "timeout"})
    'INIT_REPORT Init Duration: 10000.50 ms\tPhase: init\tStatus: timeout'
    """
    return "\t".join([f"INIT_REPORT Init Duration: {init_ms:.2f} ms", f"Phase: {phase}", *_fields(state)])


def report_line(
    request_id: str,
    *,
    duration_ms: float,
    memory_mb: int,
    max_memory_mb: int,
    init_ms: float | None,
    state: Mapping[str, str],
    trace: str,
) -> str:
    r"""Report line, with the fields, the tabs and the second line of Lambda's.

    `state` holds ``Status`` and ``Error Type`` of a failure; `trace` is the X-Ray trace header.

    Examples
    --------
    >>> line = report_line("r1", duration_ms=12.3, memory_mb=128, max_memory_mb=40, init_ms=None,
    ...                    state={}, trace="Root=1-2-3;Parent=4;Sampled=1")
    >>> line.split("\n")[0]
    'REPORT RequestId: r1\tDuration: 12.30 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t...'
    >>> line.split("\n")[1]
    'XRAY TraceId: 1-2-3\tSegmentId: 4\tSampled: true\t'
    """
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {math.ceil(duration_ms + (init_ms or 0.0))} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {max_memory_mb} MB",
    ]
    if init_ms is not None:
        parts.append(f"Init Duration: {init_ms:.2f} ms")
    return "".join(f"{part}\t" for part in [*parts, *_fields(state)]) + _trace_line(trace)


def _trace_line(trace: str) -> str:
    fields = dict(field.partition("=")[::2] for field in trace.split(";"))
    if fields.get("Sampled") != "1":
        return ""
    return f"\nXRAY TraceId: {fields.get('Root', '')}\tSegmentId: {fields.get('Parent', '')}\tSampled: true\t"


def _fields(state: Mapping[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in state.items()]


def error_document(error_type: str, message: str, request_id: str) -> bytes:
    """Error document of a failure the runtime client could not report itself."""
    return json.dumps(
        {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {message}"}
    ).encode()


def error_type_of(document: bytes) -> str:
    """Read the type from an error document the runtime client wrote.

    Examples
    --------
    >>> error_type_of(b'{"errorType": "Runtime.ImportModuleError"}')
    'Runtime.ImportModuleError'
    """
    return str(json.loads(document).get("errorType", "Runtime.Unknown"))


def exit_message(return_code: int) -> str:
    """How a runtime ended, in Lambda's words.

    Examples
    --------
    >>> exit_message(-9), exit_message(3), exit_message(0)
    ('Runtime exited with error: signal: killed', 'Runtime exited with error: exit status 3',
    'Runtime exited without providing a reason')
    """
    if return_code == 0:
        return "Runtime exited without providing a reason"
    if return_code < 0:
        name = {-9: "killed", -11: "segmentation fault", -6: "aborted", -15: "terminated"}
        return f"Runtime exited with error: signal: {name.get(return_code, str(-return_code))}"
    return f"Runtime exited with error: exit status {return_code}"
