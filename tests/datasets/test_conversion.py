"""A value is converted alike whatever stands beside it, though that decides what is tried first."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.datasets.conversion import converted
from tidemill.expressions.columns import Type

SPELLINGS = {
    Type.INT: [
        "3",
        "-4",
        "+5",
        "3.0",
        "4.5",
        "1e3",
        "0x10",
        " 7",
        "8 ",
        "9223372036854775807",
        "9223372036854775808",
    ],
    Type.FLOAT: ["3", "0.5", "-1e-3", "+1.5", "1.", ".5", "inf", "-Infinity", "NAN", " 0.5 ", "1_0", "0,5"],
    Type.BOOL: ["true", "FALSE", "1", "0", " true", "yes", "t"],
    Type.TIMESTAMP: [
        "2013-01-01",
        "2013-01-01 05",
        "2013-01-01 05:15",
        "2013-01-01T05:15:00.5",
        "2013-01-01T05:15:00.1234567",
        "2013-01-01T05:15:00.1234567Z",
        "2013-01-01T05:15:00Z",
        "2013-01-01T05:15+02:00",
        "2013-01-01T05:15-0330",
        "2013-01-01T05Z",
        "2013-01-01T05+02",
        "2013-01-01 05:15 ",
        "2013-01-01Z",
        "10000-01-01",
        "late",
    ],
}
WORDS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", " ", " NA "]


def read(values: list[str], type_: Type) -> list[object] | None:
    """Return the values, or None if one of them can not be converted."""
    found = converted(pa.array(values, pa.binary()), type_)
    return None if found is None else found.to_pylist()


@pytest.mark.parametrize("type_", SPELLINGS)
@given(data=st.data())
def test_a_value_is_converted_alike_whatever_stands_beside_it(type_: Type, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.sampled_from(SPELLINGS[type_] + WORDS), min_size=1, max_size=8))
    alone = [read([value], type_) for value in values]
    together = None if None in alone else [value for found in alone for value in found or ()]
    assert read(values, type_) == together


def test_a_time_without_minutes_may_have_a_zone() -> None:
    assert read(["2013-01-01T05+02"], Type.TIMESTAMP) == [datetime(2013, 1, 1, 3, tzinfo=UTC)]
