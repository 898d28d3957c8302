"""What a model was made with: the versions of libraries, and the digest of the code."""

import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from tidemill.canonical import digest_bytes, digest_json

_LIBRARIES = ("numpy", "onnx", "onnxruntime", "scikit-learn", "scipy", "skl2onnx", "skops")


def library_versions() -> dict[str, str]:
    """Return the versions of what a fitted model depends on, Python's among them."""
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


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
