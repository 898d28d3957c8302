"""How files are written and what they are held to, declared; and mistakes in it, named at once."""

from collections.abc import Callable
from typing import Any

import pytest

from tidemill import (
    Csv,
    Float,
    Int,
    Project,
    Source,
    String,
    Timestamp,
    check,
    col,
    drift,
    freshness,
    null_rate,
    references,
    row_count,
    unique,
)
from tidemill.errors import DeclarationError

planes = Source("planes", {"tailnum": String, "listed_at": Timestamp}, ["tailnum"], "listed_at")


def a_source(*checks: Any, **changes: Any) -> Source:
    schema = {"id": String, "delay": Float, "seats": Int, "at": Timestamp}
    return Source("flights", schema, key=["id"], timestamp="at", checks=checks, **changes)


MISTAKES: list[tuple[Callable[[], object], str]] = [
    (lambda: a_source(check(col("delya") > 0)), "did you mean `delay`?"),
    (lambda: a_source(check(col("delay") + 1)), "a check is true or false"),
    (lambda: a_source(check(col("delay") > 0, severity="ignore")), "severity is 'ignore'"),  # type: ignore[arg-type]
    (lambda: a_source(check(col("delay") > 0, tolerance=2)), "tolerance is 2"),
    (lambda: a_source(unique()), "unique() names no column"),
    (lambda: a_source(unique("id", across="time")), "across is 'time'"),  # type: ignore[arg-type]
    (lambda: a_source(references("id", "delay", source=planes)), "has 2 columns, and the key"),
    (lambda: a_source(references("seats", source=planes)), "`seats` of references() is int, and `tailnum`"),
    (lambda: a_source(row_count(10, 5)), "lets no number of rows pass"),
    (lambda: a_source(row_count(1, severity="quarantine")), "severity is 'quarantine'; it is one of refuse"),
    (lambda: a_source(null_rate("delya", 0.1)), "did you mean `delay`?"),
    (lambda: a_source(null_rate("delay", 10)), "null_rate(`delay`) is 10"),
    (lambda: a_source(freshness("soon")), "'soon' is not a length of time"),
    (lambda: a_source(drift("at")), "a timestamp always moves"),
    (lambda: a_source(drift("delay", commits=0)), "both are above 0"),
    (lambda: a_source(csv=Csv(header=["id", "delay", "seats"])), "the CSV header has no column `at`"),
    (lambda: a_source(csv=Csv(header=["id", "dely", "seats", "at"])), "did you mean `delay`?"),
    (lambda: a_source(csv=Csv(header=["id", "id", "seats", "at"])), "two columns of the CSV header"),
    (lambda: Csv(delimiter=";;"), "delimiter is ';;'"),
    (lambda: Csv(quote=","), "delimiter and quote are both ','"),
    (lambda: Csv(encoding="latin-eins"), "encoding 'latin-eins' is none Python knows"),
    (
        lambda: Project("air", [a_source(references("id", source=planes))], []),
        "source `planes` is used but not among its sources",
    ),
]


@pytest.mark.parametrize(("declare", "words"), MISTAKES)
def test_a_mistake_is_named_when_it_is_declared(declare: Callable[[], object], words: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        declare()
    assert words in str(raised.value)


def test_an_expression_by_itself_is_a_check_that_quarantines() -> None:
    [one] = a_source(col("delay") > 0).row_checks
    assert (one.severity, one.tolerated) == ("quarantine", 1.0)
