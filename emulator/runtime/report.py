"""What Lambda itself writes about an invocation: log lines and error documents."""

import json

_TAIL_BYTES = 4096


def split_lines(output: bytes) -> list[str]:
    r"""Cut a worker's output into log lines.

    The runtime client joins the lines of one message by carriage returns, so a traceback stays one line
    of the log, holding newlines.

    Examples
    --------
    >>> split_lines(b"one\n[ERROR] two\r  three\n")
    ['one', '[ERROR] two\n  three']
    """
    text = output.decode("utf-8", "replace").rstrip("\n")
    return [line.replace("\r", "\n") for line in text.split("\n")] if text else []


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


def report_line(
    request_id: str,
    *,
    duration_ms: float,
    memory_mb: int,
    max_memory_mb: int,
    init_ms: float | None,
    failure: str | None,
) -> str:
    r"""Report line, with the fields and the tabs of Lambda's.

    Examples
    --------
    >>> report_line("r1", duration_ms=12.3, memory_mb=128, max_memory_mb=40, init_ms=None, failure=None)
    'REPORT RequestId: r1\tDuration: 12.30 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t...'
    """
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {int(-(-(duration_ms + (init_ms or 0.0)) // 1))} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {max_memory_mb} MB",
    ]
    if init_ms is not None:
        parts.append(f"Init Duration: {init_ms:.2f} ms")
    if failure is not None:
        parts.extend(("Status: " + ("timeout" if failure == "timeout" else "error"),))
    return "\t".join(parts)


def error_document(error_type: str, message: str, request_id: str) -> bytes:
    """Error document of a failure the runtime client could not report itself."""
    return json.dumps(
        {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {message}"}
    ).encode()


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
