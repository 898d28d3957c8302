"""Versions count up without gaps; a run has one version however often it is registered."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tidemill.errors import Conflict, NotFound
from tidemill.memory.documents import MemoryDocuments
from tidemill.ports import Documents
from tidemill.registry.versions import ModelVersion, get_version, list_models, list_versions, register_version


def _register(documents: Documents, run_id: str, model: str = "late") -> ModelVersion:
    return register_version(
        documents, model, run_id=run_id, package=f"digest-{run_id}", at="2013-03-04T00:00:00Z", passed=True,
        gates=[{"gate": "parity", "passed": True}], metrics={"roc_auc": 0.7}, lineage={"seed": 0},
    )  # fmt: skip


def test_numbers_follow_each_other_for_each_model() -> None:
    documents = MemoryDocuments()
    assert [_register(documents, run).version for run in ("a", "b")] == [1, 2]
    assert _register(documents, "c", "churn").version == 1
    assert [version.run_id for version in list_versions(documents, "late")] == ["b", "a"]
    assert list_models(documents) == ["churn", "late"]


def test_registering_a_run_again_returns_the_version_it_has() -> None:
    documents = MemoryDocuments()
    first = _register(documents, "a")
    _register(documents, "b")
    assert _register(documents, "a") == first == get_version(documents, "late", 1)
    assert len(list_versions(documents, "late")) == 2


def test_racing_registrations_share_no_number_and_leave_no_gap() -> None:
    documents = MemoryDocuments()
    runs = [f"r{number % 6}" for number in range(18)]  # each of six runs delivered three times
    with ThreadPoolExecutor(6) as pool:
        versions = list(pool.map(lambda run: _register(documents, run), runs))
    assert {version.version for version in versions} == set(range(1, 7))
    assert len({(version.run_id, version.version) for version in versions}) == 6


def test_the_loser_of_a_race_takes_the_next_number() -> None:
    class Overtaken(MemoryDocuments):
        """Another run registers between this one's look and its write."""

        done = False

        def put(
            self,
            partition: str,
            sort: str,
            document: Mapping[str, Any],
            *,
            revision: int | None = None,
            expires_at: int | None = None,
        ) -> int:
            if sort.startswith("VERSION#") and not self.done:
                self.done = True
                _register(self, "other")
            return super().put(partition, sort, document, revision=revision, expires_at=expires_at)

    assert _register(Overtaken(), "mine").version == 2


def test_a_race_that_never_ends_is_a_conflict_rather_than_a_hang() -> None:
    class Contended(MemoryDocuments):
        def put(
            self,
            partition: str,
            sort: str,
            document: Mapping[str, Any],
            *,
            revision: int | None = None,
            expires_at: int | None = None,
        ) -> int:
            if sort.startswith("VERSION#"):
                raise Conflict(sort)
            return super().put(partition, sort, document, revision=revision, expires_at=expires_at)

    with pytest.raises(Conflict, match="try again"):
        _register(Contended(), "mine")


def test_a_version_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="`late` has no version 9"):
        get_version(MemoryDocuments(), "late", 9)
