"""Commits reach the online store in order and count once, whatever is delivered when."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tidemill.datasets.materialization import materialize_commit
from tidemill.datasets.rollback import rollback
from tidemill.errors import NotFound, Outdated
from tidemill.expressions import String, Timestamp, column
from tidemill.features.online import read_views
from tidemill.project import Project

WEEKS = [
    ("1,Oslo,10,1,2013-01-01T10:00:00Z", "2,Rome,20,2,2013-01-01T11:00:00Z"),
    ("3,Oslo,20,3,2013-01-02T10:00:00Z",),
    ("4,Oslo,60,4,2013-01-03T10:00:00Z", "5,Rome,40,5,2013-01-01T09:00:00Z"),
]


@pytest.fixture
def filled(cloud: Any, trips_csv: Callable[..., bytes]) -> Any:
    """Return a cloud with three commits, none of them materialized."""
    for number, rows in enumerate(WEEKS):
        assert cloud.ingest(cloud.put(trips_csv(*rows), f"{number}.csv")).status == "committed"
    return cloud


def version(project: Project) -> str:
    return project.views[0].version


def bring(cloud: Any, project: Project, sequence: int) -> dict[str, int]:
    return materialize_commit(
        "trips",
        sequence,
        project=project,
        tables=cloud.tables,
        documents=cloud.documents,
        store=cloud.store,
    )


def features(cloud: Any, project: Project) -> dict[str, list[Any]]:
    request = {"city": column(String, ["Oslo", "Rome"])}
    times = column(Timestamp, ["2013-01-04T00:00:00Z"] * 2)
    columns, _ = read_views(project.views_of("trips"), request, times, cloud.store)
    return {name: each.to_list() for name, each in columns.items()}


def test_a_commit_brings_along_those_before_it_that_were_not_told_of(filled: Any, bikes: Project) -> None:
    assert bring(filled, bikes, 3) == {f"city_trips@{version(bikes)}": 5}
    assert features(filled, bikes) == {"minutes_7d": [30.0, 30.0], "riders": [4, 2]}


def test_a_commit_delivered_again_or_late_changes_nothing(filled: Any, bikes: Project) -> None:
    bring(filled, bikes, 3)
    before = features(filled, bikes)
    assert bring(filled, bikes, 3) == {f"city_trips@{version(bikes)}": 0}
    assert bring(filled, bikes, 1) == {f"city_trips@{version(bikes)}": 0}
    assert features(filled, bikes) == before


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_deliveries_ends_the_same(filled: Any, bikes: Project, seed: int) -> None:
    deliveries = [1, 2, 3] * 2
    random.Random(seed).shuffle(deliveries)
    for sequence in deliveries:
        bring(filled, bikes, sequence)
    assert features(filled, bikes) == {"minutes_7d": [30.0, 30.0], "riders": [4, 2]}


def test_workers_at_the_same_moment_end_the_same(filled: Any, bikes: Project) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda sequence: bring(filled, bikes, sequence), [3, 2, 3, 1]))
    assert features(filled, bikes) == {"minutes_7d": [30.0, 30.0], "riders": [4, 2]}


def test_after_a_crash_at_any_step_another_delivery_ends_the_same(
    new_cloud: Callable[[], Any], trips_csv: Callable[..., bytes], bikes: Project, crash: type[Exception]
) -> None:
    crashes = 0
    for steps in range(1, 100):
        cloud = new_cloud()
        for number, rows in enumerate(WEEKS):
            cloud.ingest(cloud.put(trips_csv(*rows), f"{number}.csv"))
        try:
            bring(cloud.crashing(steps), bikes, 3)
        except crash:
            crashes += 1
        else:
            break
        bring(cloud, bikes, 3)
        assert features(cloud, bikes) == {"minutes_7d": [30.0, 30.0], "riders": [4, 2]}
    assert crashes == 18, "a watermark begun, five items and three watermarks, each before and after"


def test_a_source_or_table_that_is_not_there_is_not_found(cloud: Any, bikes: Project) -> None:
    with pytest.raises(NotFound, match="trips"):
        bring(cloud, bikes, 1)
    with pytest.raises(NotFound, match="trains"):
        materialize_commit(
            "trains", 1, project=bikes, tables=cloud.tables, documents=cloud.documents, store=cloud.store
        )


def test_a_watermark_that_says_no_more_than_how_far_a_view_has_come_is_gone_on_from(
    filled: Any, bikes: Project
) -> None:
    """Such are those of earlier releases."""
    bring(filled, bikes, 2)
    filled.documents.put("WATERMARK#trips", f"city_trips@{version(bikes)}", {"sequence": 2})
    assert bring(filled, bikes, 3) == {f"city_trips@{version(bikes)}": 2}
    assert features(filled, bikes) == {"minutes_7d": [30.0, 30.0], "riders": [4, 2]}


def test_items_of_a_history_that_is_gone_are_an_error_where_nobody_can_fill_them_anew(
    filled: Any, bikes: Project
) -> None:
    bring(filled, bikes, 3)
    rollback(filled.tables, filled.tables, filled.documents, "trips", filled.tables.commits("trips")[0])
    with pytest.raises(Outdated, match="tidemill features backfill city_trips"):
        bring(filled, bikes, 1)
