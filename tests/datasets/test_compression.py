"""Compressed files are read as if they were not, as often as asked, and as far as they go."""

import gzip
import io
from typing import BinaryIO

import pyarrow as pa
import pytest

from tidemill.datasets import compression, json_lines
from tidemill.datasets.compression import decompressed, told_in_the_end
from tidemill.datasets.faults import Faults
from tidemill.datasets.formats import read_rows
from tidemill.errors import UploadRefused
from tidemill.expressions.columns import Type

SCHEMA = {"id": Type.STRING, "minutes": Type.FLOAT}
LINES = b"id,minutes\n" + b"".join(b"id%07d,%d\n" % (number, number % 7) for number in range(400_000))


def compressed(data: bytes, ending: str) -> bytes:
    return gzip.compress(data, 1) if ending == "gz" else pa.compress(data, "zstd", asbytes=True)


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_file_may_be_decompressed_again(ending: str) -> None:
    """Arrow closes what it has read, and a header is read before the rows."""
    file = io.BytesIO(compressed(LINES, ending))
    for _ in range(2):
        file.seek(0)
        with decompressed(file, f"f.csv.{ending}") as plain:
            assert plain.read() == LINES


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_file_that_breaks_off_is_read_as_far_every_time(ending: str) -> None:
    """Arrow reads ahead, and would be told of the end while it was still busy with what came before."""
    broken = compressed(LINES, ending)
    broken = broken[: len(broken) * 9 // 10]

    read: list[int] = []

    def reading() -> None:
        read.append(0)
        faults = Faults("f.csv", SCHEMA)
        for part in read_rows(io.BytesIO(broken), name=f"f.csv.{ending}", schema=SCHEMA, faults=faults):
            read[-1] += part.batch.num_rows

    for _ in range(3):
        with pytest.raises(UploadRefused, match="no whole"):
            reading()
    assert read[0] == read[1] == read[2] > 150_000


class Failing(io.BytesIO):
    """A file whose end can not be read."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise EOFError("it breaks off")
        return data


def read_to_its_end(file: BinaryIO, error: Exception | None = None) -> list[bytes]:
    """Read two bytes a time, then raise what the reader makes of it."""
    with told_in_the_end(file) as rest:
        found = [rest.read(2), rest.read(2), rest.read(2), rest.read(2)]
        if error is not None:
            raise error
    return found


def test_a_whole_file_is_read_as_it_is() -> None:
    assert read_to_its_end(io.BytesIO(b"abc")) == [b"ab", b"c", b"", b""]


def test_that_a_file_breaks_off_is_told_when_it_has_been_read() -> None:
    with pytest.raises(EOFError, match="it breaks off"):
        read_to_its_end(Failing(b"abc"))


def test_what_arrow_makes_of_half_a_row_is_not_told_in_its_place() -> None:
    with pytest.raises(EOFError, match="it breaks off"):
        read_to_its_end(Failing(b"abc"), pa.ArrowInvalid("Expected 2 columns, got 1"))


def test_what_is_wrong_with_the_rows_of_a_whole_file_is_told() -> None:
    with pytest.raises(pa.ArrowInvalid, match="Expected 2 columns"):
        read_to_its_end(io.BytesIO(b"abc"), pa.ArrowInvalid("Expected 2 columns, got 1"))


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_file_that_is_far_too_large_when_it_is_decompressed_is_refused(
    ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten gigabytes of nothing are ten megabytes compressed."""
    monkeypatch.setattr(compression, "LARGEST_BYTES", 3 * 1024**2)
    file = io.BytesIO(compressed(LINES, ending))
    rows = read_rows(file, name=f"f.csv.{ending}", schema=SCHEMA, faults=Faults("f.csv", SCHEMA))
    with pytest.raises(UploadRefused, match=r"more than 0 GiB when it is decompressed; split it"):
        list(rows)


def test_a_json_line_without_an_end_is_refused_before_it_is_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_lines, "_BLOCK_BYTES", 1024)
    monkeypatch.setattr(json_lines, "_LONGEST_LINE_BYTES", 4096)
    file = io.BytesIO(b'{"id": "a", "minutes": 1}\n' * 100 + b"x" * 100_000)
    rows = read_rows(file, name="f.jsonl", schema=SCHEMA, faults=Faults("f.jsonl", SCHEMA))
    with pytest.raises(UploadRefused, match=r"a line after row \d+ has more than"):
        list(rows)
