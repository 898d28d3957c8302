"""What every implementation of Blobs must hold."""

import pytest

from tidemill.errors import NotFound
from tidemill.ports import Blobs


def test_a_missing_key_is_not_found_by_name(blobs: Blobs) -> None:
    with pytest.raises(NotFound, match="nowhere/to/be/found"):
        blobs.get("nowhere/to/be/found")
    with pytest.raises(NotFound, match="nowhere/to/be/found"):
        blobs.open("nowhere/to/be/found")
    assert blobs.info("nowhere/to/be/found") is None


def test_what_was_put_is_got_back(blobs: Blobs) -> None:
    info = blobs.put("a/b.txt", b"hello", content_type="text/plain")
    assert (info.key, info.size_bytes) == ("a/b.txt", 5)
    assert blobs.get("a/b.txt") == b"hello"
    assert blobs.info("a/b.txt") == info


def test_a_second_put_of_a_key_replaces_it_and_keeps_the_first_version(blobs: Blobs) -> None:
    first = blobs.put("key", b"first")
    second = blobs.put("key", b"second")
    assert blobs.get("key") == b"second"
    assert blobs.get("key", version=first.version) == b"first"
    assert blobs.get("key", version=second.version) == b"second"


def test_a_version_that_never_was_is_not_found(blobs: Blobs) -> None:
    blobs.put("key", b"bytes")
    with pytest.raises(NotFound, match="key"):
        blobs.get("key", version="00000000-0000-4000-8000-000000000000")


def test_an_open_blob_is_read_in_order_and_by_line(blobs: Blobs) -> None:
    data = b"".join(b"line %d\n" % number for number in range(300_000))
    info = blobs.put("big", data)
    with blobs.open("big") as file:
        assert file.read(7) == b"line 0\n"
        assert file.readline() == b"line 1\n"
        assert file.read() == data[14:]
        assert file.read(1) == b""
    with blobs.open("big", version=info.version) as file:
        assert sum(1 for _ in file) == 300_000


def test_an_empty_blob_is_a_blob(blobs: Blobs) -> None:
    blobs.put("empty", b"")
    assert blobs.get("empty") == b""
    assert blobs.info("empty") is not None


def test_a_listing_is_in_key_order_and_of_the_prefix_only(blobs: Blobs) -> None:
    for key in ("b/2", "b/10", "a/1", "b/1", "c"):
        blobs.put(key, b"x")
    assert [info.key for info in blobs.list("b/")] == ["b/1", "b/10", "b/2"]
    assert [info.key for info in blobs.list("")] == ["a/1", "b/1", "b/10", "b/2", "c"]


def test_a_listing_of_nothing_is_empty(blobs: Blobs) -> None:
    assert list(blobs.list("nothing/")) == []


def test_a_listing_goes_on_past_a_page(blobs: Blobs) -> None:
    for number in range(1_003):
        blobs.put(f"many/{number:04d}", b"")
    assert [info.key for info in blobs.list("many/")] == [f"many/{number:04d}" for number in range(1_003)]


def test_keys_may_hold_anything_a_path_may(blobs: Blobs) -> None:
    for key in ("with space/ü+%20&.csv", "x/../y"):
        blobs.put(key, key.encode())
        assert blobs.get(key) == key.encode()
