"""Deployed functions as the worker pool needs them, read from moto's Lambda backend."""

import hashlib
import os
import shutil
import threading
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from emulator import aws
from emulator.deploy.assets import AssetSources
from emulator.errors import UnknownFunction
from emulator.runtime.model import FunctionSpec


class Functions:
    """Finds functions by name or ARN and has their code ready on disk; safe to use from threads.

    Parameters
    ----------
    work_dir
        Where code lies ready to run; workers write their byte code there.
    sources
        Knows which zip was made from which directory.
    region
        Region of the Lambda backend.
    """

    def __init__(self, work_dir: Path, sources: AssetSources, region: str = aws.REGION) -> None:
        self._code_root = work_dir / "code"
        self._sources = sources
        self._region = region
        self._lock = threading.Lock()
        self._ready: dict[str, Path] = {}

    def spec_of(self, name_or_arn: str, qualifier: str | None = None) -> FunctionSpec:
        """Describe a function to the worker pool.

        Parameters
        ----------
        name_or_arn
            Name, ARN, or ARN with version or alias.
        qualifier
            Version or alias.

        Returns
        -------
        FunctionSpec
            Its code unpacked, its configuration, and a revision that changes with either.

        Raises
        ------
        UnknownFunction
            No deployed function has this name.
        """
        function = self._find(name_or_arn, qualifier)
        code_dir = self._directory(function.code, function)
        layers = tuple(self._layer_directory(layer["Arn"]) for layer in function.layers or [])
        environment = {str(key): str(value) for key, value in (function.environment_vars or {}).items()}
        settings = (
            function.code_sha_256,
            tuple(layer["Arn"] for layer in function.layers or []),
            tuple(sorted(environment.items())),
            function.handler,
            function.timeout,
            function.memory_size,
            function.ephemeral_storage,
            function.role,
        )
        reserved = function.reserved_concurrency
        return FunctionSpec(
            name=function.function_name,
            arn=aws_function_arn(function),
            handler=function.handler,
            runtime=function.run_time,
            code_dir=code_dir,
            layer_dirs=layers,
            environment=environment,
            timeout_seconds=float(function.timeout),
            memory_mb=int(function.memory_size),
            tmp_mb=int(function.ephemeral_storage),
            role_arn=function.role,
            reserved_concurrency=None if reserved is None else int(reserved),
            revision=hashlib.sha256(repr(settings).encode()).hexdigest(),
        )

    def _find(self, name_or_arn: str, qualifier: str | None) -> Any:
        backend = aws.backend("lambda", self._region)
        try:
            if name_or_arn.startswith("arn:") and name_or_arn.count(":") > 6:
                name_or_arn, _, qualifier = name_or_arn.rpartition(":")
            function = backend.get_function(name_or_arn, qualifier)
        except Exception as error:
            known = ", ".join(sorted(f.function_name for f in backend.list_functions())) or "none"
            raise UnknownFunction(
                f"no function {name_or_arn}{f' ({qualifier})' if qualifier else ''}; deployed: {known}"
            ) from error
        return function

    def _layer_directory(self, arn: str) -> Path:
        layer = aws.backend("lambda", self._region).layers_versions_by_arn(arn)
        if layer is None:
            raise UnknownFunction(f"no layer version {arn}; deploy the stack that makes it again")
        return self._directory(layer.content, layer)

    def _directory(self, location: dict[str, Any], holder: Any) -> Path:
        source = self._sources.directory(location.get("S3Bucket"), location.get("S3Key"))
        name = source.name if source else hashlib.sha256(holder.code_bytes).hexdigest()
        with self._lock:
            if name not in self._ready:
                target = self._code_root / name
                if source:
                    shutil.copytree(source, target, copy_function=_link)
                else:
                    with zipfile.ZipFile(BytesIO(holder.code_bytes)) as archive:
                        archive.extractall(target)  # members stay inside the target: zipfile sees to it
                self._ready[name] = target
            return self._ready[name]


def _link(source: str, target: str) -> None:
    """Link a file, or copy it to another file system: byte code must not be written beside the original."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def aws_function_arn(function: Any) -> str:
    """Give a function's ARN without version: workers of all its callers are the same.

    Parameters
    ----------
    function
        moto's function.

    Returns
    -------
    str
        Unqualified ARN.
    """
    return ":".join(str(function.function_arn).split(":")[:7])
