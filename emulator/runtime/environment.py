"""What a function finds in its environment: Lambda's variables, credentials and endpoint, its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from emulator.runtime.model import FunctionSpec

# Idle workers stay, and a laptop holds all of them: what one frees goes back to the system at once
# (glibc's settings; others ignore them). In Lambda an idle function's memory is nobody else's.
_GIVES_MEMORY_BACK = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "16777216",
    "MALLOC_TRIM_THRESHOLD_": "33554432",
}


class Packaging(Enum):
    """Where a function's third-party dependencies come from."""

    DEVELOPMENT = "development"
    """The virtual environment the emulator runs in, behind the function's own code and layers."""
    PACKAGED = "packaged"
    """Its layers and what Lambda's runtime carries: what would not import in Lambda does not import here."""


@dataclass(frozen=True)
class Directories:
    """Where a function sees its code and the runtime; `tmp` is empty where that is ``/tmp``."""

    task: str = "/var/task"
    runtime: str = "/var/runtime"
    tmp: str = ""


def environment(
    spec: FunctionSpec,
    *,
    handed_in: Mapping[str, str],
    runtime_api: str,
    log_stream: str,
    directories: Directories,
) -> dict[str, str]:
    """Environment variables of a worker: Lambda's own, then credentials and endpoint, then the function's.

    Parameters
    ----------
    spec
        The function.
    handed_in
        Credentials of the function's role and `AWS_ENDPOINT_URL`.
    runtime_api
        `host:port` of the Runtime API this worker polls.
    log_stream
        Name of the log stream the worker's lines go to.
    directories
        What the function sees of its file system.

    Returns
    -------
    dict
        The whole environment; nothing of the emulator's own is inherited.
    """
    # What is Lambda's to say stands last: a function cannot move its Runtime API.
    return {
        **_GIVES_MEMORY_BACK,
        **_of_lambda(spec, log_stream),
        **_of_directories(directories),
        **handed_in,
        **spec.environment,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
    }


def _of_lambda(spec: FunctionSpec, log_stream: str) -> dict[str, str]:
    variables = {
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": spec.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": spec.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_LOG_FORMAT": "JSON" if spec.logs.json_format else "Text",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{spec.runtime}",
        "AWS_REGION": spec.region,
        "AWS_DEFAULT_REGION": spec.region,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": spec.handler,
    }
    if spec.logs.json_format:
        variables["AWS_LAMBDA_LOG_LEVEL"] = spec.logs.application_level
    return variables


def _of_directories(directories: Directories) -> dict[str, str]:
    task, runtime = directories.task, directories.runtime
    libraries = ["/var/lang/lib", "/lib64", "/usr/lib64", runtime, f"{runtime}/lib", task, f"{task}/lib"]
    variables = {
        "LAMBDA_TASK_ROOT": task,
        "LAMBDA_RUNTIME_DIR": runtime,
        "LD_LIBRARY_PATH": ":".join([*libraries, "/opt/lib"]),
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
        "PYTHONPATH": runtime,
    }
    return {**variables, "TMPDIR": directories.tmp} if directories.tmp else variables


def host_directories(spec: FunctionSpec, runtime_dir: Path | None, tmp_dir: Path) -> Directories:
    """Name the directories where the function sees the machine's own.

    Parameters
    ----------
    spec
        The function.
    runtime_dir
        What the runtime carries, if that is a folder of its own.
    tmp_dir
        The worker's private folder.

    Returns
    -------
    Directories
        As paths of this machine.
    """
    return Directories(str(spec.code_dir), str(runtime_dir or "/var/runtime"), str(tmp_dir))
