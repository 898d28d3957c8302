"""Compressed files: what a name's last ending tells, and reading them as if they were not."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import pyarrow as pa

from tidemill.errors import UploadRefused

ENDINGS = {".gz": "gzip", ".zst": "zstd"}
_BUFFER_BYTES = 1024 * 1024


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
        If the file turns out to be broken while it is read.
    """
    compression = next((ENDINGS[ending] for ending in ENDINGS if name.lower().endswith(ending)), None)
    try:
        if compression == "gzip":
            yield cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb"))
        elif compression == "zstd":
            frames = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
            yield cast("BinaryIO", io.BufferedReader(frames, _BUFFER_BYTES))
        else:
            yield file
    except (EOFError, zlib.error, OSError) as error:
        if compression is None:
            raise
        raise UploadRefused(
            f"the file {name} is no whole {compression} file ({error}); upload it again"
        ) from error
