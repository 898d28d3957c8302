"""A backfill's work is cut by rows, so that every step of it ends in its time, whatever a commit's size."""

import pyarrow as pa
import pytest

from tests.datasets.refilling import Refilled, served_values, steps_of, view_of
from tests.datasets.streams import BEGINNING, upload
from tests.features.histories import Row
from tidemill.datasets.arrow import from_columns
from tidemill.datasets.backfill_parts import (
    CHUNK_COMMITS,
    PARTS_AT_MOST,
    SIZES,
    Chunk,
    Sizes,
    chunks_of,
    filled_to,
    note_filled,
    rows_of_part,
)
from tidemill.datasets.materialization import WRITES_AT_MOST, is_far_behind
from tidemill.datasets.tables import Commit
from tidemill.expressions import Int, String, column
from tidemill.features.definitions import define
from tidemill.memory.documents import MemoryDocuments


def commits_of(*rows: int) -> list[Commit]:
    """Return commits of so many rows each."""
    return [Commit(n, n, {"tidemill.rows": str(each)}) for n, each in enumerate(rows, start=1)]


def test_what_is_missing_is_too_much_by_its_rows_for_all_views_together() -> None:
    commits = commits_of(1_000_000, WRITES_AT_MOST // 4, WRITES_AT_MOST // 4)
    assert not is_far_behind(commits, 1, views=2)
    assert is_far_behind(commits, 1, views=3)
    assert is_far_behind(commits, 0, views=1)


def test_a_commit_of_any_size_is_cut_into_parts_of_which_there_are_not_too_many() -> None:
    (small,) = chunks_of(commits_of(400_000), 0, SIZES)
    assert small == Chunk(0, 1, 400_000 // SIZES.part_rows)
    for rows in (57_000_000, 285_000_000):
        (chunk,) = chunks_of(commits_of(rows), 0, SIZES)
        assert PARTS_AT_MOST / 2 <= chunk.of <= PARTS_AT_MOST


@pytest.mark.parametrize("commits", [10, 1_000])
@pytest.mark.parametrize("rows", [0, 1, 30_000, 3_000_000])
def test_a_long_history_takes_few_steps_and_loses_no_commit(commits: int, rows: int) -> None:
    chunks = list(chunks_of(commits_of(*[rows] * commits), 0, SIZES))
    assert [chunk.after for chunk in chunks] == [0, *(chunk.until for chunk in chunks[:-1])]
    assert chunks[-1].until == commits
    assert all(chunk.until - chunk.after <= CHUNK_COMMITS for chunk in chunks)
    assert sum(chunk.of for chunk in chunks) <= 2 * PARTS_AT_MOST


def test_each_row_is_of_one_part_and_all_rows_of_an_entity_are_of_the_same() -> None:
    view = define(view_of())
    rows = from_columns(
        {
            "shop": column(String, [f"s{n % 7}" for n in range(700)]),
            "shelf": column(Int, [n % 50 for n in range(700)]),
        }
    )
    assert {name for name, _ in view.keys} == {"shop", "shelf"}
    parts = [rows_of_part(rows, view, part, 4) for part in range(4)]
    entities = [set(zip(*part.to_pydict().values(), strict=True)) for part in parts]
    assert sum(part.num_rows for part in parts) == 700
    assert sum(map(len, entities)) == len(set().union(*entities)) == 350
    assert min(map(len, entities)) > 50, "they are about equally large"


def test_a_key_that_is_widened_meanwhile_stays_of_its_part() -> None:
    view = define(view_of())
    rows = pa.table({"shop": ["a"] * 50, "shelf": list(range(50))})
    widened = rows.set_column(1, "shelf", rows.column("shelf").cast(pa.float64()))
    for part in range(3):
        assert rows_of_part(rows, view, part, 3).column("shelf").to_pylist() == [
            int(shelf) for shelf in rows_of_part(widened, view, part, 3).column("shelf").to_pylist()
        ]


def test_chunks_count_as_filled_when_all_parts_of_each_are_and_none_before_is_missing() -> None:
    documents, items = MemoryDocuments(), define(view_of())
    first, second = Chunk(0, 3, 2), Chunk(3, 5, 1)
    note_filled(documents, items, second, 0)
    note_filled(documents, items, first, 1)
    assert filled_to(documents, items, 0) == 0
    assert filled_to(documents, items, 3) == 5, "as far as commits have brought it"
    note_filled(documents, items, first, 0)
    note_filled(documents, items, first, 0)
    assert filled_to(documents, items, 0) == 5


def test_an_entity_with_more_rows_than_a_step_takes_at_once_ends_in_the_same_bytes() -> None:
    """Its item is written once, when all have come."""
    one = Refilled()
    rows = [Row("a", 0, BEGINNING, BEGINNING, n / 3, f"w{n % 5}", n, good=True) for n in range(50)]
    upload(rows, BEGINNING, one.project, one.blobs, one.cloud)
    steps = one.backfills()
    plan = steps.plan({"view": "readings"})
    assert [step["of"] for step in steps_of(plan)] == [5] * 5
    assert sorted(steps.fill(step)["items"] for step in steps_of(plan)) == [0, 0, 0, 0, 1]
    assert steps.finish(plan)["whole"]
    assert served_values(one.cloud.store) == one.expected()


def test_a_commit_of_many_rows_reaches_the_view_by_a_backfill_that_nobody_asks_for() -> None:
    one = Refilled(sizes=SIZES)
    one.commit(0)
    one.bring()
    large_commit(one, second=60)
    assert one.bring() == {}
    assert one.served.reached == 1
    one.run_executions()
    assert one.served.reached == 2
    assert served_values(one.cloud.store) == one.expected()
    one.commit(120)
    assert one.bring() == {one.view.reference: 4}, "and those after it as ever"


def test_a_large_commit_that_comes_amid_a_backfill_has_a_plan_of_its_own() -> None:
    one = Refilled(sizes=SIZES)
    one.commit(*range(0, 300, 60))
    steps = one.backfills()
    plan = steps.plan({"view": "readings"})
    for step in steps_of(plan):
        steps.fill(step)
    large_commit(one, second=300)
    done = steps.finish(plan)
    assert (done["sequence"], done["whole"]) == (5, False)
    assert served_values(one.cloud.store) == {}, "what is not whole is not served"
    one.fill()
    assert one.served.reached == 6
    assert served_values(one.cloud.store) == one.expected()


def test_a_large_commit_that_comes_as_items_are_switched_has_a_plan_of_its_own() -> None:
    one = Refilled(sizes=SIZES)
    one.commit(0)
    one.bring()
    large_commit(one, second=60)
    steps = one.backfills()
    plan = steps.plan({"view": "readings"})
    for step in steps_of(plan):
        steps.fill(step)
    large_commit(one, second=120)
    done = steps.finish(plan)
    assert (done["sequence"], done["whole"]) == (2, False)
    one.fill()
    assert served_values(one.cloud.store) == one.expected()


def large_commit(one: Refilled, *, second: int) -> None:
    """Commit rows that say of themselves that they are many."""
    one.commit(second)
    said = one.history[-1].properties
    assert isinstance(said, dict)
    said["tidemill.rows"] = str(WRITES_AT_MOST + 1)


def test_sizes_grow_only_where_there_would_be_too_many_parts() -> None:
    assert Sizes(10, 5).of_history(50) == Sizes(10, 5)
    assert Sizes(10, 5).of_history(10_000).part_rows == 10_000 // PARTS_AT_MOST
