"""Entities are told apart by words, whatever the dictionaries they come by."""

import numpy as np

from tidemill import Entity, FeatureView, Source, String, Timestamp, count
from tidemill.expressions import Column, DictionaryColumn, column
from tidemill.features.definitions import define, read_events
from tidemill.features.entities import encode_entities

VIEW = define(
    FeatureView(
        "flights",
        Entity("airport", ["airport"]),
        Source("flights", {"airport": String, "at": Timestamp}, ["airport", "at"], "at"),
        {"n": count(over="1h")},
    )
)


def encoded(rows: Column, asked: Column) -> tuple[list[int], list[int]]:
    """Return the numbers of the airports of some rows, and of those asked about."""
    times = column(Timestamp, ["2013-01-01T05:15:00Z"] * len(rows))
    events = read_events(VIEW, {"airport": rows, "at": times})
    row_codes, asked_codes = encode_entities(VIEW, events, {"airport": asked})
    return row_codes.tolist(), asked_codes.tolist()


def by_dictionary(words: list[str], codes: list[int], valid: list[bool]) -> Column:
    """Make strings of words and where each row's stands among them."""
    return DictionaryColumn(
        np.array(words, dtype=object), np.array(codes, np.int32), np.array(valid, np.bool_)
    )


def test_a_word_that_stands_twice_in_a_dictionary_is_one_entity() -> None:
    rows = by_dictionary(["JFK", "EWR", "JFK"], [0, 1, 2], [True] * 3)
    asked = by_dictionary(["JFK", "LGA", "JFK"], [2, 1, 0], [True] * 3)
    (first, other, second), found = encoded(rows, asked)
    assert first == second != other
    assert found == [first, -1, first]


def test_a_null_is_no_entity_whatever_word_its_code_names() -> None:
    rows = by_dictionary(["JFK", "EWR"], [0, 1, 0], [True, True, False])
    asked = by_dictionary(["EWR", "JFK"], [0, 0, 1], [True, False, True])
    row_codes, found = encoded(rows, asked)
    assert len(row_codes) == 2
    assert found == [row_codes[1], -1, row_codes[0]]


def test_words_are_found_where_only_one_side_comes_by_a_dictionary() -> None:
    told = by_dictionary(["EWR", "JFK"], [1, 0, 1], [True, True, True])
    plain = column(String, ["JFK", None, "EWR", "LGA"])
    row_codes, found = encoded(told, plain)
    assert found == [row_codes[0], -1, row_codes[1], -1]
    row_codes, found = encoded(plain, told)
    assert found == [row_codes[0], row_codes[1], row_codes[0]]


def test_no_rows_have_no_entities() -> None:
    nothing = by_dictionary([], [], [])
    assert encoded(nothing, by_dictionary(["JFK"], [0], [True])) == ([], [-1])
    assert encoded(column(String, ["JFK"]), nothing)[1] == []
