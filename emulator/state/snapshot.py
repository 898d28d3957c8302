"""The snapshot file: a line of JSON that says what wrote it, and a pickle.

It is written beside the old one and renamed over it, so a save that fails or is cut off leaves the old one.
It is read only by what wrote it: the same format, moto, Python and modules of the emulator, unchanged since
(checksum). Nothing of a pickle is looked at before that is known.
"""

import gc
import hashlib
import importlib.util
import io
import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from emulator.errors import StateNotSaved, StateRefused
from emulator.state.backends import backend_at, bucket_owners, kept_backends
from emulator.state.directory import StateDirectory
from emulator.state.pickling import Reader, Unkept, Writer

FORMAT = 1
"""Raised when this package comes to write what an older one would misread, or to misread what one wrote."""


@dataclass(frozen=True)
class Place:
    """Where a state's resources say they are: names and addresses in it hold only there."""

    region: str
    port: int


def save(directory: StateDirectory, place: Place, own: Callable[[], dict[str, Any]]) -> None:
    """Write everything that is kept.

    Parameters
    ----------
    directory
        Where to.
    place
        Region and port of this run.
    own
        Gives what the emulator keeps beside moto's backends.

    Raises
    ------
    StateNotSaved
        It could not be written; what was saved before is still there.
    """
    taken_at = datetime.now(UTC).isoformat()
    try:
        content, modules = _pickled(directory, own)
        directory.blobs.sync()
        header = {
            **_versions(modules),
            "region": place.region,
            "port": place.port,
            "taken_at": taken_at,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        _replace(directory.snapshot, json.dumps(header).encode() + b"\n" + content)
    except OSError as error:
        raise StateNotSaved(
            f"the state was not saved in {directory.root}: {error}; what was saved before is still there"
        ) from error


def load(directory: StateDirectory, place: Place) -> dict[str, Any] | None:
    """Read what was saved into moto's backends.

    Parameters
    ----------
    directory
        Where from.
    place
        Region and port of this run.

    Returns
    -------
    dict or None
        What `own` gave when it was saved; None when nothing was saved yet.

    Raises
    ------
    StateRefused
        It was written elsewhere or by another version, or is damaged. Nothing was changed.
    """
    header, content = _read(directory.snapshot)
    if header is None:
        directory.blobs.sweep(frozenset())
        return None
    _check(directory.root, header, place)
    if hashlib.sha256(content).hexdigest() != header["sha256"]:
        raise StateRefused(
            f"the state in {directory.root} is damaged: {directory.snapshot.name} does not have the checksum "
            "it was written with; restore it from a copy, or start with another directory"
        )
    reader = Reader(content, blobs=directory.blobs)
    with _without_collecting():
        state: dict[str, Any] = reader.load()
    for key, attributes in state["backends"].items():
        vars(backend_at(key)).update(attributes)
    bucket_owners().update(state["buckets"])
    directory.blobs.sweep(reader.digests)
    own: dict[str, Any] = state["own"]
    return own


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Look for no garbage while many objects are made and none is dropped: it took most of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def saved_port(directory: StateDirectory) -> int | None:
    """Tell the port a state was made on: URLs of queues and APIs in it name that port.

    Parameters
    ----------
    directory
        Of the state.

    Returns
    -------
    int or None
        None when nothing was saved yet.
    """
    header, _ = _read(directory.snapshot)
    return None if header is None else int(header["port"])


def _pickled(directory: StateDirectory, own: Callable[[], dict[str, Any]]) -> tuple[bytes, set[str]]:
    kept = {entry.key: entry.backend for entry in kept_backends()}
    state = {
        "backends": {key: dict(vars(backend)) for key, backend in kept.items()},
        "buckets": dict(bucket_owners()),
        "own": own(),
    }

    def writer(file: io.BytesIO) -> Writer:
        return Writer(file, backends=kept, blobs=directory.blobs)

    file = io.BytesIO()
    whole = writer(file)
    try:
        whole.dump(state)
    except (Unkept, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise StateNotSaved(f"the state was not saved: {_culprit(state, writer)}: {error}") from error
    return file.getvalue(), whole.modules


def _culprit(state: dict[str, Any], writer: Callable[[io.BytesIO], Writer]) -> str:
    """Find what cannot be written: pickle itself says only what, not where."""
    for (service, _, region), attributes in state["backends"].items():
        for name, value in attributes.items():
            try:
                writer(io.BytesIO()).dump(value)
            except (Unkept, TypeError, AttributeError, ValueError, RuntimeError):
                return f"{name} of {service} in {region}"
    return "the local cloud's own part"


def _versions(modules: set[str]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "moto": version("moto"),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "modules": {name: _digest(name) for name in sorted(modules)},
    }


def _digest(module: str) -> str | None:
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        return None
    return hashlib.sha256(Path(found.origin).read_bytes()).hexdigest()


def _check(root: Path, header: dict[str, Any], place: Place) -> None:
    for name, here in _versions(set(header.get("modules", {}))).items():
        written = header.get(name)
        if written == here:
            continue
        if name == "modules":
            difference = f"other forms of {_changed(header)}"
        else:
            difference = f"{name} {written}, this is {here}"
        raise StateRefused(
            f"the state in {root} was written with {difference}; "
            "run the version that wrote it, or start with another directory and deploy again"
        )
    for name, here in (("region", place.region), ("port", place.port)):
        if header[name] != here:
            raise StateRefused(
                f"the state in {root} was made with {name} {header[name]}, not {here}, and its URLs and ARNs "
                f"say so; start with {name} {header[name]}, or with another directory"
            )


def _changed(header: dict[str, Any]) -> str:
    return ", ".join(name for name, digest in header["modules"].items() if _digest(name) != digest)


def _read(path: Path) -> tuple[dict[str, Any] | None, bytes]:
    try:
        line, _, content = path.read_bytes().partition(b"\n")
        return json.loads(line), content
    except FileNotFoundError:
        return None, b""
    except ValueError as error:
        raise StateRefused(
            f"{path} does not begin as a state does; restore it from a copy, or start with another directory"
        ) from error


def _replace(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
