"""Blobs in one S3 bucket."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from tidemill.aws.failures import aws_failures
from tidemill.errors import NotFound
from tidemill.ports import BlobInfo

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BUFFER_BYTES = 1024 * 1024


class S3Blobs:
    """One bucket; ``version`` is S3's version id, empty in a bucket without versions."""

    def __init__(self, bucket: str, *, client: "S3Client") -> None:
        self.bucket = bucket
        self._client = client

    def get(self, key: str, *, version: str | None = None) -> bytes:
        """Return a blob's bytes; NotFound if there is none."""
        with self.open(key, version=version) as file:
            return file.read()

    def open(self, key: str, *, version: str | None = None) -> BinaryIO:
        """Open a blob to be read in order as it arrives; NotFound if there is none."""
        which: dict[str, Any] = {} if version is None else {"VersionId": version}
        with aws_failures(f"reading {self._uri(key)}"):
            answer = self._client.get_object(Bucket=self.bucket, Key=key, **which)
        return cast("BinaryIO", io.BufferedReader(_Body(answer["Body"], self._uri(key)), _BUFFER_BYTES))

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> BlobInfo:
        """Store bytes under a key, replacing what was there."""
        with aws_failures(f"writing {self._uri(key)}"):
            answer = self._client.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType=content_type)
        return BlobInfo(key, len(data), answer.get("VersionId", ""))

    def info(self, key: str) -> BlobInfo | None:
        """Return what is stored under a key, or None."""
        try:
            with aws_failures(f"looking up {self._uri(key)}"):
                answer = self._client.head_object(Bucket=self.bucket, Key=key)
        except NotFound:
            return None
        return BlobInfo(key, answer["ContentLength"], answer.get("VersionId", ""))

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        """Yield every blob whose key starts with the prefix, in key order.

        S3's listing knows no version ids, so ``version`` is empty here; ``info`` has it.
        """
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        with aws_failures(f"listing {self._uri(prefix)}"):
            for page in pages:
                for item in page.get("Contents", []):
                    yield BlobInfo(item["Key"], item["Size"], "")

    def _uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"


class _Body(io.RawIOBase):
    """A response body as a raw file, whose broken connections are errors of ours."""

    def __init__(self, body: Any, uri: str) -> None:
        self._body = body
        self._uri = uri

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with aws_failures(f"reading {self._uri}"):
            data: bytes = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._body.close()
        super().close()
