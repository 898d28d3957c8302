"""S3's object bytes in the blob store instead of memory, so that saving need not write them again."""

import io
import types

from moto.s3 import models as s3_models

from emulator.events.hooks import Hooks
from emulator.state.blobs import BlobStore


class BlobBuffer:
    """Stands where moto keeps an object's bytes in a spooled file.

    moto replaces an object's content as a whole: it goes to the start, truncates and writes once.

    Parameters
    ----------
    store
        Holds the bytes.
    digest
        Name of the present content; None while there is none.
    """

    def __init__(self, store: BlobStore, digest: str | None = None) -> None:
        self._store = store
        self._position = 0
        self.digest = digest

    def seek(self, position: int) -> None:
        """Go to a byte."""
        self._position = position

    def truncate(self) -> None:
        """Forget the content."""
        self.digest = None

    def write(self, content: bytes) -> None:
        """Take the whole content."""
        self.digest = self._store.put(bytes(content))

    def write_file(self, content: io.BufferedRandom) -> None:
        """Take the whole content from a file."""
        self.digest = self._store.put_file(content)

    def read(self, size_bytes: int = -1) -> bytes:
        """Give what follows the position, at most so many bytes."""
        if self.digest is None:
            return b""
        with self._store.open(self.digest) as file:
            file.seek(self._position)
            content = file.read(size_bytes)
        self._position += len(content)
        return content

    def close(self) -> None:
        """Do nothing: others may hold the same bytes, and what nobody holds is swept at the next start."""


def install(hooks: Hooks, store: BlobStore) -> None:
    """Have moto's S3 keep object bytes in a blob store.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    store
        Where the bytes go.
    """
    files = types.SimpleNamespace(SpooledTemporaryFile=lambda *_, **__: BlobBuffer(store))
    hooks.replace(s3_models, "tempfile", files)
