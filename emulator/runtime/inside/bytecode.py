"""Byte code kept from one cold start to the next, although a function sees its code read-only.

On Lambda the code directory cannot be written, so Python compiles every module at every cold start.
Here the compiled module goes where the code really lies, by a descriptor opened before the file system
became read-only; the function itself has no path that leads there.
"""

# pathlib would be loaded at every cold start, which lasts 30 ms:
# ruff: noqa: PTH120, PTH123

import os
from importlib.machinery import SourceFileLoader


class Cache:
    """Writes byte code past the read-only view.

    Parameters
    ----------
    root
        Descriptor of ``/``, opened while it could be written.
    places
        Where directories of the view really lie: pairs of a prefix seen and the prefix meant.
    """

    def __init__(self, root: int, places: tuple[tuple[str, str], ...]) -> None:
        self._root = root
        self._places = places

    def install(self) -> None:
        """Have Python's import system keep byte code here, in this process."""
        cache = self

        def set_data(_loader: SourceFileLoader, path: str, data: bytes, *, _mode: int = 0o666) -> None:
            cache.write(path, data)

        SourceFileLoader.set_data = set_data  # type: ignore[assignment,method-assign]

    def write(self, path: str, data: bytes) -> None:
        """Keep one file; a directory that cannot be written is no failure, as in Python itself.

        Parameters
        ----------
        path
            The ``.pyc`` file as the import system names it.
        data
            Its content.
        """
        target = self._really(path).lstrip("/")
        draft = f"{target}.{os.getpid()}"
        try:
            self._make_folder(os.path.dirname(target))
            file = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644, dir_fd=self._root)
            with open(file, "wb") as out:
                out.write(data)
            # Another worker may write the same module: a rename leaves one whole file.
            os.rename(draft, target, src_dir_fd=self._root, dst_dir_fd=self._root)
        except OSError:
            return

    def _make_folder(self, folder: str) -> None:
        try:
            os.mkdir(folder, dir_fd=self._root)
        except FileExistsError:
            return

    def _really(self, path: str) -> str:
        for seen, meant in self._places:
            if path.startswith(f"{seen}/"):
                return meant + path[len(seen) :]
        return path
