"""What Python can hold of a read-only file system where the kernel gives no namespaces.

An audit hook refuses to open, make, move or remove files outside the worker's own folder and ``/tmp``, and to
begin a file when the folder is full. It binds Python code alone: a program the function starts, or a library
that opens files itself, is not held.
"""

# pathlib would be loaded at every cold start, which lasts 30 ms:
# ruff: noqa: PTH118, PTH119, PTH120

import errno
import os
import sys
from collections.abc import Iterable

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FIRST = frozenset({"os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.chown", "os.utime"})
_BOTH = frozenset({"os.rename", "os.link"})
_MB = 1 << 20


class WriteGuard:
    """Refuses writes outside the folders a function may write to.

    Parameters
    ----------
    folder
        The worker's own folder, its ``TMPDIR``.
    tmp_mb
        What may lie in it, in MB.
    read_only
        Folders that stay as they are although they may lie in ``/tmp``.
    """

    def __init__(self, folder: str, tmp_mb: int, read_only: Iterable[str]) -> None:
        self._folder = os.path.realpath(folder)
        self._allowed = tuple(
            f"{os.path.realpath(place)}/"
            for place in (folder, "/tmp", "/dev")  # noqa: S108
        )
        self._refused = tuple(f"{os.path.realpath(place)}/" for place in read_only if place)
        self._limit_bytes = tmp_mb * _MB

    def install(self) -> None:
        """Watch this process until it ends: an audit hook cannot be taken out."""
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            self._opened(*arguments[:3])
        elif event in _FIRST:
            self._check(arguments[0])
        elif event in _BOTH:
            self._check(arguments[0])
            self._check(arguments[1])
        elif event == "os.symlink":
            self._check(arguments[1])

    def _opened(self, path: object, mode: object, flags: object) -> None:
        if mode is None and isinstance(flags, int):
            writes = bool(flags & _WRITES)
        else:
            writes = isinstance(mode, str) and not set(mode).isdisjoint("wax+")
        if writes:
            name = self._check(path)
            if name.startswith(f"{self._folder}/") and self._used_bytes() >= self._limit_bytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)

    def _check(self, path: object) -> str:
        if not isinstance(path, str | bytes | os.PathLike):
            return ""  # an open descriptor: it was judged when it was opened
        given = os.fsdecode(path)
        name = os.path.realpath(given)
        byte_code = os.path.basename(os.path.dirname(name)) == "__pycache__" or name.endswith("__pycache__")
        place = f"{name}/"
        allowed = byte_code or (place.startswith(self._allowed) and not place.startswith(self._refused))
        if not allowed:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), given)
        return name

    def _used_bytes(self) -> int:
        used = 0
        for folder, _, names in os.walk(self._folder):
            for name in names:
                try:
                    used += os.lstat(os.path.join(folder, name)).st_size
                except FileNotFoundError:
                    continue
        return used
