"""Where code lies ready to run: unpacked once, or taken anew when a file it was made from has changed."""

import hashlib
import os
import shutil
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from emulator.deploy.assets import AssetSources
from emulator.lambda_api.reload import Origin, Origins


@dataclass(frozen=True)
class Code:
    """Code on disk; `revision` is another when its contents are."""

    directory: Path
    revision: str


class CodeStore:
    """Has the code of functions and layers ready on disk; safe to use from threads.

    Parameters
    ----------
    work_dir
        Where code lies ready to run.
    sources
        Knows which zip was made from which directory.
    origins
        Knows where the files of a directory are edited.
    """

    def __init__(self, work_dir: Path, sources: AssetSources, origins: Origins) -> None:
        self._root = work_dir / "code"
        self._sources = sources
        self._origins = origins
        self._lock = threading.Lock()
        self._ready: dict[str, Code] = {}

    def of(self, location: Mapping[str, Any], zipped: bytes, *, live: bool) -> Code:
        """Have code ready.

        Parameters
        ----------
        location
            ``S3Bucket`` and ``S3Key`` it was deployed from, if it was.
        zipped
            The zip.
        live
            Whether edited files count: they do for ``$LATEST``, not for what was published.

        Returns
        -------
        Code
            Where it lies.
        """
        source = self._sources.directory(location.get("S3Bucket"), location.get("S3Key"))
        with self._lock:
            origin = self._origins.of(source) if live and source else None
            if origin is not None:
                return self._edited(origin)
            return self._deployed(source, zipped)

    def _deployed(self, source: Path | None, zipped: bytes) -> Code:
        name = source.name if source else hashlib.sha256(zipped).hexdigest()
        if name not in self._ready:
            target = self._root / name
            if source:
                shutil.copytree(source, target, copy_function=_link)
            else:
                _unpack(zipped, target)
            self._ready[name] = Code(target, name)
        return self._ready[name]

    def _edited(self, origin: Origin) -> Code:
        state = origin.state()
        while True:
            name = f"{origin.asset.name}-{hashlib.sha256(repr(state).encode()).hexdigest()[:16]}"
            if name in self._ready:
                return self._ready[name]
            target = self._root / name
            origin.copy_to(target)
            after = origin.state()
            if after == state:  # nothing was saved meanwhile, so the copy is of one moment
                self._ready[name] = Code(target, name)
                return self._ready[name]
            state = after


def _unpack(zipped: bytes, target: Path) -> None:
    """Unpack a zip with its permissions, which zipfile drops: a layer's programs would not start."""
    target.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(BytesIO(zipped)) as archive:
        for member in archive.infolist():
            path = Path(archive.extract(member, target))  # inside the target: zipfile sees to it
            permissions = member.external_attr >> 16 & 0o777
            if permissions and not member.is_dir():
                path.chmod(permissions | 0o600)


def _link(source: str, target: str) -> None:
    """Link a file, or copy it to another file system: byte code must not be written beside the original."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
