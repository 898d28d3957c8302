"""Views of models in service are kept up as they were defined, whatever their source is declared as since."""

from collections.abc import Mapping
from datetime import timedelta

import pyarrow as pa
import pytest

from tests.datasets.refilling import InService, rows_of
from tests.datasets.streams import BEGINNING, Cloud, OfOneView
from tests.datasets.test_backfill import backfills, bring, filled_cloud, run
from tests.features.histories import ENTITY, SCHEMA, to_columns
from tests.features.questions import ask, bits_of
from tidemill import FeatureView, Float, Source, col, distinct, last, mean
from tidemill import max as largest
from tidemill.datasets.arrow import arrow_schema, from_columns
from tidemill.datasets.stored_rows import StoredRows
from tidemill.errors import NotFound
from tidemill.expressions import Column, Schema
from tidemill.features.definitions import ViewDefinition, define
from tidemill.features.differences import differences
from tidemill.features.generations import ServedItems
from tidemill.features.offline import join_features
from tidemill.features.online import read_views

BOTH_WAYS = pytest.mark.parametrize("is_filled", [False, True], ids=["by commits", "by a backfill"])
ASKED = ask([BEGINNING + timedelta(seconds=second) for second in (200, 30)])
WIDENED = {**SCHEMA, "n": Float}
FEATURES = ("newest", "mean", "doubled", "different")


def named(name: str, schema: Schema = SCHEMA) -> Schema:
    """Return a schema in which the column of numbers is named so."""
    return {name if column == "n" else column: type_ for column, type_ in schema.items()}


def source_of(schema: Schema, **was: str) -> Source:
    """Declare the source."""
    return Source("events", schema, ["shop"], "at", was=was)


def view_of(source: Source, name: str = "n") -> FeatureView:
    """Declare a view with figures of every sort of one column."""
    return FeatureView(
        "readings",
        ENTITY,
        source,
        {
            "newest": last(name, over="1h"),
            "mean": mean(name, over="1h"),
            "doubled": largest(col(name) * 2, over="1h"),
            "different": distinct(name, over="1h"),
        },
    )


def evolve(cloud: Cloud, source: Source) -> None:
    """Let the table become as declared."""
    cloud.tables.ensure("events", arrow_schema(source.schema), was=source.was)


def commit(cloud: Cloud, name: str, numbers: pa.Array) -> None:
    """Commit a row of each of four entities, a minute after the first, with numbers of today's type."""
    rows = from_columns(to_columns(rows_of(60)))
    rows = rows.set_column(rows.column_names.index("n"), name, numbers)
    [first] = cloud.tables.commits("events")
    cloud.tables.append("events", iter(rows.to_batches()), first.properties, ids=["second"])


def bring_both(later: FeatureView, cloud: Cloud, old: ViewDefinition, *, is_filled: bool) -> None:
    """Bring the declared version and an old one up to the second commit."""
    if is_filled:
        served = InService([old])
        run(backfills(OfOneView.of(later), cloud, served), {"view": old.name, "version": old.version})
        bring(OfOneView.of(later), cloud, 2)
    else:
        bring(OfOneView.of(later), cloud, 2, served=[old])


def online(view: ViewDefinition, cloud: Cloud) -> dict[str, list[object]]:
    """Return what a prediction is given, bit by bit."""
    columns, _ = read_views([view], ASKED, ASKED["at"], ServedItems(cloud.store))
    return _bits(columns)


def offline(view: ViewDefinition, cloud: Cloud) -> dict[str, list[object]]:
    """Return what a training set of the newest version of the source holds, bit by bit."""
    snapshots = {"events": cloud.tables.commits("events")[-1].snapshot_id}
    rows = StoredRows(cloud.tables, snapshots, {"events": view.schema})
    return _bits(join_features(ASKED, [view], rows, "at"))


def figures(found: Mapping[str, list[object]], question: int) -> list[object]:
    """Return the answers to a question."""
    return [found[name][question] for name in FEATURES]


def _bits(columns: Mapping[str, Column]) -> dict[str, list[object]]:
    return {name: bits_of(column.to_list()) for name, column in columns.items()}


@BOTH_WAYS
def test_an_old_version_reads_a_widened_column_as_integers(*, is_filled: bool) -> None:
    """What is no integer for certain is null to it; the new version, another one, reads it as it is."""
    before, after = view_of(source_of(SCHEMA)), view_of(source_of(WIDENED))
    old, new = define(before), define(after)
    cloud = filled_cloud(OfOneView.of(before), 1)
    evolve(cloud, after.source)
    commit(cloud, "n", pa.array([2.0**60, 7.0, 2.5, None]))
    bring_both(after, cloud, old, is_filled=is_filled)
    of_old, of_new = online(old, cloud), online(new, cloud)
    assert of_old == offline(old, cloud)
    assert of_new == offline(new, cloud)
    assert figures(of_old, 0) == bits_of([7, 4.0, 14.0, 2])
    assert figures(of_old, 1) == bits_of([2, 2.0, 4.0, 1])
    assert figures(of_new, 1) == bits_of([2.5, 2.25, 5.0, 2])


@BOTH_WAYS
@pytest.mark.parametrize("is_widened", [False, True])
def test_an_old_version_reads_a_column_renamed_twice(*, is_widened: bool, is_filled: bool) -> None:
    """Nobody declares the first name any more; and the new version has its rows too."""
    before = view_of(source_of(SCHEMA))
    cloud = filled_cloud(OfOneView.of(before), 1)
    evolve(cloud, source_of(named("m"), m="n"))
    last_schema = named("k", WIDENED if is_widened else SCHEMA)
    after = view_of(source_of(last_schema, k="m"), "k")
    evolve(cloud, after.source)
    commit(cloud, "k", pa.array([4, 7, 2, None], pa.float64() if is_widened else pa.int64()))
    old, new = define(before), define(after)
    bring_both(after, cloud, old, is_filled=is_filled)
    for view in (old, new):
        assert online(view, cloud) == offline(view, cloud)
    assert figures(online(old, cloud), 0) == bits_of([7, 4.0, 14.0, 2])
    assert figures(online(new, cloud), 0)[1:] == bits_of([4.0, 14.0, 2])


def test_a_view_of_a_column_that_never_was_says_so_and_is_not_begun_again_for_ever() -> None:
    cloud = filled_cloud(OfOneView.of(view_of(source_of(SCHEMA))), 1)
    view = view_of(source_of(named("never_was")), "never_was")
    with pytest.raises(NotFound, match="table `events` has no column `never_was`"):
        bring(OfOneView.of(view), cloud, 1)


def test_a_widened_column_is_a_difference_between_versions_whatever_the_features_types() -> None:
    """As floats, values have other codes online: what was kept of integers can not be gone on with."""
    features = {"different": distinct("n", over="1h")}
    old, new = (
        define(FeatureView("readings", ENTITY, source_of(schema), features)) for schema in (SCHEMA, WIDENED)
    )
    assert [tuple(each) for each in differences(old, new)] == [("type of n", "int", "float")]
    assert old.version != new.version
