"""Model packages: immutable files under their digest, verified whenever they are read.

A package is data only. Its manifest lists the SHA-256 of every file, and the digest of the manifest
names the package, so a version that records one digest pins every byte.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tidemill.canonical import canonical_json, digest_bytes
from tidemill.errors import Corrupt, NotFound, did_you_mean
from tidemill.ports import Blobs

MANIFEST = "manifest.json"


def build_package(files: Mapping[str, bytes]) -> tuple[str, dict[str, Any]]:
    """Return the digest and the manifest of a package of these files.

    Parameters
    ----------
    files
        Bytes by file name, the manifest itself not among them.

    Returns
    -------
    tuple of str and dict
        The package's digest, and its manifest as plain data.

    Raises
    ------
    ValueError
        If a name is not a plain file name.

    Examples
    --------
    >>> digest, manifest = build_package({"card.md": b"# A model"})
    >>> manifest["files"]["card.md"]["size_bytes"], len(digest)
    (9, 64)
    """
    for name in files:
        if "/" in name or name in {"", ".", "..", MANIFEST}:
            raise ValueError(f"a package can not hold a file named {name!r}")
    entries = {
        name: {"sha256": digest_bytes(data), "size_bytes": len(data)} for name, data in sorted(files.items())
    }
    manifest: dict[str, Any] = {"format": 1, "files": entries}
    return digest_bytes(canonical_json(manifest)), manifest


def store_package(blobs: Blobs, model: str, files: Mapping[str, bytes]) -> str:
    """Store a model's package under its digest and return the digest; see `store_files`."""
    return store_files(blobs, f"packages/{model}", files)


def load_package(
    blobs: Blobs, model: str, digest: str, names: Iterable[str] | None = None
) -> dict[str, bytes]:
    """Read the files of a model's package, verified against the digest; see `load_files`."""
    return load_files(blobs, f"packages/{model}", digest, names)


def store_files(blobs: Blobs, prefix: str, files: Mapping[str, bytes]) -> str:
    """Store files with their manifest as ``<prefix>/<digest>/<name>`` and return the digest.

    The manifest is written last: what has one is whole, and is not written again.

    Parameters
    ----------
    blobs
        The bucket.
    prefix
        Where such files lie, without a slash at the end.
    files
        Bytes by file name.

    Returns
    -------
    str
        The digest of the manifest.
    """
    digest, manifest = build_package(files)
    if blobs.info(f"{prefix}/{digest}/{MANIFEST}") is None:
        for name, data in files.items():
            blobs.put(f"{prefix}/{digest}/{name}", data)
        encoded = canonical_json(manifest)
        blobs.put(f"{prefix}/{digest}/{MANIFEST}", encoded, content_type="application/json")
    return digest


def load_files(
    blobs: Blobs, prefix: str, digest: str, names: Iterable[str] | None = None
) -> dict[str, bytes]:
    """Read files that `store_files` stored and verify each of them against the digest.

    Parameters
    ----------
    blobs
        The bucket.
    prefix
        Where such files lie, without a slash at the end.
    digest
        As it was answered and recorded.
    names
        The files wanted; all of them if None.

    Returns
    -------
    dict
        Bytes by file name.

    Raises
    ------
    NotFound
        If nothing lies there, or there is no file of a wanted name.
    Corrupt
        If the manifest or a file is not what the digest says, or a listed file is gone.
    """
    encoded = blobs.get(f"{prefix}/{digest}/{MANIFEST}")
    if digest_bytes(encoded) != digest:
        raise Corrupt(f"`{prefix}/{digest}/{MANIFEST}` does not have the digest in its name")
    entries = json.loads(encoded)["files"]
    files = {}
    for name in entries if names is None else names:
        if name not in entries:
            raise NotFound(f"`{prefix}/{digest}` has no file `{name}`{did_you_mean(name, entries)}")
        files[name] = _verified(blobs, f"{prefix}/{digest}/{name}", entries[name]["sha256"])
    return files


def _verified(blobs: Blobs, key: str, expected: str) -> bytes:
    try:
        data = blobs.get(key)
    except NotFound as error:
        raise Corrupt(f"`{key}` is listed in its manifest but is gone") from error
    if digest_bytes(data) != expected:
        raise Corrupt(f"`{key}` does not have the SHA-256 its manifest says ({expected})")
    return data
