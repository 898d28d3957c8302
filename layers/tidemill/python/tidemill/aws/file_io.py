"""PyIceberg's files on S3 through boto3, in as few requests as S3 allows.

Iceberg metadata is many small files. Arrow's own S3 writes each as a multipart upload between two
look-ups and reads each in two ranges, some eight requests where two do. Here a file up to
``_WHOLE_BYTES`` is one GET or one PUT, and the connection pool, credentials and error mapping are
those of the rest of the library. Iceberg never changes a file it has written, so what was read or
written stays in memory for the next invocation: a warm function reads only what is new.
"""

import io
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream
from pyiceberg.typedef import EMPTY_DICT, Properties

from tidemill.aws.clients import client
from tidemill.aws.failures import aws_failures
from tidemill.errors import Conflict, NotFound

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_WHOLE_BYTES = 8 * 1024 * 1024
"""Files up to this size move in one request; larger ones in parts of it."""

_CACHE_BYTES = 64 * 1024 * 1024


class FileCache:
    """The most recently used whole files, up to a number of bytes.

    Examples
    --------
    >>> cache = FileCache(limit_bytes=5)
    >>> cache.put("a", b"123")
    >>> cache.put("b", b"456")
    >>> cache.get("a") is None, cache.get("b")
    (True, b'456')
    """

    def __init__(self, *, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, location: str) -> bytes | None:
        """Return a file's bytes if they are here."""
        with self._lock:
            data = self._files.get(location)
            if data is not None:
                self._files.move_to_end(location)
            return data

    def put(self, location: str, data: bytes) -> None:
        """Keep a file, and let go of those not used for longest."""
        with self._lock:
            self._drop(location)
            self._files[location] = data
            self._size_bytes += len(data)
            while self._size_bytes > self._limit_bytes:
                self._drop(next(iter(self._files)))

    def drop(self, location: str) -> None:
        """Let go of a file."""
        with self._lock:
            self._drop(location)

    def _drop(self, location: str) -> None:
        self._size_bytes -= len(self._files.pop(location, b""))


_cache = FileCache(limit_bytes=_CACHE_BYTES)


class S3FileIO(FileIO):
    """Named as PyIceberg's ``py-io-impl``; makes files of ``s3://bucket/key`` locations."""

    def __init__(self, properties: Properties = EMPTY_DICT) -> None:
        super().__init__(properties)
        self._client: S3Client = client("s3")

    def new_input(self, location: str) -> InputFile:
        """Return a file to read."""
        return _S3File(location, self._client)

    def new_output(self, location: str) -> OutputFile:
        """Return a file to write."""
        return _S3File(location, self._client)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete a file; deleting one that is not there is no error."""
        file = _S3File(location if isinstance(location, str) else location.location, self._client)
        _cache.drop(file.location)
        with aws_failures(f"deleting {file.location}"):
            self._client.delete_object(**file.address)


class _S3File(InputFile, OutputFile):
    def __init__(self, location: str, s3: "S3Client") -> None:
        super().__init__(location)
        parts = urlsplit(location, allow_fragments=False)
        self.address: Any = {"Bucket": parts.netloc, "Key": parts.path.removeprefix("/")}
        self._client = s3
        self._size_bytes: int | None = None

    def __len__(self) -> int:
        if self._size_bytes is None:
            with _missing_file(self.location), aws_failures(f"looking up {self.location}"):
                self._size_bytes = self._client.head_object(**self.address)["ContentLength"]
        return self._size_bytes

    def exists(self) -> bool:
        try:
            return len(self) >= 0
        except FileNotFoundError:
            return False

    def open(self, seekable: bool = True) -> InputStream:  # noqa: FBT001, FBT002, ARG002  # PyIceberg's signature; every stream here can seek
        if (kept := _cache.get(self.location)) is not None:
            self._size_bytes = len(kept)
            return pa.BufferReader(kept)  # type: ignore[no-any-return]
        with _missing_file(self.location), aws_failures(f"reading {self.location}"):
            answer = self._client.get_object(**self.address, Range=f"bytes=0-{_WHOLE_BYTES - 1}")
            head = answer["Body"].read()
        self._size_bytes = int(answer["ContentRange"].rpartition("/")[2])
        if self._size_bytes == len(head):
            _cache.put(self.location, head)
            return pa.BufferReader(head)  # type: ignore[no-any-return]
        return _Ranges(self, self._client)

    def to_input_file(self) -> InputFile:
        return self

    def create(self, overwrite: bool = False) -> OutputStream:  # noqa: FBT001, FBT002  # PyIceberg's signature
        return _Upload(self, self._client, overwrite=overwrite)

    def written(self, size_bytes: int, whole: bytes | None) -> None:
        self._size_bytes = size_bytes
        if whole is not None:
            _cache.put(self.location, whole)


@contextmanager
def _missing_file(location: str) -> Iterator[None]:
    """Raise the error PyIceberg knows a missing file by."""
    try:
        yield
    except NotFound as error:
        raise FileNotFoundError(f"{location} is not there") from error


@contextmanager
def _existing_file(location: str) -> Iterator[None]:
    """Raise the error PyIceberg knows an existing file by."""
    try:
        yield
    except Conflict as error:
        raise FileExistsError(f"{location} exists already") from error


class _Ranges(io.RawIOBase):
    """A large file, read in the ranges asked for."""

    def __init__(self, file: _S3File, s3: "S3Client") -> None:
        super().__init__()
        self._file = file
        self._client = s3
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._file)}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + len(buffer), len(self._file))
        if end <= self._at:
            return 0
        with aws_failures(f"reading {self._file.location}"):
            answer = self._client.get_object(**self._file.address, Range=f"bytes={self._at}-{end - 1}")
            data = answer["Body"].read()
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class _Upload(io.RawIOBase):
    """A file being written: one PUT at the end, or parts as they fill; nothing if the block fails."""

    def __init__(self, file: _S3File, s3: "S3Client", *, overwrite: bool) -> None:
        super().__init__()
        self._file = file
        self._client = s3
        # S3 itself refuses to replace a file: no look-up before, and no race after it.
        self._condition: Any = {} if overwrite else {"IfNoneMatch": "*"}
        self._buffer = bytearray()
        self._parts: list[str] = []
        self._upload_id = ""
        self._size_bytes = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size_bytes

    def write(self, data: Any) -> int:
        size_bytes = memoryview(data).nbytes
        self._buffer += data
        self._size_bytes += size_bytes
        while len(self._buffer) > _WHOLE_BYTES:
            self._send_part(bytes(self._buffer[:_WHOLE_BYTES]))
            del self._buffer[:_WHOLE_BYTES]
        return size_bytes

    def close(self) -> None:
        if self.closed:
            return
        super().close()
        rest = bytes(self._buffer)
        with _existing_file(self._file.location), aws_failures(f"writing {self._file.location}"):
            if not self._upload_id:
                self._client.put_object(**self._file.address, Body=rest, **self._condition)
            else:
                self._send_part(rest)
                self._client.complete_multipart_upload(
                    **self._file.address,
                    UploadId=self._upload_id,
                    **self._condition,
                    MultipartUpload={
                        "Parts": [
                            {"ETag": etag, "PartNumber": number}
                            for number, etag in enumerate(self._parts, start=1)
                        ]
                    },
                )
        self._file.written(self._size_bytes, None if self._upload_id else rest)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
            return
        super().close()
        if self._upload_id:
            with aws_failures(f"giving up {self._file.location}"):
                self._client.abort_multipart_upload(**self._file.address, UploadId=self._upload_id)

    def _send_part(self, data: bytes) -> None:
        with aws_failures(f"writing {self._file.location}"):
            if not self._upload_id:
                answer = self._client.create_multipart_upload(**self._file.address)
                self._upload_id = answer["UploadId"]
            part = self._client.upload_part(
                **self._file.address, UploadId=self._upload_id, PartNumber=len(self._parts) + 1, Body=data
            )
        self._parts.append(part["ETag"])
