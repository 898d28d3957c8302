"""Iceberg's files on S3: whole ones in one request, large ones in parts, none half-written."""

import io
import uuid

import pytest

from tidemill.aws import file_io
from tidemill.aws.clients import client
from tidemill.aws.file_io import FileCache, S3FileIO

LARGE = bytes(range(256)) * 80_000  # 20 MB: three parts


@pytest.fixture
def location(aws_endpoint: str) -> str:
    """Return a location in a new bucket."""
    del aws_endpoint  # it only has to be there
    bucket = f"files-{uuid.uuid4()}"
    client("s3").create_bucket(Bucket=bucket)
    return f"s3://{bucket}/warehouse/t/metadata/file 1#2.avro"


def write(location: str, data: bytes, *, overwrite: bool = False) -> None:
    with S3FileIO().new_output(location).create(overwrite=overwrite) as stream:
        for start in range(0, len(data), 3_000_000):
            stream.write(data[start : start + 3_000_000])


def stored(location: str) -> bytes:
    bucket, key = location.removeprefix("s3://").split("/", 1)
    data: bytes = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return data


@pytest.mark.parametrize("data", [b"", b"small", LARGE], ids=["empty", "small", "large"])
def test_what_is_written_is_stored_and_read_back(location: str, data: bytes) -> None:
    write(location, data)
    assert stored(location) == data
    file = S3FileIO().new_input(location)
    assert file.exists()
    assert len(file) == len(data)
    with file.open() as stream:
        assert stream.read(len(data) + 1) == data


def test_a_large_file_can_be_read_from_anywhere(location: str) -> None:
    write(location, LARGE)
    with S3FileIO().new_input(location).open() as stream:
        assert stream.seek(-10, io.SEEK_END) == len(LARGE) - 10
        assert stream.read(100) == LARGE[-10:]
        stream.seek(9_000_000)
        assert stream.read(500) == LARGE[9_000_000:9_000_500]
        assert stream.tell() == 9_000_500


@pytest.mark.parametrize("data", [b"first", LARGE], ids=["small", "large"])
def test_a_file_is_never_replaced_unless_that_is_wanted(location: str, data: bytes) -> None:
    write(location, data)
    with pytest.raises(FileExistsError):
        write(location, b"second")
    assert stored(location) == data
    write(location, b"third", overwrite=True)
    assert stored(location) == b"third"


@pytest.mark.parametrize("data", [b"some", LARGE], ids=["small", "large"])
def test_a_block_that_fails_stores_nothing(location: str, data: bytes) -> None:
    def fail() -> None:
        with S3FileIO().new_output(location).create() as stream:
            stream.write(data)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert not S3FileIO().new_input(location).exists()
    bucket = location.removeprefix("s3://").split("/", 1)[0]
    assert "Uploads" not in client("s3").list_multipart_uploads(Bucket=bucket)


def test_a_missing_file_is_what_pyiceberg_takes_for_one(location: str) -> None:
    assert not S3FileIO().new_input(location).exists()
    with pytest.raises(FileNotFoundError):
        S3FileIO().new_input(location).open()
    S3FileIO().delete(location)


def test_a_deleted_file_is_gone_from_memory_too(location: str) -> None:
    write(location, b"data")
    S3FileIO().delete(location)
    assert not S3FileIO().new_input(location).exists()
    with pytest.raises(FileNotFoundError):
        S3FileIO().new_input(location).open()


def test_a_file_is_fetched_once_per_process(location: str) -> None:
    write(location, b"data")
    bucket, key = location.removeprefix("s3://").split("/", 1)
    client("s3").delete_object(Bucket=bucket, Key=key)  # behind our back: Iceberg itself never does
    with S3FileIO().new_input(location).open() as stream:
        assert stream.read(4) == b"data"
    file_io._cache.drop(location)
    with pytest.raises(FileNotFoundError):
        S3FileIO().new_input(location).open()


def test_the_cache_lets_go_of_what_was_not_used_for_longest() -> None:
    cache = FileCache(limit_bytes=4)
    cache.put("a", b"12")
    cache.put("b", b"34")
    assert cache.get("a") == b"12"
    cache.put("c", b"56")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"12", None, b"56")
    cache.put("too large", b"12345")
    assert cache.get("too large") is None
    cache.put("c", b"1234")
    assert cache.get("c") == b"1234"
