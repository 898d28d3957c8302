"""Large objects of S3: a range is read without the rest, and the parts of an upload are joined on disk.

moto reads an object whole to answer a range of it, so that reading a file range by range takes the square
of its size. The parts of an upload it joins in memory, three times over.
"""

import mmap
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML
from moto.s3.models import FakeKey, FakeMultipart, MultipartChecksumBuilder
from moto.s3.responses import S3Response
from moto.s3.utils import compute_checksum
from moto.settings import S3_UPLOAD_PART_MIN_SIZE
from moto.utilities.utils import md5_hash

from emulator.events.hooks import Hooks
from emulator.state.objects import BlobBuffer

_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d+-\d*|-\d+)\s*")


class _Contents:
    """An object's bytes, of which only what is sliced is read."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def __len__(self) -> int:
        return int(self._key.contentsize)

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(len(self))
        with self._key.lock:
            self._key._value_buffer.seek(start)  # noqa: SLF001  moto has no other way to read a part
            return bytes(self._key._value_buffer.read(max(stop - start, 0)))  # noqa: SLF001  likewise


class _ByRange:
    """An object as moto's answers see it, but for its bytes."""

    def __init__(self, key: Any) -> None:
        self._key = key
        self.value = _Contents(key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)


class _Joined:
    """The bytes of an upload's parts, one after the other, in a file."""

    def __init__(self, parts: Iterable[Any]) -> None:
        self._file: Any = tempfile.TemporaryFile()  # noqa: SIM115 - it becomes the object's own
        for part in parts:
            self._file.write(part.value)
        self._file.flush()

    def __len__(self) -> int:
        return int(self._file.seek(0, os.SEEK_END))

    def move_to(self, key: Any) -> None:
        """Make the file an object's contents."""
        key.contentsize = len(self)
        kept = key._value_buffer  # noqa: SLF001  moto has no other way to give it a file
        if isinstance(kept, BlobBuffer):
            kept.write_file(self._file)
            self._file.close()
        else:
            kept.close()
            key._value_buffer = self._file  # noqa: SLF001  likewise

    def checksum(self, algorithm: str) -> str:
        """Return the checksum of all bytes, as moto computes it."""
        whole: Callable[..., bytes] = compute_checksum
        if len(self) == 0:
            return whole(b"", algorithm).decode()  # an empty file cannot be mapped
        with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return whole(mapped, algorithm).decode()


def install(hooks: Hooks) -> None:
    """Replace how moto reads ranges and joins parts."""
    find, cut = S3Response._get_key, S3Response._handle_range_header  # noqa: SLF001  moto has no seam here
    contents: Any = FakeKey.value

    def find_for_range(response: Any, *args: Any, **kwargs: Any) -> tuple[Any, bool]:
        key, not_modified = find(response, *args, **kwargs)
        whole = "partNumber" in response.querystring or not _asks_for_range(response.headers)
        return (key if whole else _ByRange(key)), not_modified

    def cut_range(response: Any, request: Any, headers: dict[str, Any], body: Any) -> Any:
        status, headers, cut_out = cut(response, request, headers, body)
        return status, headers, cut_out[:] if isinstance(cut_out, _Contents) else cut_out

    def write(key: Any, given: Any) -> None:
        if isinstance(given, _Joined):
            given.move_to(key)
        else:
            contents.fset(key, given)

    hooks.replace(S3Response, "_get_key", find_for_range)
    hooks.replace(S3Response, "_handle_range_header", cut_range)
    hooks.replace(FakeKey, "value", property(contents.fget, write))
    hooks.replace_method(FakeMultipart, "complete", _complete)


def _asks_for_range(headers: Any) -> bool:
    return _ONE_RANGE.fullmatch(headers.get("range", "")) is not None


def _complete(
    upload: Any, listed: Iterable[tuple[int, str]]
) -> tuple[_Joined, str, tuple[str, str, int] | None]:
    """Join the parts of an upload: their bytes one after the other, the ETag and the checksum."""
    parts = _listed_parts(upload, listed)
    joined = _Joined(parts)
    digests = md5_hash(b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts))
    return joined, f"{digests.hexdigest()}-{len(parts)}", _checksum(upload, parts, joined)


def _listed_parts(upload: Any, listed: Iterable[tuple[int, str]]) -> list[Any]:
    parts: list[Any] = []
    for number, etag in listed:
        part = upload.parts.get(number)
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise InvalidPart
        if parts and parts[-1].contentsize < S3_UPLOAD_PART_MIN_SIZE:
            raise EntityTooSmall
        parts.append(part)
    if not parts:
        raise MalformedXML
    return parts


def _checksum(upload: Any, parts: Iterable[Any], joined: _Joined) -> tuple[str, str, int] | None:
    """Return the checksum's type, the checksum and of how many parts, as moto's own builder does."""
    metadata = upload.metadata
    builder = MultipartChecksumBuilder(
        metadata.get("x-amz-checksum-algorithm"), metadata.get("x-amz-checksum-type")
    )
    if builder.checksum_type == "FULL_OBJECT":
        return builder.checksum_type, joined.checksum(builder.checksum_algorithm), 1
    for part in parts:
        builder.addPart(part.value)
    return builder.build()
