"""Hot reload: finds the directories that assets were copied from, and sees when a file in them changes.

``cdk synth`` copies each asset into its assembly and does not write down from where. The origin is found by
content: a directory that holds every file of the asset by the same path, and nearly all with the same bytes.
An asset put together from several places is found part by part.
"""

import contextlib
import filecmp
import logging
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})
_SIGNS = ("pyvenv.cfg", "cdk.out")
"""Files that mark a virtual environment and a cloud assembly."""

State = tuple[tuple[str, int, int], ...]
"""Path, modification time in nanoseconds and size in bytes of each file."""


@dataclass(frozen=True)
class Origin:
    """Where the files of an asset are edited.

    Parameters
    ----------
    asset
        The copy in the assembly.
    parts
        Directories by the place they have in the asset.
    left_out
        Files that lay in those directories and were not taken into the asset.
    """

    asset: Path
    parts: tuple[tuple[str, Path], ...]
    left_out: frozenset[str]

    def state(self) -> State:
        """Look at every file: what differs between two looks has changed.

        Returns
        -------
        State
            The files as they are now.
        """
        seen = []
        for _, _, entry in self._files():
            with contextlib.suppress(FileNotFoundError):  # gone since it was listed, so not there
                found = entry.stat()
                seen.append((entry.path, found.st_mtime_ns, found.st_size))
        return tuple(sorted(seen))

    def copy_to(self, target: Path) -> None:
        """Write the asset as it would be made now.

        Parameters
        ----------
        target
            A directory that does not exist.
        """
        target.mkdir(parents=True)
        for entry in _walk(self.asset):
            place = Path(entry.path).relative_to(self.asset)
            if not any(place.is_relative_to(part) for part, _ in self.parts):
                _copy(entry, target / place)
        for part, directory, entry in self._files():
            with contextlib.suppress(FileNotFoundError):  # the next look sees that it is gone
                _copy(entry, target / part / Path(entry.path).relative_to(directory))

    def _files(self) -> Iterator[tuple[str, Path, os.DirEntry[str]]]:
        for part, directory in self.parts:
            for entry in _walk(directory):
                if entry.path not in self.left_out:
                    yield part, directory, entry


class Origins:
    """Knows the origins of assets under the directories that are watched.

    Parameters
    ----------
    roots
        Directories to search; none turns hot reload off.
    """

    def __init__(self, roots: Iterable[Path] = ()) -> None:
        self._roots = tuple(root.resolve() for root in roots)
        self._known: dict[Path, Origin | None] = {}

    def learn(self, assets: Iterable[Path]) -> None:
        """Look for the origins of assets, before anybody edits them.

        Parameters
        ----------
        assets
            Directories in an assembly.
        """
        new = [asset for asset in assets if asset not in self._known]
        if not new or not self._roots:
            return
        index = self._index()
        for asset in new:
            parts = tuple(_parts(asset, asset, index))
            left_out = frozenset(
                entry.path
                for part, directory in parts
                for entry in _walk(directory)
                if not (asset / part / Path(entry.path).relative_to(directory)).exists()
            )
            self._known[asset] = Origin(asset, parts, left_out) if parts else None

    def of(self, asset: Path) -> Origin | None:
        """Give the origin of an asset, or None when it has none that is watched.

        Parameters
        ----------
        asset
            Directory in an assembly.

        Returns
        -------
        Origin or None
            Where its files are edited.
        """
        return self._known.get(asset)

    def _index(self) -> dict[str, list[Path]]:
        """List watched files by name."""
        index: dict[str, list[Path]] = defaultdict(list)
        for root in self._roots:
            for entry in _walk(root):
                index[entry.name].append(Path(entry.path))
        return index


def _parts(asset: Path, directory: Path, index: dict[str, list[Path]]) -> Iterator[tuple[str, Path]]:
    """Find the origin of a directory of an asset, or else of each directory in it."""
    files = sorted((path for path in directory.rglob("*") if path.is_file()), key=_size, reverse=True)
    if not files or not _size(files[0]):
        return
    children = sorted(directory.iterdir())
    # A directory of directories may have been put together: its files lie further in.
    origins = [] if all(child.is_dir() for child in children) else _origins(directory, files, index)
    if len(origins) == 1:
        yield directory.relative_to(asset).as_posix(), origins[0]
    elif origins:
        _log.warning(
            "%s may come from any of %s: they hold the same files, so it is not reloaded when one changes",
            directory,
            ", ".join(map(str, origins)),
        )
    else:
        for child in children:
            if child.is_dir():
                yield from _parts(asset, child, index)


def _origins(directory: Path, files: list[Path], index: dict[str, list[Path]]) -> list[Path]:
    """List the directories that hold an asset's files, the largest of which comes first."""
    inner = files[0].relative_to(directory)
    candidates = {
        found.parents[len(inner.parts) - 1]
        for found in index.get(inner.name, ())
        if found.parts[-len(inner.parts) :] == inner.parts
    }
    return sorted(found for found in candidates if _is_origin(found, directory, files))


def _is_origin(candidate: Path, directory: Path, files: list[Path]) -> bool:
    """Hold a directory against an asset's: every path is there, and most of the bytes are the same."""
    pairs = [(path, candidate / path.relative_to(directory)) for path in files]
    if not all(there.is_file() for _, there in pairs):
        return False
    same = sum(_size(here) for here, there in pairs if filecmp.cmp(here, there, shallow=False))
    return 2 * same > sum(_size(here) for here, _ in pairs)


def _size(path: Path) -> int:
    return path.stat().st_size


def _walk(directory: str | Path) -> Iterator[os.DirEntry[str]]:
    """Give the files an asset may be made of: none that are hidden, compiled, installed or synthesized."""
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        listed = list(entries)
        if any(entry.name in _SIGNS and entry.is_file() for entry in listed):
            return
        for entry in listed:
            if entry.name.startswith(".") or entry.name.endswith((".pyc", "~")):
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED:
                    yield from _walk(entry.path)
            else:
                yield entry


def _copy(entry: os.DirEntry[str], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(entry.path, target)
