"""Compressed files: what a name's last ending tells, and reading them as if they were not."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import pyarrow as pa

from tidemill.errors import UploadRefused

ENDINGS = {".gz": "gzip", ".zst": "zstd"}
_BUFFER_BYTES = 1024 * 1024
LARGEST_BYTES = 25 * 1024**3
"""Of what is decompressed; it is read and checked in a third of the time a function has."""
_BROKEN = (EOFError, zlib.error, OSError)


def plain_name(name: str) -> str:
    """Return a file's name in lower case, without the ending of its compression.

    Examples
    --------
    >>> plain_name("Week.CSV.gz"), plain_name("week.csv")
    ('week.csv', 'week.csv')
    """
    lower = name.lower()
    return next((lower.removesuffix(ending) for ending in ENDINGS if lower.endswith(ending)), lower)


@contextmanager
def decompressed(file: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """Open a file for what is in it.

    Parameters
    ----------
    file
        Positioned at its start.
    name
        Its name; one that ends in neither of ``ENDINGS`` is read as it is.

    Yields
    ------
    BinaryIO
        To be read in order.

    Raises
    ------
    UploadRefused
        If the file turns out to be broken, or far too large, while it is read.
    """
    compression = next((ENDINGS[ending] for ending in ENDINGS if name.lower().endswith(ending)), None)
    if compression is None:
        yield file
        return
    frames: Any = (
        gzip.GzipFile(fileobj=file, mode="rb")
        if compression == "gzip"
        else pa.CompressedInputStream(pa.PythonFile(_Borrowed(file), mode="r"), compression)
    )
    try:
        yield cast("BinaryIO", io.BufferedReader(_Counted(frames, name), _BUFFER_BYTES))
    except _BROKEN as error:
        raise UploadRefused(
            f"the file {name} is no whole {compression} file ({error}); upload it again"
        ) from error


@contextmanager
def told_in_the_end(file: BinaryIO) -> Iterator[BinaryIO]:
    """Let a file that breaks off seem to end there, and say that it does when it has been read.

    Who reads ahead is told too early otherwise, and the same file is read now further, now less far.

    Parameters
    ----------
    file
        What is decompressed.

    Yields
    ------
    BinaryIO
        To be read in order.

    Raises
    ------
    EOFError, zlib.error, OSError, UploadRefused
        What the file raised, in place of what Arrow made of its end.
    """
    rest = _UpToBreak(file)
    try:
        yield cast("BinaryIO", rest)
    except pa.ArrowInvalid:
        if rest.error is None:
            raise
    if rest.error is not None:
        raise rest.error


class _Borrowed(io.RawIOBase):
    """A file that stays open when Arrow closes what it reads."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


class _Counted(io.RawIOBase):
    """What is decompressed, up to where it is too much."""

    def __init__(self, frames: BinaryIO, name: str) -> None:
        self._frames = frames
        self._name = name
        self._read_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read_bytes: int = self._frames.readinto(buffer)  # type: ignore[attr-defined]  # both kinds have it
        self._read_bytes += read_bytes
        if self._read_bytes > LARGEST_BYTES:
            raise UploadRefused(
                f"the file {self._name} has more than {LARGEST_BYTES / 1024**3:.0f} GiB when it is "
                "decompressed; split it, and upload the parts one by one"
            )
        return read_bytes


class _UpToBreak(_Borrowed):
    """A file that ends where it breaks off."""

    error: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return b"" if self.error else super().read(size)
        except (*_BROKEN, UploadRefused) as error:
            self.error = error
            return b""
