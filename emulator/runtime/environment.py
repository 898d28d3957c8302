"""What a worker process sees: its command line and its environment, exactly as a function is given them."""

import os
import sys
from collections.abc import Mapping
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
_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


class Packaging(Enum):
    """Where a function's third-party dependencies come from."""

    DEVELOPMENT = "development"
    """The virtual environment the emulator runs in, behind the function's own code and layers."""
    PACKAGED = "packaged"
    """The built layers alone: what would not import in Lambda does not import here."""


def command(spec: FunctionSpec, *, packaging: Packaging, lifeline: int) -> list[str]:
    """Command line of a worker.

    Parameters
    ----------
    spec
        The function.
    packaging
        In packaged mode the interpreter starts without its site packages.
    lifeline
        File descriptor the worker reads to learn that its parent is gone.

    Returns
    -------
    list of str
        Arguments for the operating system.
    """
    isolation = ["-P", "-S"] if packaging is Packaging.PACKAGED else ["-P"]
    return [sys.executable, *isolation, str(_BOOTSTRAP), str(lifeline), spec.handler]


def environment(
    spec: FunctionSpec,
    *,
    handed_in: Mapping[str, str],
    runtime_api: str,
    log_stream: str,
    tmp_dir: Path,
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
    tmp_dir
        The worker's private `/tmp`.

    Returns
    -------
    dict
        The whole environment; nothing of the emulator's own is inherited.
    """
    layers = [str(path / "python") for path in spec.layer_dirs]
    own_path = spec.environment.get("PYTHONPATH", "")
    lambda_variables = {
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
        "LAMBDA_TASK_ROOT": str(spec.code_dir),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
        "TMPDIR": str(tmp_dir),
        "_HANDLER": spec.handler,
    }
    if spec.logs.json_format:
        lambda_variables["AWS_LAMBDA_LOG_LEVEL"] = spec.logs.application_level
    # What is Lambda's to say stands last: a function can neither move its Runtime API nor lose its layers.
    return {
        **_GIVES_MEMORY_BACK,
        **lambda_variables,
        **handed_in,
        **spec.environment,
        "PYTHONPATH": os.pathsep.join([*layers, *([own_path] if own_path else [])]),
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
    }
