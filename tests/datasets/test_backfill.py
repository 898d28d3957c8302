"""A backfill ends as if every commit had come to the view one by one, whatever goes on meanwhile."""

import itertools
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.datasets.refilling import InService, rows_of, served_values, steps_of, view_of
from tests.datasets.streams import (
    BEGINNING,
    Cloud,
    OfOneView,
    Stepping,
    SteppingStore,
    Steps,
    Turn,
    streams,
    upload,
)
from tests.features.histories import ENTITY, SCHEMA, views
from tidemill import FeatureView, Source, count
from tidemill import max as biggest
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.backfill import Backfills, start_backfill
from tidemill.datasets.backfill_parts import Sizes
from tidemill.datasets.materialization import BEHIND_AT_MOST, materialize_commit, served_views
from tidemill.errors import Conflict, NotFound
from tidemill.features.definitions import ViewDefinition, define
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.executions import MemoryExecutions
from tidemill.memory.online import MemoryOnlineStore


def filled_cloud(project: OfOneView, commits: int) -> Cloud:
    cloud, blobs = Cloud(), MemoryBlobs()
    for number in range(commits):
        upload(rows_of(number * 60), BEGINNING, project, blobs, cloud)
    return cloud


def backfills(project: OfOneView, cloud: Cloud, served: InService | None = None) -> Backfills:
    return Backfills(
        project,
        served or InService(),
        cloud.tables,
        cloud.documents,
        cloud.store,
        Sizes(chunk_rows=8, part_rows=5),
    )


def bring(project: OfOneView, cloud: Cloud, sequence: int, **more: Any) -> dict[str, int]:
    return materialize_commit(
        "events",
        sequence,
        project=project,
        tables=cloud.tables,
        documents=cloud.documents,
        store=cloud.store,
        **more,
    )


def run(steps: Backfills, request: dict[str, Any]) -> dict[str, Any]:
    """Run a backfill as the state machine does, each step twice: it may be delivered again."""
    plan = steps.plan(request)
    for work in steps_of(plan):
        steps.fill(work)
        assert steps.fill(work) == {"items": 0}
    assert steps.finish(plan) == steps.finish(plan)
    return plan


def reached(cloud: Cloud, view: ViewDefinition) -> int:
    """Return the sequence of the last commit that what is served of a view has taken."""
    (served,) = served_views([view], cloud.documents, cloud.store)
    return served.reached


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(view=views(), stream=streams())
def test_items_are_the_same_bytes_as_if_commits_had_come_one_by_one(
    view: FeatureView, stream: list[Turn]
) -> None:
    project, blobs, now, cloud = OfOneView.of(view), MemoryBlobs(), BEGINNING, Cloud()
    for turn in stream:
        now += turn.passed
        upload(turn.rows, now, project, blobs, cloud)
    (declared,) = project.views
    one_by_one = replace(cloud, store=MemoryOnlineStore(), documents=Cloud().documents)
    bring(project, one_by_one, 99)
    plan = run(backfills(project, cloud), {"view": declared.name})
    assert served_values(cloud.store) == served_values(one_by_one.store)
    assert reached(cloud, define(declared)) == plan["until"]


def test_history_is_cut_into_chunks_and_entities_into_parts() -> None:
    project = OfOneView.of(view_of())
    plan = backfills(project, filled_cloud(project, 5)).plan({"view": "readings"})
    two = [{"part": 0, "of": 2}, {"part": 1, "of": 2}]
    assert plan["chunks"] == [
        {"after": 0, "until": 2, "parts": two},
        {"after": 2, "until": 4, "parts": two},
        {"after": 4, "until": 5, "parts": [{"part": 0, "of": 1}]},
    ]
    assert (plan["source"], plan["until"], plan["version"]) == ("events", 5, project.views[0].version)


@pytest.mark.parametrize("event", ["crash", "newest", "another"])
def test_whatever_happens_at_whichever_step_of_a_chunk_changes_nothing(
    event: str, crash: type[Exception]
) -> None:
    project = OfOneView.of(view_of())
    expected = filled_cloud(project, 3)
    bring(project, expected, 3)
    for step in itertools.count(1):
        cloud = filled_cloud(project, 3)
        steps = Steps({step: partial(_happen, event, project, cloud, crash)})
        interrupted = Cloud(
            Stepping(cloud.tables, steps), Stepping(cloud.documents, steps), SteppingStore(cloud.store, steps)
        )
        try:
            run(backfills(project, interrupted), {"view": "readings"})
        except crash:
            run(backfills(project, cloud), {"view": "readings"})
        assert served_values(cloud.store) == served_values(expected.store), step
        if steps.taken < step:
            break
    assert step > 20


def _happen(event: str, project: OfOneView, cloud: Cloud, crash: type[Exception]) -> None:
    if event == "crash":
        raise crash
    if event == "newest":
        bring(project, cloud, 3)
    else:
        run(backfills(project, cloud), {"view": "readings"})


def test_commits_made_meanwhile_are_brought_when_the_view_is_switched_over() -> None:
    project = OfOneView.of(view_of())
    cloud = filled_cloud(project, 3)
    steps = backfills(project, cloud)
    plan = steps.plan({"view": "readings"})
    for work in steps_of(plan):
        steps.fill(work)
    upload(rows_of(1000), BEGINNING, project, MemoryBlobs(), cloud)
    done = steps.finish(plan)
    assert (done["sequence"], done["whole"]) == (4, True)
    expected = filled_cloud(project, 3)
    upload(rows_of(1000), BEGINNING, project, MemoryBlobs(), expected)
    bring(project, expected, 4)
    assert served_values(cloud.store) == served_values(expected.store)


def test_a_chunk_before_its_turn_and_an_end_before_the_last_part_are_conflicts() -> None:
    project = OfOneView.of(view_of())
    steps = backfills(project, filled_cloud(project, 5))
    plan = steps.plan({"view": "readings"})
    with pytest.raises(Conflict, match=r"view `readings@.*` has come to commit 0, and this"):
        steps.fill({**plan, "part": 0, "of": 1, "after": 2, "until": 4})
    with pytest.raises(Conflict, match="has come to commit 0 of 5"):
        steps.finish(plan)


def test_a_view_that_nobody_knows_is_not_found() -> None:
    project = OfOneView.of(view_of())
    with pytest.raises(NotFound, match=r"no view `reading` is declared.*did you mean `readings`"):
        backfills(project, filled_cloud(project, 1)).plan({"view": "reading"})


def test_a_view_far_behind_is_left_to_a_backfill_and_the_others_stay_up_to_date() -> None:
    project = OfOneView.of(view_of())
    old = define(view_of("2h"))
    cloud = filled_cloud(project, BEHIND_AT_MOST + 1)
    asked: list[tuple[str, int]] = []

    def backfill(view: ViewDefinition, sequence: int) -> None:
        asked.append((view.reference, sequence))

    last = BEHIND_AT_MOST + 1
    bring(OfOneView.of(view_of("2h")), cloud, last - 1)
    written = bring(project, cloud, last, served=[old], backfill=backfill)
    assert written == {old.reference: 4}
    assert asked == [(define(view_of()).reference, last)]


def test_both_versions_are_kept_up_as_long_as_a_model_in_service_has_the_old_one() -> None:
    project, old = OfOneView.of(view_of()), define(view_of("2h"))
    cloud = filled_cloud(project, 2)
    assert bring(project, cloud, 1, served=[old]) == {old.reference: 4, define(view_of()).reference: 4}
    assert bring(project, cloud, 2) == {define(view_of()).reference: 4}
    assert {key.partition("#")[0] for key in served_values(cloud.store)} == {
        old.reference,
        define(view_of()).reference,
    }


def test_an_old_version_reads_columns_that_are_declared_no_more() -> None:
    project = OfOneView.of(view_of())
    cloud = filled_cloud(project, 1)
    source = Source("events", {name: SCHEMA[name] for name in ("shop", "shelf", "at")}, ["shop"], "at")
    later = OfOneView.of(FeatureView("readings", ENTITY, source, {"rows": count(over="1h")}))
    old = define(project.views[0])
    assert bring(later, cloud, 1, served=[old])[old.reference] == 4
    expected = filled_cloud(project, 1)
    bring(project, expected, 1)
    assert served_values(expected.store).items() <= served_values(cloud.store).items()


@pytest.mark.parametrize("is_filled", [False, True], ids=["by commits", "by a backfill"])
def test_an_old_version_reads_a_column_by_the_name_it_had(*, is_filled: bool) -> None:
    """And nothing of that keeps the new version from its rows."""
    schema = {{"x": "renamed"}.get(name, name): type_ for name, type_ in SCHEMA.items()}
    source = Source("events", schema, ["shop"], "at", was={"renamed": "x"})
    project, later = (
        OfOneView.of(FeatureView("readings", ENTITY, each, {"most": biggest(name, over="1h")}))
        for each, name in ((Source("events", SCHEMA, ["shop"], "at"), "x"), (source, "renamed"))
    )
    old, expected, cloud = define(project.views[0]), filled_cloud(project, 2), filled_cloud(project, 2)
    for sequence in (1, 2):
        bring(project, expected, sequence)
    cloud.tables.ensure("events", arrow_schema(schema), was=source.was)
    if is_filled:
        served = InService()
        served.views = [old]
        run(backfills(later, cloud, served), {"view": "readings", "version": old.version})
        bring(later, cloud, 2)
    else:
        bring(later, cloud, 2, served=[old])
    of_old, of_new = (
        {
            key.partition("#")[2]: value
            for key, value in served_values(cloud.store).items()
            if key.startswith(each)
        }
        for each in (old.reference + "#", define(later.views[0]).reference + "#")
    )
    assert len(of_old) == 4
    assert set(of_old) == set(of_new)
    assert served_values(expected.store).items() <= served_values(cloud.store).items()


def test_a_view_that_is_being_filled_is_not_filled_a_second_time() -> None:
    executions, view = MemoryExecutions(), define(view_of())
    start_backfill(executions, view, 30)
    start_backfill(executions, view, 31)
    (name,) = executions.started
    assert executions.started[name] == {"view": "readings", "version": view.version}
    executions.end(name)
    start_backfill(executions, view, 32)
    assert len(executions.started) == 2
