"""Which code it was: the digest of the library's and a project's sources."""

import functools
import importlib.util
from collections.abc import Iterable
from pathlib import Path

from tidemill.canonical import digest_bytes, digest_json

VERSION = "0.1.0"
"""The library's version."""

LIBRARY = Path(__file__).parents[1]
_SHOWN_CHARACTERS = 16


def code_digest(roots: Iterable[Path]) -> str:
    """Return the digest of the Python files below some folders, by their path below them.

    Parameters
    ----------
    roots
        Folders of packages, such as the library's and the project's.

    Returns
    -------
    str
        Equal for equal sources wherever they lie.
    """
    files = {
        f"{root.name}/{path.relative_to(root).as_posix()}": digest_bytes(path.read_bytes())
        for root in roots
        for path in sorted(root.rglob("*.py"))
    }
    return digest_json(files)


@functools.cache
def code_version(project: str) -> str:
    """Return the library's version and the beginning of its and a project's digest, once per process.

    Parameters
    ----------
    project
        The project's name; one that is no package under ``projects/`` has no sources of its own.

    Returns
    -------
    str
        Such as ``0.1.0+5f2c0a9be1d3c7aa``.
    """
    return f"{VERSION}+{code_digest([LIBRARY, *_folders_of(project)])[:_SHOWN_CHARACTERS]}"


def _folders_of(project: str) -> list[Path]:
    try:
        found = importlib.util.find_spec(f"projects.{project}")
    except ModuleNotFoundError:  # no package `projects` at all
        found = None
    return [] if found is None or found.origin is None else [Path(found.origin).parent]
