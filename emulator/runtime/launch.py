"""Starts worker processes: command line, environment, and the folders they are given."""

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.runtime.carried import make_runtime_folder
from emulator.runtime.environment import Directories, Packaging, environment, host_directories
from emulator.runtime.isolation import Isolation
from emulator.runtime.layers import MergedLayers
from emulator.runtime.model import FunctionSpec

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


@dataclass(frozen=True)
class Launched:
    """A process that was started; `lifeline` is written to by nobody and closed at its end.

    `folder` is its ``TMPDIR`` on this machine, where it has no ``/tmp`` of its own.
    """

    process: "subprocess.Popen[bytes]"
    lifeline: int
    folder: Path | None


class Launcher:
    """Starts workers; safe to use from threads.

    Parameters
    ----------
    root
        A folder for what workers share and, without namespaces, for their temporary folders.
    packaging
        Where third-party dependencies come from.
    isolation
        How file systems are kept apart.
    """

    def __init__(self, root: Path, *, packaging: Packaging, isolation: Isolation) -> None:
        self._root = root
        self._packaging = packaging
        self._isolation = isolation
        self._layers = MergedLayers(root / "layers")
        self._lock = threading.Lock()

    def start(
        self, spec: FunctionSpec, *, handed_in: Mapping[str, str], runtime_api: str, log_stream: str
    ) -> Launched:
        """Start the runtime client on a function's code; it ends when the lifeline is closed.

        Parameters
        ----------
        spec
            The function.
        handed_in
            Credentials and endpoint for the environment.
        runtime_api
            `host:port` of the Runtime API.
        log_stream
            Name of its log stream.

        Returns
        -------
        Launched
            The process, which leads a group and a session of its own.
        """
        runtime_dir = self._runtime_dir()
        folder = None if self._isolation.has_namespaces else self._make_folder()
        directories = host_directories(spec, runtime_dir, folder) if folder else Directories()
        variables = environment(
            spec, handed_in=handed_in, runtime_api=runtime_api, log_stream=log_stream, directories=directories
        )
        lifeline, ours = os.pipe()
        try:
            process = subprocess.Popen(
                self._command(spec, runtime_dir, folder, lifeline),
                env=variables,
                cwd=spec.code_dir,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(lifeline,),
                start_new_session=True,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(lifeline)
        return Launched(process, ours, folder)

    def _command(
        self, spec: FunctionSpec, runtime_dir: Path | None, folder: Path | None, lifeline: int
    ) -> list[str]:
        packaged = self._packaging is Packaging.PACKAGED
        plan = {
            "lifeline": lifeline,
            "isolation": self._isolation.value,
            "handler": spec.handler,
            "packaged": packaged,
            "code_dir": str(spec.code_dir),
            "layers_dir": str(self._layers.of(spec.layer_dirs) or ""),
            "runtime_dir": str(runtime_dir or ""),
            "tmp_dir": str(folder or ""),
            "tmp_mb": spec.tmp_mb,
        }
        # Without its site packages the interpreter knows of no virtual environment.
        flags = ["-P", "-S"] if packaged else ["-P"]
        return [sys.executable, *flags, str(_BOOTSTRAP), json.dumps(plan)]

    def _runtime_dir(self) -> Path | None:
        if self._packaging is not Packaging.PACKAGED:
            return None
        folder = self._root / "runtime"
        with self._lock:
            if not folder.exists():
                make_runtime_folder(folder)
        return folder

    def _make_folder(self) -> Path:
        folder = self._root / uuid.uuid4().hex
        folder.mkdir()
        return folder
