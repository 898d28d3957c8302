"""An alias moves only to a version that passed, only from where it was read, and remembers its way."""

import pytest

from tidemill.errors import Conflict, GateFailed, NotFound
from tidemill.memory.documents import MemoryDocuments
from tidemill.registry.aliases import CHAMPION, get_alias, history, list_aliases, move_alias
from tidemill.registry.versions import register_version

AT = "2013-03-04T00:00:00Z"


@pytest.fixture
def documents() -> MemoryDocuments:
    """Three versions, the third of which failed a gate."""
    made = MemoryDocuments()
    for run, passed in (("a", True), ("b", True), ("c", False)):
        gates = [{"gate": "parity", "passed": True}, {"gate": "improves", "passed": passed}]
        register_version(
            made, "late", run_id=run, package="d", at=AT, passed=passed, gates=gates, metrics={}, lineage={}
        )
    return made


def test_an_alias_moves_and_remembers_where_it_was(documents: MemoryDocuments) -> None:
    assert get_alias(documents, "late", CHAMPION) is None
    first = move_alias(documents, "late", CHAMPION, 1, revision=0, at=AT, by="a")
    second = move_alias(documents, "late", CHAMPION, 2, revision=first.revision, at=AT, by="b")
    assert get_alias(documents, "late", CHAMPION) == second
    assert [move.version for move in history(documents, "late", CHAMPION)] == [2, 1]
    assert list_aliases(documents, "late") == {CHAMPION: 2}


def test_two_racing_promotions_can_not_both_win(documents: MemoryDocuments) -> None:
    move_alias(documents, "late", CHAMPION, 1, revision=0, at=AT, by="a")
    with pytest.raises(Conflict, match=r"now points at version 1.*decide again"):
        move_alias(documents, "late", CHAMPION, 2, revision=0, at=AT, by="b")
    assert list_aliases(documents, "late") == {CHAMPION: 1}


def test_repeating_a_move_that_happened_is_no_conflict_and_no_second_move(documents: MemoryDocuments) -> None:
    first = move_alias(documents, "late", CHAMPION, 1, revision=0, at=AT, by="a")
    assert move_alias(documents, "late", CHAMPION, 1, revision=0, at=AT, by="a") == first
    assert len(history(documents, "late", CHAMPION)) == 1


def test_a_version_that_failed_a_gate_takes_no_alias(documents: MemoryDocuments) -> None:
    with pytest.raises(GateFailed, match="did not pass: improves"):
        move_alias(documents, "late", CHAMPION, 3, revision=0, at=AT, by="c")
    assert history(documents, "late", CHAMPION) == ()


def test_a_rollback_is_the_same_move_backwards(documents: MemoryDocuments) -> None:
    revision = 0
    for version, by in ((1, "a"), (2, "b"), (1, "rollback: complaints")):
        revision = move_alias(documents, "late", CHAMPION, version, revision=revision, at=AT, by=by).revision
    assert [move.version for move in history(documents, "late", CHAMPION)] == [1, 2, 1]


def test_an_alias_can_not_point_at_nothing(documents: MemoryDocuments) -> None:
    with pytest.raises(NotFound, match="no version 9"):
        move_alias(documents, "late", CHAMPION, 9, revision=0, at=AT, by="a")
