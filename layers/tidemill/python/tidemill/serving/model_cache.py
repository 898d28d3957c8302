"""Loaded models: which version an alias means is asked every 30 seconds, a package is read once.

A promotion or rollback is one write to the registry, and every process follows within the 30 seconds.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from tidemill.errors import Corrupt, NotFound, did_you_mean
from tidemill.ports import BlobInfo, Blobs, Documents
from tidemill.registry.aliases import CHAMPION, get_alias
from tidemill.registry.package import load_package
from tidemill.registry.versions import get_version, list_models
from tidemill.serving.predictor import PACKAGE_FILES, Predictor

ALIAS_LIFETIME = timedelta(seconds=30)
_MODELS_KEPT = 8  # in memory at once; a few MB each


class ModelCache:
    """The models a process serves.

    Parameters
    ----------
    documents
        The registry.
    blobs
        The models bucket.
    folder
        Where packages are kept on disk: it outlives the process in a Lambda sandbox.
    """

    def __init__(self, documents: Documents, blobs: Blobs, folder: Path) -> None:
        self._documents = documents
        self._blobs = DiskCopies(blobs, folder)
        self._champions: dict[str, tuple[int, datetime]] = {}
        self._predictors: dict[tuple[str, int], Predictor] = {}

    def champion(self, model: str, at: datetime) -> Predictor:
        """Return the model's version in service at a moment.

        Raises
        ------
        NotFound
            If there is no such model, or no version of it was ever promoted.
        """
        known = self._champions.get(model)
        # Time is the events' own and may step back between two of them.
        if known is None or abs(at - known[1]) >= ALIAS_LIFETIME:
            alias = get_alias(self._documents, model, CHAMPION)
            if alias is None:
                raise self._without_champion(model)
            known = self._champions[model] = (alias.version, at)
        return self.version(model, known[0])

    def version(self, model: str, version: int) -> Predictor:
        """Return a version of a model, in service or not.

        Raises
        ------
        NotFound
            If there is no such version.
        Corrupt
            If its package is not what the registry says.
        """
        predictor = self._predictors.get((model, version))
        if predictor is None:
            predictor = self._load(model, version)
            while len(self._predictors) >= _MODELS_KEPT:
                del self._predictors[next(iter(self._predictors))]
            self._predictors[model, version] = predictor
        return predictor

    def _load(self, model: str, version: int) -> Predictor:
        package = get_version(self._documents, model, version).package
        try:
            files = load_package(self._blobs, model, package, PACKAGE_FILES)
        except Corrupt:  # a copy on disk may be half written or touched; the bucket decides
            self._blobs.forget()
            files = load_package(self._blobs, model, package, PACKAGE_FILES)
        return Predictor.load(model, version, files)

    def _without_champion(self, model: str) -> NotFound:
        known = list_models(self._documents)
        if model in known:
            return NotFound(
                f"model `{model}` has no champion; `tidemill models promote {model}@VERSION` makes one"
            )
        return NotFound(f"unknown model `{model}`{did_you_mean(model, known)}")


class DiskCopies:
    """Blobs that never change, each read once and then from disk.

    Who reads them verifies them; a file here is only a copy.
    """

    def __init__(self, blobs: Blobs, folder: Path) -> None:
        self._blobs = blobs
        self._folder = folder

    def get(self, key: str, *, version: str | None = None) -> bytes:
        """Return a blob's bytes; NotFound if there is none."""
        path = self._folder / key
        with contextlib.suppress(OSError):
            return path.read_bytes()
        data = self._blobs.get(key, version=version)
        with contextlib.suppress(OSError):  # a full disk costs a download later, not this prediction
            _write_whole(path, data)
        return data

    def open(self, key: str, *, version: str | None = None) -> BinaryIO:
        """Open a blob to be read in order; NotFound if there is none."""
        return self._blobs.open(key, version=version)

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> BlobInfo:
        """Store bytes under a key."""
        return self._blobs.put(key, data, content_type=content_type)

    def info(self, key: str) -> BlobInfo | None:
        """Return what is stored under a key, or None."""
        return self._blobs.info(key)

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        """Yield every blob whose key starts with the prefix, in key order."""
        return self._blobs.list(prefix)

    def forget(self) -> None:
        """Remove every copy."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file under another name first, so that nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).replace(path)
