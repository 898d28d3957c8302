"""Features by HTTP: one entity by GET, and many in Feast's shape, with the reason where there is no value."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.serving.feature_consumers import api, call

AT = "2013-01-02T12:00:00Z"


def ask(method: str, path: str, *, query: dict[str, str] | None = None, body: Any = None) -> tuple[int, Any]:
    return call(api(), method, path, query=query, body=body, at=datetime.fromisoformat(AT))


def feast(features: list[str], entities: dict[str, list[Any]], **more: Any) -> tuple[int, Any]:
    return ask("POST", "/get-online-features", body={"features": features, "entities": entities, **more})


def test_an_entity_is_answered_with_its_features_as_of_now_and_how_fresh_they_are() -> None:
    status, answer = ask("GET", "/features/places", query={"key": "Oslo"})
    assert status == 200
    assert answer["features"] == {"mean_1d": 2.0, "rows": 2, "size": 3.0, "seen_at": "2013-01-02T10:00:00Z"}
    assert (answer["key"], answer["freshness"]) == ({"place": "Oslo"}, "2013-01-02T10:00:00Z")
    assert answer["at"] == AT


def test_a_key_of_several_columns_is_given_by_their_names() -> None:
    status, answer = ask("GET", "/features/shelves", query={"place": "Oslo", "shelf": "2"})
    assert (status, answer["features"]) == (200, {"shelf_rows": 1})


def test_an_entity_never_seen_has_nulls_and_counts_of_zero() -> None:
    status, answer = ask("GET", "/features/places", query={"place": "Rome"})
    assert status == 200
    assert answer["features"] == {"mean_1d": None, "rows": 0, "size": None, "seen_at": None}
    assert answer["freshness"] is None


@pytest.mark.parametrize(
    ("path", "query", "status", "words"),
    [
        ("/features/place", {"key": "Oslo"}, 404, "unknown view `place`; did you mean `places`?"),
        ("/features/places", {}, 400, "gives no `place`; ask /features/places?place=..."),
        ("/features/places", {"plaec": "Oslo"}, 400, "no key `plaec`; did you mean `place`?"),
        ("/features/shelves", {"place": "Oslo", "shelf": "two"}, 400, '`shelf` is "two", which is no int'),
        ("/features/shelves", {"key": "Oslo"}, 400, "no key `key`"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(
    path: str, query: dict[str, str], status: int, words: str
) -> None:
    found, answer = ask("GET", path, query=query)
    assert found == status
    assert words in answer["detail"]


def test_feasts_shape_has_a_vector_for_each_feature_and_a_reason_where_there_is_no_value() -> None:
    wanted = ["places:mean_1d", "places:size", "places:rows"]
    status, answer = feast(wanted, {"place": ["Oslo", "Bergen", "Rome"]})
    assert status == 200
    assert answer["metadata"]["feature_names"] == ["place", "mean_1d", "size", "rows"]
    place, mean, size, rows = answer["results"]
    assert place["values"] == ["Oslo", "Bergen", "Rome"]
    assert mean["values"] == [2.0, None, None]
    assert mean["statuses"] == ["PRESENT", "NULL_VALUE", "NOT_FOUND"]
    assert size["values"] == [3.0, None, None]
    assert size["statuses"] == ["PRESENT", "OUTSIDE_MAX_AGE", "NOT_FOUND"]
    assert rows["values"] == [2, 0, None]
    assert rows["statuses"] == ["PRESENT", "PRESENT", "NOT_FOUND"]
    assert mean["event_timestamps"] == [
        "2013-01-02T10:00:00Z",
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
    ]


def test_feasts_full_names_and_keys_of_several_columns() -> None:
    entities: dict[str, list[Any]] = {"place": ["Oslo", "Oslo"], "shelf": [1, 2]}
    status, answer = feast(["shelves:shelf_rows"], entities, full_feature_names=True)
    assert status == 200
    assert answer["metadata"]["feature_names"] == ["place", "shelf", "shelves__shelf_rows"]
    assert answer["results"][2]["values"] == [1, 1]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("{", 400, "is not JSON"),
        ([], 400, "not a JSON object"),
        ({"features": ["places:size"]}, 400, "`entities` is no object"),
        ({"feature_service": "all", "entities": {}}, 400, "`feature_service` is not supported"),
        ({"features": ["size"], "entities": {"place": ["a"]}}, 400, "name each as view:feature"),
        ({"features": ["places:siez"], "entities": {"place": ["a"]}}, 404, "did you mean `size`?"),
        ({"features": ["places:size"], "entities": {"city": ["a"]}}, 400, "a key of none of the views"),
        ({"features": ["places:size"], "entities": {}}, 400, "no list `place`"),
        ({"features": ["places:size"], "entities": {"place": []}}, 400, "give 1 to 1,000"),
        ({"features": ["places:size"], "entities": {"place": [7]}}, 400, "which is no string"),
    ],
)
def test_a_wrong_body_is_told_what_is_wrong(body: Any, status: int, words: str) -> None:
    found, answer = ask("POST", "/get-online-features", body=body)
    assert found == status, answer
    assert words in answer["detail"]


def test_an_entity_that_can_not_be_answered_says_why() -> None:
    at = datetime(2013, 1, 1, 1, tzinfo=UTC)
    status, answer = call(api(), "GET", "/features/places", query={"key": "Oslo"}, at=at)
    assert (status, answer["freshness"]) == (200, None)
    assert set(answer["features"].values()) == {None}
    assert answer["unanswered"].startswith("too little is kept of this entity to answer as of now")
    _, answer = ask("GET", "/features/places", query={"key": "Oslo"})
    assert "unanswered" not in answer


def test_an_entity_asked_about_too_long_ago_is_not_guessed() -> None:
    at = datetime(2013, 1, 1, 1, tzinfo=UTC)
    body = {"features": ["places:rows"], "entities": {"place": ["Oslo"]}}
    _, answer = call(api(), "POST", "/get-online-features", body=body, at=at)
    assert answer["results"][1]["statuses"] == ["INVALID"]
    assert json.dumps(answer["results"][1]["values"]) == "[null]"
