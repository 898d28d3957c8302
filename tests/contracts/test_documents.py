"""What every implementation of Documents must hold."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tidemill.errors import Conflict
from tidemill.ports import Documents


def test_a_missing_document_is_none(documents: Documents) -> None:
    assert documents.get("P", "s") is None


def test_a_document_comes_back_as_it_was_with_revision_1(documents: Documents) -> None:
    document: dict[str, Any] = {
        "text": "ü",
        "empty": "",
        "none": None,
        "integer": 9007199254740993,
        "float": 0.1,
        "whole": 2.0,
        "tiny": 5e-324,
        "list": [1, [2.5, True], {}],
        "nested": {"a": {"b": []}},
    }
    assert documents.put("P", "s", document) == 1
    stored = documents.get("P", "s")
    assert stored == (document, 1)
    assert isinstance(stored[0]["whole"], float)


def test_many_are_read_at_once_and_those_that_are_not_there_are_left_out(documents: Documents) -> None:
    for number in range(130):
        documents.put("P", f"{number}", {"n": number})
    documents.put("OTHER", "130", {})
    wanted = [f"{number}" for number in range(150)]
    found = documents.get_many("P", [*wanted, "7"])
    assert found == {f"{number}": {"n": number} for number in range(130)}
    assert documents.get_many("P", []) == {}


def test_each_write_adds_one_to_the_revision(documents: Documents) -> None:
    assert [documents.put("P", "s", {"n": n}) for n in range(3)] == [1, 2, 3]
    assert documents.put("P", "s", {"n": 3}, revision=3) == 4
    assert documents.get("P", "s") == ({"n": 3}, 4)


def test_a_second_creation_is_a_conflict_and_changes_nothing(documents: Documents) -> None:
    assert documents.put("P", "s", {"writer": 1}, revision=0) == 1
    with pytest.raises(Conflict, match="P / s"):
        documents.put("P", "s", {"writer": 2}, revision=0)
    assert documents.get("P", "s") == ({"writer": 1}, 1)


def test_a_write_on_a_stale_revision_is_a_conflict_and_changes_nothing(documents: Documents) -> None:
    documents.put("P", "s", {"n": 1})
    documents.put("P", "s", {"n": 2})
    with pytest.raises(Conflict):
        documents.put("P", "s", {"n": 3}, revision=1)
    assert documents.get("P", "s") == ({"n": 2}, 2)


def test_an_update_of_a_document_that_is_not_there_is_a_conflict(documents: Documents) -> None:
    with pytest.raises(Conflict):
        documents.put("P", "s", {}, revision=1)
    assert documents.get("P", "s") is None


def test_of_racing_writers_on_one_revision_exactly_one_wins(documents: Documents) -> None:
    documents.put("P", "s", {})

    def write(writer: int) -> bool:
        try:
            documents.put("P", "s", {"writer": writer}, revision=1)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(8))) == 1


def test_a_query_is_in_sort_order_of_one_partition_and_prefix(documents: Documents) -> None:
    for sort in ("VERSION#00000010", "VERSION#00000002", "ALIAS#champion", "VERSION#00000001"):
        documents.put("MODEL#m", sort, {"sort": sort})
    documents.put("MODEL#other", "VERSION#00000003", {})
    found = documents.query("MODEL#m", "VERSION#")
    assert [sort for sort, _ in found] == ["VERSION#00000001", "VERSION#00000002", "VERSION#00000010"]
    assert found[0][1] == {"sort": "VERSION#00000001"}
    assert documents.query("MODEL#m", limit=1) == [("ALIAS#champion", {"sort": "ALIAS#champion"})]


def test_a_query_can_answer_the_newest_few(documents: Documents) -> None:
    for number in range(5):
        documents.put("P", f"{number}", {})
    assert [sort for sort, _ in documents.query("P", descending=True, limit=2)] == ["4", "3"]
    assert [sort for sort, _ in documents.query("P", limit=2)] == ["0", "1"]
    assert documents.query("P", limit=0) == []


def test_a_query_of_nothing_is_an_empty_page(documents: Documents) -> None:
    assert documents.query("nobody") == []
    documents.put("P", "a", {})
    assert documents.query("P", "b") == []


def test_a_query_goes_on_past_a_page_of_one_megabyte(documents: Documents) -> None:
    for number in range(12):
        documents.put("P", f"{number:02d}", {"text": "x" * 150_000})
    assert [sort for sort, _ in documents.query("P")] == [f"{number:02d}" for number in range(12)]
    assert [sort for sort, _ in documents.query("P", descending=True, limit=9)][-1] == "03"


def test_a_deleted_document_is_gone_and_deleting_again_is_no_error(documents: Documents) -> None:
    documents.put("P", "s", {})
    documents.delete("P", "s")
    documents.delete("P", "s")
    assert documents.get("P", "s") is None
    assert documents.put("P", "s", {}, revision=0) == 1


def test_a_document_may_be_given_an_end_and_go_on_without_one(documents: Documents) -> None:
    assert documents.put("P", "s", {"n": 1}, expires_at=4_102_444_800) == 1
    assert documents.get("P", "s") == ({"n": 1}, 1)
    assert documents.put("P", "s", {"n": 2}, revision=1) == 2
    assert documents.put("P", "s", {"n": 3}, revision=2, expires_at=4_102_444_800) == 3
    with pytest.raises(Conflict):
        documents.put("P", "s", {"n": 4}, revision=2, expires_at=4_102_444_800)
    assert documents.query("P") == [("s", {"n": 3})]


def test_a_document_does_not_change_with_what_it_was_made_of(documents: Documents) -> None:
    document = {"list": [1]}
    documents.put("P", "s", document)
    document["list"].append(2)
    assert documents.get("P", "s") == ({"list": [1]}, 1)


def test_what_json_can_not_hold_is_refused(documents: Documents) -> None:
    with pytest.raises(ValueError, match="JSON"):
        documents.put("P", "s", {"x": float("nan")})
    assert documents.get("P", "s") is None
