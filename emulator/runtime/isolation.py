"""How the file system of workers is kept apart on this machine, found out by trying."""

import functools
import json
import subprocess
import sys
import tempfile
from enum import Enum
from pathlib import Path

_PROBE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from emulator.runtime.inside.namespaces import enter
enter(**json.loads(sys.argv[2]))
"""
_PROBE_SECONDS = 10.0


class Isolation(Enum):
    """What keeps a function's file system as on Lambda: read-only, with a ``/tmp`` of its own."""

    MOUNT_NAMESPACE = "mount namespace"
    """Linux, the emulator runs as root."""
    USER_NAMESPACE = "user namespace"
    """Linux, the emulator runs as anybody else."""
    INTERPRETER = "interpreter"
    """No namespaces: the worker's Python refuses what it can; `emulator.runtime.inside.audit` says what."""

    @property
    def has_namespaces(self) -> bool:
        """Whether the kernel holds it."""
        return self is not Isolation.INTERPRETER


@functools.cache
def strongest() -> Isolation:
    """Find the strongest isolation this machine allows; it is tried once per process.

    Returns
    -------
    Isolation
        The first that works, in the order of the enumeration.
    """
    if not sys.platform.startswith("linux"):
        return Isolation.INTERPRETER
    for candidate in (Isolation.MOUNT_NAMESPACE, Isolation.USER_NAMESPACE):
        if _works(candidate):
            return candidate
    return Isolation.INTERPRETER


def _works(candidate: Isolation) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        plan = {
            "user_namespace": candidate is Isolation.USER_NAMESPACE,
            "tmp_mb": 1,
            "code_dir": folder,
            "layers_dir": "",
            "runtime_dir": "",
            "needed": [],
        }
        root = str(Path(__file__).parents[2])
        try:
            attempt = subprocess.run(
                [sys.executable, "-I", "-S", "-c", _PROBE, root, json.dumps(plan)],
                check=False,
                capture_output=True,
                timeout=_PROBE_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return False
    return attempt.returncode == 0
