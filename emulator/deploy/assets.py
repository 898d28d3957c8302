"""Puts an assembly's files into the bootstrap bucket, as the CDK CLI does, and remembers where each lies.

The zip in the bucket is what AWS would hold; a function is started from the directory the zip was made from,
which saves unpacking what is on this disk already.
"""

import shutil
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from emulator.deploy.assembly import FileAsset

_EPOCH = (1980, 1, 1, 0, 0, 0)


class AssetSources:
    """Knows which object of a bucket was made from which directory; safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._directories: dict[tuple[str, str], Path] = {}

    def remember(self, bucket: str, key: str, directory: Path) -> None:
        """Note that an object is the zip of a directory."""
        with self._lock:
            self._directories[bucket, key] = directory

    def known(self) -> dict[tuple[str, str], Path]:
        """List the directories by bucket and key."""
        return dict(self._directories)  # at once, and without the lock: a forked process may never get it

    def directory(self, bucket: str | None, key: str | None) -> Path | None:
        """Give the directory an object was made from, or None."""
        with self._lock:
            return self._directories.get((bucket or "", key or ""))


def publish(assets: list[FileAsset], *, s3: Any, fill: Callable[[str], str], sources: AssetSources) -> None:
    """Put files into their buckets; those that lie there already stay.

    Parameters
    ----------
    assets
        What to publish.
    s3
        boto3 client.
    fill
        Replaces ``${AWS::AccountId}`` and its like.
    sources
        Where the origin of each zip is noted.
    """
    for bucket in {fill(asset.bucket) for asset in assets}:
        _ensure_bucket(s3, bucket)
    for asset in assets:
        bucket, key = fill(asset.bucket), fill(asset.key)
        if asset.packaging == "zip" and asset.source.is_dir():
            sources.remember(bucket, key, asset.source)
        if not _exists(s3, bucket, key):
            with _content(asset, key).open("rb") as body:
                s3.put_object(Bucket=bucket, Key=key, Body=body)


def _content(asset: FileAsset, key: str) -> Path:
    """Give the file to upload; zips are kept beside the assembly, where the CDK CLI keeps its own."""
    if asset.packaging == "file" or asset.source.is_file():
        return asset.source
    packed = asset.source.parent / ".cache" / Path(key).name
    if not packed.exists():
        packed.parent.mkdir(exist_ok=True)
        unfinished = packed.with_suffix(f".{threading.get_ident()}.part")
        zip_directory(asset.source, unfinished)
        unfinished.replace(packed)
    return packed


def zip_directory(directory: Path, target: Path) -> None:
    """Zip a directory so that equal contents give equal bytes.

    Parameters
    ----------
    directory
        What to pack; links are followed.
    target
        The zip to write.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(directory).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (path.stat().st_mode & 0o777) << 16
            with path.open("rb") as source, archive.open(entry, "w") as packed:
                shutil.copyfileobj(source, packed)


def _ensure_bucket(s3: Any, bucket: str) -> None:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def _exists(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError:
        return False
    return True
