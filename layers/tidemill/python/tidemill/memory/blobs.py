"""Blobs in a dictionary, with every version kept."""

import io
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import BinaryIO

from tidemill.errors import NotFound
from tidemill.ports import BlobInfo


class MemoryBlobs:
    """A versioned bucket in memory; versions are numbered ``v1``, ``v2``, … per key."""

    def __init__(self) -> None:
        self._versions: dict[str, list[bytes]] = {}

    def get(self, key: str, *, version: str | None = None) -> bytes:
        """Return a blob's bytes; NotFound if there is none."""
        versions = self._versions.get(key, [])
        wanted = f"v{len(versions)}" if version is None else version
        for number, data in enumerate(versions, start=1):
            if wanted == f"v{number}":
                return data
        at_version = "" if version is None else f" at version {version}"
        raise NotFound(f"no blob `{key}`{at_version} in memory; put it first")

    def open(self, key: str, *, version: str | None = None) -> BinaryIO:
        """Open a blob to be read in order; NotFound if there is none."""
        return io.BytesIO(self.get(key, version=version))

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> BlobInfo:
        """Store bytes as the newest version of a key."""
        del content_type  # nothing in memory asks for it
        versions = self._versions.setdefault(key, [])
        versions.append(bytes(data))
        return BlobInfo(key, len(data), f"v{len(versions)}")

    def info(self, key: str) -> BlobInfo | None:
        """Return what is stored under a key, or None."""
        versions = self._versions.get(key)
        return BlobInfo(key, len(versions[-1]), f"v{len(versions)}") if versions else None

    def remove(self, prefix: str, *, keep: Collection[str], written_before: datetime) -> int:
        """Remove what lies below a prefix under other keys than some; here everything is old."""
        del written_before
        keys = [key for key in self._versions if key.startswith(prefix) and key not in keep]
        for key in keys:
            del self._versions[key]
        return len(keys)

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        """Yield every blob whose key starts with the prefix, in key order."""
        for key in sorted(self._versions):
            if key.startswith(prefix) and (info := self.info(key)) is not None:
                yield info
