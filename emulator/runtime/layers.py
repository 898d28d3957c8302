"""Layers of a function as one folder, the way ``/opt`` shows them."""

import os
import shutil
import threading
from pathlib import Path


class MergedLayers:
    """Puts layers together once per combination; safe to use from threads.

    Parameters
    ----------
    root
        Where merged folders lie.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._merged: dict[tuple[Path, ...], Path] = {}

    def of(self, layers: tuple[Path, ...]) -> Path | None:
        """Have the layers of a function in one folder.

        Parameters
        ----------
        layers
            Unpacked layers in the function's order: of two files with one path the later layer's counts.

        Returns
        -------
        Path or None
            None for no layers; a single layer is taken where it lies.
        """
        layers = tuple(layer for layer in layers if layer.is_dir())  # an empty zip unpacks to nothing
        if len(layers) <= 1:
            return layers[0] if layers else None
        with self._lock:
            if layers not in self._merged:
                target = self._root / str(len(self._merged))
                target.mkdir(parents=True)
                for layer in layers:
                    _add(layer, target)
                self._merged[layers] = target
            return self._merged[layers]


def _add(layer: Path, target: Path) -> None:
    """Link a layer's files: a layer of thousands costs names, not space."""
    shutil.copytree(layer, target, copy_function=_link, dirs_exist_ok=True, symlinks=True)


def _link(source: str, target: str) -> None:
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system
        shutil.copy2(source, target)
