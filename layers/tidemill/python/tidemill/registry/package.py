"""Model packages: immutable files under their digest, verified whenever they are read.

A package is data only. Its manifest lists the SHA-256 of every file, and the digest of the manifest
names the package, so a version that records one digest pins every byte.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tidemill.canonical import canonical_json, digest_bytes
from tidemill.errors import Corrupt, NotFound
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
    """Store a package under its digest and return the digest.

    The manifest is written last: a package that has one is whole, and is not written again.

    Parameters
    ----------
    blobs
        The models bucket.
    model
        Name of the model.
    files
        Bytes by file name.

    Returns
    -------
    str
        The package's digest.
    """
    digest, manifest = build_package(files)
    if blobs.info(_key(model, digest, MANIFEST)) is None:
        for name, data in files.items():
            blobs.put(_key(model, digest, name), data)
        encoded = canonical_json(manifest)
        blobs.put(_key(model, digest, MANIFEST), encoded, content_type="application/json")
    return digest


def load_package(
    blobs: Blobs, model: str, digest: str, names: Iterable[str] | None = None
) -> dict[str, bytes]:
    """Read a package's files and verify each of them against the digest.

    Parameters
    ----------
    blobs
        The models bucket.
    model
        Name of the model.
    digest
        As the registry has it.
    names
        The files wanted; all of them if None.

    Returns
    -------
    dict
        Bytes by file name.

    Raises
    ------
    NotFound
        If there is no such package, or it has no file of a wanted name.
    Corrupt
        If the manifest or a file is not what the digest says, or a listed file is gone.
    """
    encoded = blobs.get(_key(model, digest, MANIFEST))
    if digest_bytes(encoded) != digest:
        raise Corrupt(f"the manifest of package {digest} of model `{model}` does not have that digest")
    entries = json.loads(encoded)["files"]
    files = {}
    for name in entries if names is None else names:
        if name not in entries:
            raise NotFound(f"package {digest} of model `{model}` has no file `{name}`")
        files[name] = _verified(blobs, _key(model, digest, name), entries[name]["sha256"])
    return files


def _verified(blobs: Blobs, key: str, expected: str) -> bytes:
    try:
        data = blobs.get(key)
    except NotFound as error:
        raise Corrupt(f"`{key}` is listed in its package's manifest but is gone") from error
    if digest_bytes(data) != expected:
        raise Corrupt(f"`{key}` does not have the SHA-256 its package's manifest says ({expected})")
    return data


def _key(model: str, digest: str, name: str) -> str:
    return f"packages/{model}/{digest}/{name}"
