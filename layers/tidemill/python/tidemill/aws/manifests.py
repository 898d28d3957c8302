"""Manifests of an Iceberg table, merged so that the work of a commit hardly grows with the table.

A manifest lists data files, and every commit adds one. PyIceberg merges all that there are each time
they have become so many, so that in the end each merge rewrites the list of the whole table. Here
manifests are merged with those of their own size: a file is listed anew whenever the number of files has
grown by a factor, twice among a thousand commits of one file each.
"""

from collections import defaultdict
from collections.abc import Sequence

from pyiceberg.manifest import ManifestContent, ManifestEntryStatus, ManifestFile
from pyiceberg.table.update.snapshot import _FastAppendFiles  # its own name for what appends

MERGED_AT_ONCE = 20
"""So many manifests of one size become one of the next."""


class SteadyAppend(_FastAppendFiles):
    """An append that merges manifests of a size."""

    def _process_manifests(self, manifests: list[ManifestFile]) -> list[ManifestFile]:
        merged = manifests_to_merge(manifests, spec_id=self._transaction.table_metadata.default_spec_id)
        if not merged:
            return manifests
        paths = {each.manifest_path for each in merged}
        return [self._merged(merged), *(each for each in manifests if each.manifest_path not in paths)]

    def _merged(self, manifests: Sequence[ManifestFile]) -> ManifestFile:
        with self.new_manifest_writer(self.spec(manifests[0].partition_spec_id)) as writer:
            for manifest in manifests:
                for entry in self.fetch_manifest_entry(manifest, discard_deleted=True):
                    new = entry.status is ManifestEntryStatus.ADDED and entry.snapshot_id == self.snapshot_id
                    (writer.add if new else writer.existing)(entry)
        return writer.to_manifest_file()


def manifests_to_merge(manifests: Sequence[ManifestFile], *, spec_id: int) -> list[ManifestFile]:
    """Return the manifests that are to become one; none if there are too few of every size.

    Parameters
    ----------
    manifests
        Those of the table as it will be.
    spec_id
        The partitioning of files written now; manifests of another, or of deletes, stay as they are.
    """
    by_size: defaultdict[int, list[ManifestFile]] = defaultdict(list)
    for manifest in manifests:
        if manifest.content is ManifestContent.DATA and manifest.partition_spec_id == spec_id:
            by_size[_size(manifest)].append(manifest)
    merged: list[ManifestFile] = []
    size = 0
    while len(by_size[size]) + bool(merged) >= MERGED_AT_ONCE:
        merged += by_size[size]
        size += 1
    return merged


def _size(manifest: ManifestFile) -> int:
    """Return how often its number of files can be divided."""
    files = (manifest.added_files_count or 0) + (manifest.existing_files_count or 0)
    size = 0
    while files >= MERGED_AT_ONCE:
        files //= MERGED_AT_ONCE
        size += 1
    return size
