"""Objects of S3 are read in ranges and put together of parts, as S3 does, without being held in memory."""

import base64
import binascii
import gc
import hashlib
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.cloud import Cloud

MB = 1024**2
N_PARTS = 24
PART = bytes(range(256)) * (5 * MB // 256)
PARTS = [number.to_bytes(4, "big") + PART for number in range(N_PARTS)]


@pytest.fixture(scope="module", params=["in memory", "kept"])
def s3(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Run a cloud, with and without a state directory, and make a bucket in it."""
    state: Path | None = tmp_path_factory.mktemp("state") if request.param == "kept" else None
    with Cloud(port=0, state_dir=state) as cloud:
        client = cloud.client("s3")
        client.create_bucket(Bucket="large")
        yield client


def send(s3: Any, key: str, parts: list[bytes], **options: str) -> Callable[[], dict[str, Any]]:
    """Upload parts and return what puts them together."""
    names = {"Bucket": "large", "Key": key}
    upload_id = s3.create_multipart_upload(**names, **options)["UploadId"]
    listed = []
    for number, part in enumerate(parts, start=1):
        etag = s3.upload_part(**names, UploadId=upload_id, PartNumber=number, Body=part)["ETag"]
        listed.append({"PartNumber": number, "ETag": etag})
    return lambda: dict(
        s3.complete_multipart_upload(**names, UploadId=upload_id, MultipartUpload={"Parts": listed})
    )


def read(s3: Any, key: str, **options: Any) -> bytes:
    return bytes(s3.get_object(Bucket="large", Key=key, **options)["Body"].read())


def test_parts_are_put_together_in_their_order(s3: Any) -> None:
    done = send(s3, "ordered", PARTS)()
    digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in PARTS)
    assert done["ETag"] == f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{N_PARTS}"'
    assert read(s3, "ordered") == b"".join(PARTS)
    assert s3.head_object(Bucket="large", Key="ordered")["ContentLength"] == sum(map(len, PARTS))


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=5242880-5242890", 5242880, 5242891),
        ("bytes=10485760-", 10485760, None),
        ("bytes=-7", -7, None),
        ("bytes=10485760-99999999999", 10485760, None),
    ],
)
def test_a_range_is_what_lies_between_its_ends(s3: Any, asked: str, start: int, stop: int | None) -> None:
    send(s3, "ranges", PARTS[:3])()
    whole = b"".join(PARTS[:3])
    answer = s3.get_object(Bucket="large", Key="ranges", Range=asked)
    wanted = whole[start:stop]
    first = start if start >= 0 else len(whole) + start
    assert answer["Body"].read() == wanted
    assert answer["ContentRange"] == f"bytes {first}-{first + len(wanted) - 1}/{len(whole)}"
    assert answer["ContentLength"] == len(wanted)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206


@pytest.mark.parametrize("asked", ["bytes=9-2", "bytes=0-1,5-6", "words=1-2x", "bytes=-"])
def test_what_is_no_range_is_answered_with_the_whole_object(s3: Any, asked: str) -> None:
    s3.put_object(Bucket="large", Key="small", Body=b"0123456789")
    assert read(s3, "small", Range=asked) == b"0123456789"


def test_a_range_beyond_the_end_is_refused(s3: Any) -> None:
    s3.put_object(Bucket="large", Key="small", Body=b"0123456789")
    with pytest.raises(ClientError, match="InvalidRange"):
        read(s3, "small", Range="bytes=10-")


def test_checksums_are_of_the_whole_or_of_the_parts_checksums(s3: Any) -> None:
    send(s3, "composite", PARTS[:2], ChecksumAlgorithm="CRC32")()
    send(s3, "full", PARTS[:2], ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")()
    crcs = b"".join(binascii.crc32(part).to_bytes(4, "big") for part in PARTS[:2])
    for key, summed, suffix in (("composite", crcs, "-2"), ("full", b"".join(PARTS[:2]), "")):
        answer = s3.get_object(Bucket="large", Key=key, ChecksumMode="ENABLED")
        wanted = base64.b64encode(binascii.crc32(summed).to_bytes(4, "big")).decode()
        assert answer["ChecksumCRC32"] == wanted + suffix


def test_a_listed_part_that_is_not_there_or_is_another_is_refused(s3: Any) -> None:
    names = {"Bucket": "large", "Key": "refused"}
    upload_id = s3.create_multipart_upload(**names)["UploadId"]
    etag = s3.upload_part(**names, UploadId=upload_id, PartNumber=1, Body=b"one")["ETag"]
    small = s3.upload_part(**names, UploadId=upload_id, PartNumber=2, Body=b"two")["ETag"]
    for parts, code in (
        ([(1, etag), (3, etag)], "InvalidPart"),
        ([(1, small)], "InvalidPart"),
        ([(1, etag), (2, small)], "EntityTooSmall"),
    ):
        listed = [{"PartNumber": number, "ETag": own} for number, own in parts]
        with pytest.raises(ClientError, match=code):
            s3.complete_multipart_upload(**names, UploadId=upload_id, MultipartUpload={"Parts": listed})
    listed = [{"PartNumber": 1, "ETag": etag}]
    s3.complete_multipart_upload(**names, UploadId=upload_id, MultipartUpload={"Parts": listed})
    assert read(s3, "refused") == b"one"


def test_an_upload_of_one_empty_part_is_an_empty_object(s3: Any) -> None:
    send(s3, "empty", [b""])()
    assert read(s3, "empty") == b""


@pytest.mark.parametrize("options", [{}, {"ChecksumAlgorithm": "CRC32"}], ids=["full", "composite"])
def test_memory_holds_no_large_object_while_it_is_put_together_or_read_in_ranges(
    s3: Any, options: dict[str, str]
) -> None:
    size = sum(map(len, PARTS))
    complete = send(s3, "bounded", PARTS, **options)
    gc.collect()  # the requests that brought the parts
    tracemalloc.start()
    try:
        complete()
        for start in range(0, size, 16 * MB):
            assert len(read(s3, "bounded", Range=f"bytes={start}-{start + 9}")) == 10
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(PARTS[0])
