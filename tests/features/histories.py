"""Random histories of one source, views of every kind of feature, and an oracle in plain Python."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tidemill import Bool, Delay, Entity, FeatureView, Float, Int, Source, String, Timestamp, Weekly, col
from tidemill.expressions import Columns, column
from tidemill.features.aggregates import KINDS, VALUE_KINDS
from tidemill.project.views import Aggregate, Feature, latest

START = datetime(
    2013, 1, 6, 23, 59, 0, tzinfo=UTC
)  # a minute before a Monday, so weeks turn inside a history
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ENTITY = Entity("thing", ["shop", "shelf"])
SCHEMA = {
    "shop": String,
    "shelf": Int,
    "at": Timestamp,
    "arrived": Timestamp,
    "x": Float,
    "word": String,
    "n": Int,
    "good": Bool,
}
WINDOWS = ((7, 2), (10, 1), (30, 7), (60, 5), (120, 60))
"""Windows and hops in seconds."""
SHORT = (20, 5)
"""A shorter window of the same hop as another."""


@dataclass(frozen=True)
class Row:
    """One row of the history."""

    shop: str | None
    shelf: int | None
    at: datetime | None
    arrived: datetime | None
    x: float | None
    word: str | None
    n: int | None
    good: bool | None


def a_moment(random: Random, seconds: int) -> datetime:
    """Make a time on a coarse grid, so that ties and boundaries are hit, some a microsecond off."""
    off = random.choice([0, 0, 0, 1, -1])
    return START + timedelta(milliseconds=500 * random.randint(0, 2 * seconds), microseconds=off)


def a_number(random: Random) -> float | None:
    """Make a float: one that cancels, is tiny, huge, infinite or out of the exact range; or null."""
    common = [0.0, -0.0, 0.1, -0.1, 1.0, 1e16, -1e16, 3.3, 1e-30, 5e-324, 2.0**63, float("inf"), -1e300]
    any_bits: float = np.array(random.getrandbits(64), dtype=np.uint64).view(np.float64).item()
    return random.choice(
        [
            None,
            random.choice(common),
            random.uniform(-1e6, 1e6),
            random.uniform(-1e6, 1e6),
            10 ** random.uniform(-20, -9),
            0.0 if np.isnan(any_bits) else any_bits,
        ]
    )


PLACES = (*[("a", 1)] * 6, ("a", 2), ("b", 1), ("ü", -(10**15)), (None, 1), ("a", None))
"""Where rows are from: most from one place, so that its windows are full."""
DELAYS_SECONDS = (-5, 0, 0, 0, 2, 9, 45, 200, 1000)


def a_row(random: Random) -> Row:
    """Make a row; it may have arrived early, in order, or very late."""
    shop, shelf = random.choice(PLACES)
    at = None if random.random() < 0.03 else a_moment(random, 120)
    delay = timedelta(seconds=random.choice(DELAYS_SECONDS))
    return Row(
        shop=shop,
        shelf=shelf,
        at=at,
        arrived=None if at is None or random.random() < 0.03 else at + delay,
        x=a_number(random),
        word=random.choice(["p", "q", "", None]),
        n=random.choice([None, random.randint(-3, 3), random.randint(-(2**63), 2**63 - 1), 2**53 + 1]),
        good=random.choice([None, False, True]),
    )


def corrected(random: Random, row: Row) -> Row:
    """Make a row of the same thing at the same time, known at the same moment or later."""
    later = timedelta(seconds=random.choice([0, 0, 1, 30, 200]))
    arrived = row.arrived and row.arrived + later
    return replace(row, arrived=arrived, x=a_number(random), word=random.choice(["p", "q", None]))


def a_history(random: Random, n_rows: int) -> list[Row]:
    """Make rows, some of them corrections of earlier ones; fewer rows are the first of them."""
    made: list[Row] = []
    for _ in range(n_rows):
        correct = made and random.random() < 0.15
        made.append(corrected(random, random.choice(made)) if correct else a_row(random))
    return made


def randoms() -> st.SearchStrategy[Random]:
    """Draw what to make examples with.

    Of what hypothesis draws by itself, five examples of six repeat most of the one before; a seed makes
    each another.
    """
    return st.builds(Random, st.integers(0, 2**64 - 1))


def histories(n_least: int = 0, n_most: int = 25) -> st.SearchStrategy[list[Row]]:
    """Draw a history."""
    return st.builds(a_history, randoms(), st.integers(n_least, n_most))


WEEKLY = (Weekly(on="monday"), Weekly(on="sunday", at="23:59"), Weekly(on="monday", at="00:01"))
"""Weeks that turn in the middle of a history, at its first moment and at its last."""


def next_week(rule: Weekly, at: datetime) -> datetime:
    """Return the first turn of a week after a moment, by going from week to week."""
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday").index(rule.on)
    hours, minutes = (int(part) for part in rule.at.split(":"))
    turn = datetime(2012, 12, 24, tzinfo=UTC) + timedelta(days=days, hours=hours, minutes=minutes)
    while turn <= at:
        turn += timedelta(days=7)
    return turn


def turning_points(row: Row) -> list[datetime]:
    """Return the moments at which a row comes into sight or goes out of it, and those just beside."""
    if row.at is None:
        return []
    turns = [row.at, *(row.at + timedelta(seconds=later) for later in (2, 5, 45))]
    turns += [next_week(rule, row.at) for rule in WEEKLY]
    turns += [] if row.arrived is None else [row.arrived]
    for window_seconds, hop_seconds in (*WINDOWS, SHORT):
        tile = (row.at - EPOCH) // timedelta(seconds=hop_seconds)
        turns.append(EPOCH + timedelta(seconds=(tile + 1) * hop_seconds + window_seconds))
    return [turn + timedelta(microseconds=off) for turn in turns for off in (-1, 0, 1)]


def to_columns(history: Sequence[Row]) -> Columns:
    """Write rows as the source's columns."""
    return {name: column(type_, [getattr(row, name) for row in history]) for name, type_ in SCHEMA.items()}


def _half(row: Row) -> float | None:
    return None if row.x is None or np.isinf(row.x) else row.x / 2


COMPUTED: tuple[tuple[str, Aggregate, Callable[[Row], Any]], ...] = (
    ("rate_far", Aggregate("rate", col("x") > 1.0, 30, 7), lambda row: None if row.x is None else row.x > 1),
    ("last_far", Aggregate("last", col("x") > 1.0, 60, 5), lambda row: None if row.x is None else row.x > 1),
    (
        "count_p",
        Aggregate("count", col("word") == "p", 60, 5),
        lambda row: None if row.word is None else row.word == "p",
    ),
    ("count_half", Aggregate("count", col("x") / 2.0, *SHORT), _half),
    ("mean_half", Aggregate("mean", col("x") / 2.0, *SHORT), _half),
    ("var_half", Aggregate("var", col("x") / 2.0, *SHORT), _half),
    ("min_half", Aggregate("min", col("x") / 2.0, *SHORT), _half),
    ("max_half", Aggregate("max", col("x") / 2.0, *SHORT), _half),
    ("first_half", Aggregate("first", col("x") / 2.0, *SHORT), _half),
)
"""Features of what is computed of a row: name, feature, and what it is taken of in plain Python."""

VALUES_OF = {"rate": ("good",)} | dict.fromkeys(VALUE_KINDS, ("x", "n", "good", "word", "arrived"))
"""What features of a kind are taken of, where it is not numbers."""


def every_feature(kinds: Iterable[str] = KINDS) -> dict[str, Feature]:
    """Return a feature of every kind there is, over every window and of several values."""
    features: dict[str, Feature] = {}
    for kind in kinds:
        values = {name: col(name) for name in VALUES_OF.get(kind, ("x", "n", "good"))}
        for seconds, hop in WINDOWS:
            for name, value in values.items():
                at_most = 3 if kind == "distinct" else 0
                features[f"{kind}_{name}_{seconds}"] = Aggregate(kind, value, seconds, hop, at_most)  # type: ignore[arg-type]  # every kind there is
        name, value = next(iter(values.items()))
        at_most = 2 if kind == "distinct" else 0
        features[f"{kind}_{name}_short"] = Aggregate(kind, value, *SHORT, at_most)  # type: ignore[arg-type]  # every kind there is
    features["rows_30"] = Aggregate("count", None, 30, 7)
    features["words_30"] = Aggregate("count", col("word"), 30, 7)
    features |= {name: feature for name, feature, _ in COMPUTED}
    features |= latest("x", "word", "n", "good", "arrived")
    return features


FEATURES = every_feature()


def views() -> st.SearchStrategy[FeatureView]:
    """Draw a view with every feature, over each way a row can get to be known."""
    known = st.sampled_from(["arrived", "arrived", None, *WEEKLY, Delay("2s"), Delay("45s")])
    ttl = st.sampled_from([None, "5s", "1min"])

    def build(known_rule: str | Weekly | Delay | None, age: str | None) -> FeatureView:
        source = Source("events", SCHEMA, ["shop"], "at", known=known_rule)
        return FeatureView("everything", ENTITY, source, FEATURES, ttl=age)

    return st.builds(build, known, ttl)


def known_time(view: FeatureView, row: Row) -> datetime | None:
    """Say when a row is known, by the words of the declaration."""
    rule = view.source.known
    if row.at is None or isinstance(rule, str):
        return row.arrived if row.at is not None else None
    if isinstance(rule, Delay):
        return row.at + timedelta(seconds=rule.seconds)
    return next_week(rule, row.at) if isinstance(rule, Weekly) else row.at


def oracle(view: FeatureView, history: Sequence[Row], key: tuple[Any, Any], at: datetime) -> dict[str, Any]:
    """Compute every feature of one entity at one moment by the words of the documentation."""
    seen: list[tuple[datetime, datetime, Row]] = []
    for row in history:
        known = known_time(view, row)
        if row.at is None or known is None or None in key or (row.shop, row.shelf) != key:
            continue
        if row.at < at and known <= at:
            seen.append((row.at, known, row))
    answer: dict[str, Any] = {}
    for name, feature in view.features.items():
        if isinstance(feature, Aggregate):
            answer[name] = _aggregate(feature, seen, at)
        else:
            answer[name] = _newest(view, seen, at, feature.column)
    return answer


def _newest(
    view: FeatureView, seen: Sequence[tuple[datetime, datetime, Row]], at: datetime, name: str
) -> Any:
    if not seen:
        return None
    when, _, row = max(seen, key=lambda each: (each[0], each[1], *_order(view, each[2])))
    ttl = view.definition()["ttl_seconds"]
    if ttl is not None and at - when > timedelta(seconds=ttl):
        return None
    return _plain(getattr(row, name))


def _plain(value: Any) -> Any:
    """Take what is not finite for null, and -0.0 for 0.0."""
    if not isinstance(value, float):
        return value
    return value + 0.0 if np.isfinite(value) else None


def _order(view: FeatureView, row: Row) -> list[tuple[bool, Any]]:
    columns = [feature.column for feature in view.features.values() if not isinstance(feature, Aggregate)]
    values = [_plain(getattr(row, name)) for name in columns]
    return [(False, 0) if value is None else (True, value) for value in values]


Aged = list[tuple[datetime, datetime, Any]]
"""When values happened, when they were known, and the values, none of them null."""


def _aggregate(feature: Aggregate, seen: Sequence[tuple[datetime, datetime, Row]], at: datetime) -> Any:
    microsecond = timedelta(microseconds=1)
    hop = feature.hop_seconds * 1_000_000
    tail = ((at - EPOCH) // microsecond - feature.window_seconds * 1_000_000) // hop * hop
    inside = [each for each in seen if (each[0] - EPOCH) // microsecond >= tail]
    if feature.value is None:
        return len(inside)
    value_of = _values_of(feature)
    aged = [(when, known, value_of(row)) for when, known, row in inside]
    return ORACLE[feature.kind](feature, [each for each in aged if each[2] is not None])


def _values_of(feature: Aggregate) -> Callable[[Row], Any]:
    for _, computed, value_of in COMPUTED:
        if feature is computed:
            return value_of
    assert feature.value is not None
    (name,) = feature.value.columns()
    return lambda row: getattr(row, name)


def _numbers(aged: Aged) -> list[float]:
    return [float(value) + 0.0 for _, _, value in aged if abs(float(value)) < 2.0**63]


def _finite(aged: Aged) -> Aged:
    plain = [(when, known, _plain(value)) for when, known, value in aged]
    return [each for each in plain if each[2] is not None]


def _sum(aged: Aged) -> float | None:
    values = _numbers(aged)
    return float(sum(map(_rounded, map(Fraction, values)), Fraction(0))) if values else None


def _mean(aged: Aged) -> float | None:
    total = _sum(aged)
    return None if total is None else total / len(_numbers(aged))


def _variance(aged: Aged) -> float | None:
    values = [Fraction(value) for value in _numbers(aged)]
    n = len(values)
    if n < 2:
        return None
    squares = sum((_rounded(value**2) for value in values), Fraction(0))
    deviations = float(max(n * squares - sum(map(_rounded, values), Fraction(0)) ** 2, Fraction(0)))
    return deviations / (float(n) * (n - 1.0))


def _deviation(aged: Aged) -> float | None:
    variance = _variance(aged)
    return None if variance is None else float(np.sqrt(variance))


ORACLE: Mapping[str, Callable[[Aggregate, Aged], Any]] = {
    "count": lambda _, aged: len(aged),
    "sum": lambda _, aged: _sum(aged),
    "mean": lambda _, aged: _mean(aged),
    "rate": lambda _, aged: _mean(aged),
    "var": lambda _, aged: _variance(aged),
    "std": lambda _, aged: _deviation(aged),
    "min": lambda _, aged: min(_numbers(aged), default=None),
    "max": lambda _, aged: max(_numbers(aged), default=None),
    "first": lambda _, aged: min(_finite(aged))[2] if _finite(aged) else None,
    "last": lambda _, aged: max(_finite(aged))[2] if _finite(aged) else None,
    "distinct": lambda feature, aged: min(len({value for *_, value in _finite(aged)}), feature.at_most),
}
"""What each kind of figure is, in plain Python. There is no other way for a kind to get past the suites."""


def _rounded(value: Fraction) -> Fraction:
    """Round to the resolution of the exact sums."""
    unit = Fraction(1, 2**128)
    return round(value / unit) * unit
