"""Manifests are merged with those of their size: few of them, and each file listed anew only seldom."""

from typing import Any

import pytest
from pyiceberg.manifest import ManifestContent, ManifestFile

from tidemill.aws.manifests import MERGED_AT_ONCE, manifests_to_merge


def manifest(files: int, *, path: str = "", **changed: Any) -> ManifestFile:
    fields = {
        "manifest_path": path or f"s3://bucket/{files}.avro",
        "partition_spec_id": 0,
        "content": ManifestContent.DATA,
        "added_files_count": 1,
        "existing_files_count": files - 1,
    }
    return ManifestFile.from_args(**{**fields, **changed})


def test_too_few_of_every_size_stay_as_they_are() -> None:
    assert manifests_to_merge([manifest(1)] * (MERGED_AT_ONCE - 1), spec_id=0) == []


def test_enough_of_one_size_become_one_of_the_next() -> None:
    large, small = manifest(8000), [manifest(1)] * MERGED_AT_ONCE
    assert manifests_to_merge([*small, large], spec_id=0) == small


def test_what_is_merged_completes_the_next_size_at_once() -> None:
    """Else the same files would be listed anew twice in one commit."""
    next_size = [manifest(MERGED_AT_ONCE)] * (MERGED_AT_ONCE - 1)
    small = [manifest(1)] * MERGED_AT_ONCE
    assert manifests_to_merge([*small, *next_size], spec_id=0) == [*small, *next_size]


@pytest.mark.parametrize(
    "other", [{"content": ManifestContent.DELETES}, {"partition_spec_id": 1}], ids=["deletes", "partitions"]
)
def test_manifests_that_another_engine_wrote_otherwise_stay_as_they_are(other: dict[str, Any]) -> None:
    small = [manifest(1)] * MERGED_AT_ONCE
    assert manifests_to_merge([*small, manifest(1, **other)], spec_id=0) == small


def test_of_a_thousand_commits_few_manifests_are_left_and_a_file_was_listed_three_times() -> None:
    manifests: list[ManifestFile] = []
    listed = most = 0
    for number in range(1000):
        manifests = [manifest(1, path=f"{number}"), *manifests]
        listed += 1
        merged = manifests_to_merge(manifests, spec_id=0)
        if merged:
            files = sum((each.added_files_count or 0) + (each.existing_files_count or 0) for each in merged)
            listed += files
            paths = {each.manifest_path for each in merged}
            rest = [each for each in manifests if each.manifest_path not in paths]
            manifests = [manifest(files, path=f"merged-{number}"), *rest]
        most = max(most, len(manifests))
    assert most < 3 * MERGED_AT_ONCE
    assert listed <= 3 * 1000
