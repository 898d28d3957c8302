"""What a snapshot refuses, and what a save that fails leaves."""

import json
import pickle
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from emulator.cloud import Cloud
from emulator.errors import StateNotSaved, StateRefused
from emulator.state.blobs import BlobStore
from emulator.state.pickling import Reader


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Give the snapshot of a state with one object."""
    with Cloud(port=0, state_dir=tmp_path) as cloud:
        cloud.client("s3").create_bucket(Bucket="kept")
        cloud.client("s3").put_object(Bucket="kept", Key="a", Body=b"words")
    return tmp_path / "snapshot"


def change_header(snapshot: Path, change: Callable[[dict[str, Any]], object]) -> None:
    line, _, content = snapshot.read_bytes().partition(b"\n")
    header = json.loads(line)
    change(header)
    snapshot.write_bytes(json.dumps(header).encode() + b"\n" + content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda header: header.update(moto="1.0"), "written with moto 1.0"),
        (lambda header: header.update(python="2.7"), "written with python 2.7"),
        (lambda header: header.update(format=0), "written with format 0"),
        (lambda header: header["modules"].update({"emulator.cloud": "0"}), "other forms of emulator.cloud"),
        (lambda header: header.update(region="eu-west-1"), "made with region eu-west-1, not us-east-1"),
    ],
)
def test_a_state_of_another_version_is_refused_and_left_alone(
    change: Callable[[dict[str, Any]], object], said: str, saved: Path
) -> None:
    change_header(saved, change)
    before = saved.read_bytes()
    with pytest.raises(StateRefused, match=said):
        Cloud(port=0, state_dir=saved.parent)
    assert saved.read_bytes() == before


def test_a_state_stays_on_its_port(saved: Path) -> None:
    with pytest.raises(StateRefused, match="say so; start with port"):
        Cloud(port=1234, state_dir=saved.parent)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[:-1], "checksum"),
        (lambda content: content[:-1] + b"\0", "checksum"),
        (lambda _content: b"words", "does not begin as a state does"),
    ],
)
def test_a_damaged_snapshot_is_refused(damage: Callable[[bytes], bytes], said: str, saved: Path) -> None:
    saved.write_bytes(damage(saved.read_bytes()))
    with pytest.raises(StateRefused, match=said):
        Cloud(port=0, state_dir=saved.parent)


def test_a_snapshot_without_its_object_bytes_is_refused(saved: Path) -> None:
    for blob in (saved.parent / "blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
    with pytest.raises(StateRefused, match="which are not there"):
        Cloud(port=0, state_dir=saved.parent)


def test_bytes_nobody_holds_any_more_are_removed_at_the_next_start(saved: Path) -> None:
    store = BlobStore(saved.parent / "blobs")
    forgotten = store.put(b"forgotten")
    with Cloud(port=0, state_dir=saved.parent) as cloud:
        assert cloud.client("s3").get_object(Bucket="kept", Key="a")["Body"].read() == b"words"
    with pytest.raises(FileNotFoundError):
        store.get(forgotten)


class Harmful:
    """Runs something when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("1 / 0",)


@pytest.mark.parametrize("content", [pickle.dumps(Harmful()), pickle.dumps(Path)])
def test_reading_calls_nothing_that_is_not_of_a_state(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(StateRefused, match="not part of a local cloud's state"):
        Reader(content, blobs=BlobStore(tmp_path)).load()


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow beyond a kilobyte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_and_what_was_saved_before_stays(saved: Path) -> None:
    before = saved.read_bytes()
    cloud = Cloud(port=0, state_dir=saved.parent)
    cloud.client("s3").put_object(Bucket="kept", Key="b", Body=b"more words")
    with (
        full_disk(),
        pytest.raises(StateNotSaved, match=r"was not saved .* what was saved before is still there"),
    ):
        cloud.close()
    assert saved.read_bytes() == before
    assert sorted(path.name for path in saved.parent.glob("*.part")) == []
    with Cloud(port=0, state_dir=saved.parent) as again:
        assert again.client("s3").get_object(Bucket="kept", Key="a")["Body"].read() == b"words"
