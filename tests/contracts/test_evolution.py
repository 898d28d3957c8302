"""What every implementation of Tables must hold when a source's declaration changes."""

import pyarrow as pa
import pytest

from tidemill.datasets.tables import Commit, Tables, TablesInParts
from tidemill.errors import NotFound, UploadRefused

FIRST = pa.schema([("name", pa.string()), ("seats", pa.int64())])
RENAMED = pa.schema([("tail", pa.string()), ("seats", pa.int64())])
WIDENED = pa.schema([("name", pa.string()), ("seats", pa.float64())])


def append(tables: Tables, schema: pa.Schema, *row: object) -> Commit:
    rows = pa.RecordBatch.from_pydict(
        {name: [value] for name, value in zip(schema.names, row, strict=True)}, schema
    )
    return tables.append("planes", iter([rows]), {}, ids=[str(row)]).commit


@pytest.fixture
def planes(tables: Tables) -> Tables:
    """Return the tables, with one of one plane."""
    tables.ensure("planes", FIRST)
    append(tables, FIRST, "a", 2**53 - 1)
    return tables


def test_a_renamed_column_keeps_its_values_under_its_new_name(planes: Tables) -> None:
    [before] = planes.commits("planes")
    planes.ensure("planes", RENAMED, was={"tail": "name"})
    append(planes, RENAMED, "b", 7)
    assert sorted(planes.rows("planes").column("tail").to_pylist()) == ["a", "b"]
    old = planes.rows("planes", snapshot_id=before.snapshot_id, columns=["tail"])
    assert old.to_pylist() == [{"tail": "a"}]
    with pytest.raises(NotFound, match="no column `nome`; known: seats, tail"):
        planes.rows("planes", columns=["nome", "tail"])


@pytest.mark.parametrize("is_widened", [False, True])
def test_a_column_can_be_asked_for_by_every_name_it_had(planes: TablesInParts, *, is_widened: bool) -> None:
    """Those who do may have been made before it was renamed, and renamed again."""
    seats = pa.float64() if is_widened else pa.int64()
    second = pa.schema([("tail", pa.string()), ("seats", seats)])
    third = pa.schema([("registration", pa.string()), ("places", seats)])
    planes.ensure("planes", second, was={"tail": "name"})
    append(planes, second, "b", 7)
    planes.ensure("planes", third, was={"registration": "tail", "places": "seats"})
    last = append(planes, third, "c", 8)
    columns = ["name", "registration", "seats", "tail"]
    wanted = [[name, name, seats, name] for name, seats in (("a", 2**53 - 1), ("b", 7), ("c", 8))]
    rows = planes.rows("planes", columns=columns)
    assert rows.column_names == columns
    assert sorted([*row.values()] for row in rows.to_pylist()) == wanted
    parts = planes.parts("planes", snapshot_id=last.snapshot_id, columns=columns)
    assert sorted([*row.values()] for part in parts.tables for row in part.to_pylist()) == wanted
    assert "name" not in planes.rows("planes").column_names


def test_a_column_renamed_before_stays_as_it_is(planes: Tables) -> None:
    for _ in range(2):
        planes.ensure("planes", RENAMED, was={"tail": "name"})
    assert planes.rows("planes").column_names == ["tail", "seats"]


def test_a_table_made_after_a_renaming_has_the_new_name_only(tables: Tables) -> None:
    tables.ensure("planes", RENAMED, was={"tail": "name"})
    assert tables.rows("planes").column_names == ["tail", "seats"]


def test_a_widened_column_holds_what_it_held_and_takes_fractions(planes: Tables) -> None:
    [before] = planes.commits("planes")
    planes.ensure("planes", WIDENED)
    planes.ensure("planes", WIDENED)
    after = append(planes, WIDENED, "b", 2.5)
    rows = planes.rows("planes").sort_by("name")
    assert rows.schema.field("seats").type == pa.float64()
    assert set(rows.column_names) == {"name", "seats"}
    assert rows.column("seats").to_pylist() == [2**53 - 1, 2.5]
    assert planes.rows("planes", snapshot_id=before.snapshot_id).column("seats").to_pylist() == [2**53 - 1]
    added = planes.rows("planes", snapshot_id=after.snapshot_id, added_only=True, columns=["seats"])
    assert added.to_pydict() == {"seats": [2.5]}


def test_a_column_may_be_renamed_and_widened_in_any_order(planes: Tables) -> None:
    places = pa.schema([("name", pa.string()), ("places", pa.float64())])
    planes.ensure("planes", WIDENED)
    append(planes, WIDENED, "b", 2.5)
    planes.ensure("planes", places, was={"places": "seats"})
    append(planes, places, "c", 3.5)
    assert sorted(planes.rows("planes").column("places").to_pylist()) == [2.5, 3.5, 2**53 - 1]


def test_a_column_may_be_renamed_and_widened_at_once(planes: Tables) -> None:
    places = pa.schema([("name", pa.string()), ("places", pa.float64())])
    for _ in range(2):
        planes.ensure("planes", places, was={"places": "seats"})
    append(planes, places, "b", 2.5)
    assert set(planes.rows("planes").column_names) == {"name", "places"}
    for name in ("places", "seats"):
        assert sorted(planes.rows("planes", columns=[name]).column(name).to_pylist()) == [2.5, 2**53 - 1]


def test_a_column_no_longer_declared_stays_and_is_null_in_new_rows(planes: Tables) -> None:
    narrower = pa.schema([("name", pa.string())])
    planes.ensure("planes", narrower)
    whole = pa.RecordBatch.from_pydict({"name": ["b"], "seats": [None]}, FIRST)
    planes.append("planes", iter([whole]), {}, ids=["b"])
    assert planes.rows("planes").sort_by("name").column("seats").to_pylist() == [2**53 - 1, None]


@pytest.mark.parametrize(
    ("declared", "was", "says"),
    [
        ({"seats": pa.string()}, {}, "`seats` is stored as int64, declared as string"),
        ({"name": pa.float64()}, {}, "`name` is stored as string"),
        ({"name": pa.string(), "seats": pa.int64()}, {"seats": "name"}, "both `seats` and `name`"),
    ],
)
def test_a_change_that_rows_can_not_follow_is_refused_and_changes_nothing(
    planes: Tables, declared: dict[str, pa.DataType], was: dict[str, str], says: str
) -> None:
    with pytest.raises(UploadRefused, match=says):
        planes.ensure("planes", pa.schema(list(declared.items())), was=was)
    assert planes.rows("planes").to_pylist() == [{"name": "a", "seats": 2**53 - 1}]
