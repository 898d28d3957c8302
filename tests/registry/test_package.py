"""A package is found by its digest, and no changed byte goes unnoticed."""

import pytest

from tidemill.errors import Corrupt, NotFound
from tidemill.memory.blobs import MemoryBlobs
from tidemill.ports import BlobInfo
from tidemill.registry.package import MANIFEST, build_package, load_package, store_package

FILES = {"model.onnx": b"\x00\x01", "card.md": b"# card"}


def test_a_stored_package_is_read_back_whole_or_in_part() -> None:
    blobs = MemoryBlobs()
    digest = store_package(blobs, "late", FILES)
    assert load_package(blobs, "late", digest) == FILES
    assert load_package(blobs, "late", digest, ["card.md"]) == {"card.md": b"# card"}


def test_equal_files_have_one_digest_and_different_ones_another() -> None:
    assert build_package(FILES)[0] == build_package(dict(reversed(FILES.items())))[0]
    assert build_package(FILES)[0] != build_package({**FILES, "card.md": b"# Card"})[0]


@pytest.mark.parametrize("name", ["model.onnx", "card.md", MANIFEST])
def test_a_changed_byte_anywhere_is_corrupt(name: str) -> None:
    blobs = MemoryBlobs()
    digest = store_package(blobs, "late", FILES)
    key = f"packages/late/{digest}/{name}"
    blobs.put(key, blobs.get(key)[:-1] + b"!")
    with pytest.raises(Corrupt, match="does not have"):
        load_package(blobs, "late", digest)


def test_the_manifest_comes_last_so_a_crash_leaves_no_package() -> None:
    class Crashing(MemoryBlobs):
        def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> BlobInfo:
            if key.endswith("card.md"):
                raise ConnectionError
            return super().put(key, data, content_type=content_type)

    blobs = Crashing()
    with pytest.raises(ConnectionError):
        store_package(blobs, "late", FILES)
    with pytest.raises(NotFound):
        load_package(blobs, "late", build_package(FILES)[0])


def test_storing_a_package_again_writes_nothing() -> None:
    class Counting(MemoryBlobs):
        puts = 0

        def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> BlobInfo:
            self.puts += 1
            return super().put(key, data, content_type=content_type)

    blobs = Counting()
    assert store_package(blobs, "late", FILES) == store_package(blobs, "late", FILES)
    assert blobs.puts == len(FILES) + 1


def test_a_file_it_does_not_have_is_named() -> None:
    blobs = MemoryBlobs()
    digest = store_package(blobs, "late", FILES)
    with pytest.raises(NotFound, match=r"no file `weights\.bin`"):
        load_package(blobs, "late", digest, ["weights.bin"])


@pytest.mark.parametrize("name", ["a/b", "", "..", MANIFEST])
def test_only_plain_file_names_go_into_a_package(name: str) -> None:
    with pytest.raises(ValueError, match="can not hold"):
        build_package({name: b""})
