"""join_features computes what its documentation says, against an oracle in plain Python."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from random import Random
from weakref import ref

from hypothesis import given, settings

from tests.features.depth import TRIED, examples
from tests.features.histories import (
    ENTITY,
    SCHEMA,
    START,
    Row,
    a_moment,
    histories,
    oracle,
    randoms,
    to_columns,
    turning_points,
    views,
)
from tests.features.questions import bits, bits_of
from tidemill import FeatureView, Int, Source, String, Timestamp, latest
from tidemill.expressions import Column, Columns, column
from tidemill.features.offline import join_features

PLACES = [("a", 1), ("a", 1), ("a", 2), ("b", 1), ("z", 1), (None, 1)]


@settings(deadline=None, max_examples=examples(80))
@given(view=views(), history=histories(), random=randoms())
def test_every_feature_is_what_a_brute_force_count_over_known_rows_gives(
    view: FeatureView, history: Sequence[Row], random: Random
) -> None:
    questions: list[tuple[tuple[str | None, int | None], datetime]]
    questions = [(random.choice(PLACES), a_moment(random, 150)) for _ in range(4)]
    for row in random.sample(history, min(2, len(history))):
        questions += [((row.shop, row.shelf), at) for at in turning_points(row)]
    asked = {
        "shop": column(String, [key[0] for key, _ in questions]),
        "shelf": column(Int, [key[1] for key, _ in questions]),
        "at": column(Timestamp, [at for _, at in questions]),
    }
    found = join_features(asked, [view], {"events": to_columns(history)}, "at")
    expected = [oracle(view, history, key, at) for key, at in questions]
    for name, values in found.items():
        there = [True] * len(questions)
        assert bits(values, there) == bits_of([each[name] for each in expected]), name
    TRIED["answers of the offline join held against the oracle"] += len(questions) * len(found)


class Files(Mapping[str, Columns]):
    """Makes a source's rows when they are asked for, and notes how many are alive then."""

    def __init__(self) -> None:
        self._made: list[ref[Column]] = []
        self.alive: list[int] = []

    def __getitem__(self, name: str) -> Columns:
        rows = to_columns([])
        self._made.append(ref(rows["x"]))
        self.alive.append(sum(each() is not None for each in self._made))
        return rows

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_rows_that_are_read_when_asked_for_are_held_for_two_views_at_most() -> None:
    files, asked = Files(), {"shop": column(String, ["a"]), "shelf": column(Int, [1])}
    views = [
        FeatureView(f"view{n}", ENTITY, Source(f"events{n}", SCHEMA, ["shop"], "at"), latest("x"))
        for n in range(6)
    ]
    join_features({**asked, "at": column(Timestamp, [START])}, views, files, "at")
    assert max(files.alive) <= 2
    assert len(files.alive) == 6
