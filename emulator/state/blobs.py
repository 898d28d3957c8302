"""Object bytes as files named by their content: written once, shared by all who hold the same bytes."""

import contextlib
import hashlib
import io
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import BinaryIO

from emulator.errors import StateRefused

_UNFINISHED = ".part"


class BlobStore:
    """Keeps bytes by their SHA-256; safe to use from threads.

    Parameters
    ----------
    root
        Directory of the files; made when missing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     store = BlobStore(Path(directory))
    ...     digest = store.put(b"words")
    ...     digest == store.put(b"words"), store.get(digest), store.size_bytes(digest)
    (True, b'words', 5)
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.lock = threading.Lock()
        """Held while the list of what is not on the disk for sure is changed."""
        self._unsynced: set[str] = set()
        root.mkdir(parents=True, exist_ok=True)

    def put(self, content: bytes) -> str:
        """Keep bytes.

        Parameters
        ----------
        content
            What to keep.

        Returns
        -------
        str
            Their name: the hexadecimal SHA-256.
        """
        digest = hashlib.sha256(content).hexdigest()
        self._keep(digest, len(content), lambda path: path.write_bytes(content))
        return digest

    def put_file(self, content: io.BufferedRandom) -> str:
        """Keep the bytes of a file as ``put`` does, without holding them in memory.

        Parameters
        ----------
        content
            The file, which can be read and sought in.

        Returns
        -------
        str
            Their name.
        """
        content.seek(0)
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        size_bytes = content.tell()
        content.seek(0)

        def write(path: Path) -> None:
            with path.open("wb") as file:
                shutil.copyfileobj(content, file)

        self._keep(digest, size_bytes, write)
        return digest

    def _keep(self, digest: str, size_bytes: int, write: Callable[[Path], object]) -> None:
        """Have bytes written, unless they are kept already: whole, or not at all."""
        path = self._path(digest)
        if _has_size(path, size_bytes):
            return
        path.parent.mkdir(exist_ok=True)
        unfinished = path.with_name(f"{digest}.{secrets.token_hex(8)}{_UNFINISHED}")
        try:
            write(unfinished)
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        with self.lock:
            self._unsynced.add(digest)

    def open(self, digest: str) -> BinaryIO:
        """Open kept bytes for reading.

        Parameters
        ----------
        digest
            Their name.

        Returns
        -------
        file
            At its beginning.
        """
        return self._path(digest).open("rb")

    def get(self, digest: str) -> bytes:
        """Give kept bytes.

        Parameters
        ----------
        digest
            Their name.

        Returns
        -------
        bytes
            All of them.
        """
        return self._path(digest).read_bytes()

    def size_bytes(self, digest: str) -> int:
        """Give the length of kept bytes.

        Parameters
        ----------
        digest
            Their name.

        Returns
        -------
        int
            Length in bytes.

        Raises
        ------
        StateRefused
            They are not there.
        """
        path = self._path(digest)
        try:
            return path.stat().st_size
        except FileNotFoundError as error:
            raise StateRefused(
                f"the state names the object bytes {path}, which are not there; restore the file, or start "
                "with another directory"
            ) from error

    def sync(self) -> None:
        """Have everything put since the last call survive a power failure, not only a killed process."""
        with self.lock:
            waiting, self._unsynced = self._unsynced, set()
        try:
            for path in [self._path(digest) for digest in waiting]:
                _sync(path)
            for directory in {self._path(digest).parent for digest in waiting}:
                _sync(directory)
        except OSError:
            with self.lock:
                self._unsynced |= waiting
            raise

    def sweep(self, wanted: Container[str]) -> None:
        """Remove what nobody refers to any more.

        Parameters
        ----------
        wanted
            Names of the bytes to keep.
        """
        for path in self._files():
            if path.name not in wanted:
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        for directory in list(self._root.iterdir()):
            yield from list(directory.iterdir())

    def _path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest


def _has_size(path: Path, size_bytes: int) -> bool:
    """Tell whether a file is whole: after a power failure one may be there and empty."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size == size_bytes
    return False


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
