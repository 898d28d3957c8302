"""Folders of local clouds that were killed: found by their names, removed by the next one that starts."""

import os
import re
import shutil
import tempfile
from pathlib import Path

import psutil

_KINDS = ("local-cloud", "lambda")
_NAME = re.compile(rf"(?:{'|'.join(_KINDS)})-(\d+)-\w+")


def prefix(kind: str) -> str:
    """Begin the name of a temporary folder so that a later run knows whose it was.

    Parameters
    ----------
    kind
        ``local-cloud`` or ``lambda``.

    Returns
    -------
    str
        For `tempfile.mkdtemp`.
    """
    return f"{kind}-{os.getpid()}-"


def remove_leftovers() -> None:
    """Remove this user's folders in the system's temporary one whose process has ended."""
    for folder in Path(tempfile.gettempdir()).iterdir():
        named = _NAME.fullmatch(folder.name)
        if named and not psutil.pid_exists(int(named[1])) and _is_ours(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    try:
        return folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()
    except OSError:  # another that starts at this moment has removed it
        return False
