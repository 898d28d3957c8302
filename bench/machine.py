"""What a figure was measured on: the kind of machine and the versions, no names of either."""

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

AS_DEPLOYED = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "NUMPY_MADVISE_HUGEPAGE": "0",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
}
"""What every function is told besides its number of threads (``infra/constructs/function.py``)."""


def facts() -> dict[str, Any]:
    """Describe this machine as far as it bears on a figure.

    ``load`` is the mean number of processes that wanted to run over the last minute: figures taken beside
    other work are worth less.
    """
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "load": round(os.getloadavg()[0], 1),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of installed packages, by name."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def _processor() -> str:
    """Return the processor's model; Linux alone keeps it where Python does not look."""
    lines = Path("/proc/cpuinfo")
    if lines.exists():
        for line in lines.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
