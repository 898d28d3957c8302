"""When the state is saved, and what becomes of saves that fail."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emulator.errors import StateNotSaved
from emulator.state.keeper import Keeper, Still


@contextmanager
def still() -> Iterator[bool]:
    yield True


def nothing() -> None:
    """Prepare nothing."""


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Callable[..., Keeper]]:
    """Give what starts a keeper that counts its saves by files named by the saving process."""
    keepers: list[Keeper] = []

    def save() -> None:
        (tmp_path / str(os.getpid())).touch()

    def start(when_still: Still = still) -> Keeper:
        keepers.append(Keeper(save=save, prepare=nothing, still=when_still))
        keepers[-1].start()
        return keepers[-1]

    yield start
    for keeper in keepers:
        keeper.close()


def test_a_change_is_saved_by_another_process_and_the_end_by_this_one(
    keep: Callable[..., Keeper], tmp_path: Path
) -> None:
    keeper = keep()
    keeper.note()
    wait_for(lambda: list(tmp_path.iterdir()))
    assert [path.name for path in tmp_path.iterdir()] != [str(os.getpid())]
    keeper.close()
    assert (tmp_path / str(os.getpid())).exists()


def test_nothing_is_saved_without_a_change(keep: Callable[..., Keeper], tmp_path: Path) -> None:
    keep()
    time.sleep(0.5)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_saved_while_something_is_being_made(keep: Callable[..., Keeper], tmp_path: Path) -> None:
    keeper = keep()
    with keeper.holding():
        keeper.note()
        time.sleep(0.6)
        assert list(tmp_path.iterdir()) == []
    wait_for(lambda: list(tmp_path.iterdir()))


def test_a_save_waits_for_the_locks_of_requests(keep: Callable[..., Keeper], tmp_path: Path) -> None:
    tries: list[bool] = []
    free = threading.Event()

    @contextmanager
    def once_free() -> Iterator[bool]:
        tries.append(free.is_set())
        yield free.is_set()

    keep(when_still=once_free).note()
    wait_for(lambda: tries)
    assert list(tmp_path.iterdir()) == []
    free.set()
    wait_for(lambda: list(tmp_path.iterdir()))


def refuse() -> None:
    raise StateNotSaved("the disk is full")


def stumble() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("save", "said"),
    [
        (refuse, "the disk is full"),
        (stumble, "ZeroDivisionError"),
        (lambda: os._exit(3), "ended with 768"),
    ],
)
def test_a_save_that_fails_is_told_and_the_keeper_goes_on(
    save: Callable[[], None], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    parent = os.getpid()
    keeper = Keeper(save=lambda: save() if os.getpid() != parent else None, prepare=nothing, still=still)
    keeper.start()
    with caplog.at_level(logging.ERROR):
        keeper.note()
        wait_for(lambda: said in caplog.text)
    keeper.close()
