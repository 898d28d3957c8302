"""Online is what the history says, after rollbacks, expiry and retirement too; and no state is ever half."""

import itertools
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.datasets.refilling import (
    FAR_FUTURE,
    Event,
    InService,
    Refilled,
    served_values,
    steps_of,
    view_of,
)
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
from tests.features.histories import views
from tidemill import FeatureView
from tidemill.datasets.backfill import start_missing
from tidemill.datasets.materialization import BEHIND_AT_MOST
from tidemill.datasets.rollback import rollback
from tidemill.datasets.tables import Commit
from tidemill.datasets.upkeep import FEWEST_COMMITS
from tidemill.errors import Outdated, Unavailable
from tidemill.features.definitions import define
from tidemill.features.generations import ServedItems
from tidemill.memory.blobs import MemoryBlobs


def filled(commits: int) -> Refilled:
    """Return a view that has taken some commits, a minute apart."""
    made = Refilled()
    made.commit(*range(0, commits * 60, 60))
    made.bring()
    made.run_executions()
    return made


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(view=views(), stream=streams(), data=st.data())
def test_after_rollbacks_online_is_what_the_history_that_is_left_says(
    view: FeatureView, stream: list[Turn], data: st.DataObject
) -> None:
    """For any kind of feature, any rows, and rollbacks back and forth between uploads."""
    one = Refilled(project=OfOneView.of(view))
    now, blobs = BEGINNING, MemoryBlobs()
    ever: dict[int, Commit] = {}
    for turn in stream:
        now += turn.passed
        upload(turn.rows, now, one.project, blobs, one.cloud)
        ever |= {commit.sequence: commit for commit in one.history}
        one.bring()
        one.run_executions()
        if data.draw(st.booleans()):
            one.roll_back(ever[data.draw(st.sampled_from(sorted(ever)))])
            one.run_executions()
        assert served_values(one.cloud.store) == one.expected()
        assert one.served.is_true_to(one.history, rollbacks_of(one))


def rollbacks_of(one: Refilled) -> int:
    return max((mark.rollbacks for mark in one.watermarks.values()), default=0)


def watched(one: Refilled, seen: set[tuple[tuple[str, bytes], ...]]) -> Steps:
    """Note what is served at every step."""

    class Watching(Steps):
        def step(self) -> None:
            super().step()
            seen.add(tuple(sorted(served_values(one.cloud.store).items())))

    return Watching()


def through(one: Refilled, steps: Steps) -> Cloud:
    """Return the view's cloud as a process sees it whose every call is a step."""
    cloud = one.cloud
    return Cloud(
        Stepping(cloud.tables, steps), Stepping(cloud.documents, steps), SteppingStore(cloud.store, steps)
    )


def test_while_a_view_is_filled_anew_what_is_served_is_whole_before_and_after() -> None:
    one = filled(6)
    before = served_values(one.cloud.store)
    one.roll_back(one.history[2])
    seen: set[tuple[tuple[str, bytes], ...]] = set()
    one.fill(cloud=through(one, watched(one, seen)))
    after = served_values(one.cloud.store)
    assert after == one.expected()
    assert after != before
    assert seen == {tuple(sorted(before.items())), tuple(sorted(after.items()))}


def test_until_it_is_filled_anew_a_view_takes_no_commits_and_answers_as_before() -> None:
    one = filled(4)
    before = served_values(one.cloud.store)
    one.roll_back(one.history[1])
    one.commit(1000)
    assert one.bring() == {}
    assert served_values(one.cloud.store) == before
    one.run_executions()
    assert served_values(one.cloud.store) == one.expected()
    one.commit(2000)
    assert one.bring() == {one.view.reference: 4}
    assert served_values(one.cloud.store) == one.expected()


def test_a_rollback_whose_process_ended_before_it_asked_is_noticed_with_the_next_commit() -> None:
    one = filled(4)
    started = len(one.executions.started)
    rollback(one.cloud.tables, one.cloud.tables, one.cloud.documents, "events", one.history[1])
    one.commit(1000)
    one.bring()
    assert len(one.executions.started) == started + 1
    one.run_executions()
    assert served_values(one.cloud.store) == one.expected()


def test_a_delivery_that_began_before_a_rollback_spoils_nothing() -> None:
    """It read the history before; whatever it writes, it writes to items that are replaced."""
    for step in itertools.count(1):
        one = filled(2)
        one.commit(500, 560)
        kept = one.history[1]
        steps = Steps({step: partial(one.roll_back, kept)})
        cloud = through(one, steps)
        try:
            one.bring(tables=cloud.tables, documents=cloud.documents, store=cloud.store)
        except Outdated:  # its message is delivered again
            one.bring()
        if steps.taken < step:
            break
        one.run_executions()
        one.bring()
        assert served_values(one.cloud.store) == one.expected(), step
    assert step > 20


def roll_back_and_commit(one: Refilled) -> None:
    """Take commits back, and make another."""
    one.roll_back(one.history[1])
    one.commit(9000)


def expire(one: Refilled) -> None:
    """Let the oldest commits expire, whoever needs them."""
    one.cloud.tables.expire("events", [commit.snapshot_id for commit in one.history[:2]])


EVENTS: dict[str, tuple[Event, int, int]] = {
    "a rollback": (lambda one: one.roll_back(one.history[2]), 6, 3),
    "a rollback and a commit": (roll_back_and_commit, 6, 3),
    "an upkeep": (Refilled.upkeep, FEWEST_COMMITS + 3, 16),
    "an expiry that heeds nothing": (expire, 6, 3),
    "a second backfill": (Refilled.fill, 6, 3),
}
"""What happens, amid a backfill of how many commits, at each how manieth step of it."""


@pytest.mark.parametrize("name", EVENTS)
def test_whatever_happens_amid_a_backfill_it_ends_with_what_the_history_says(name: str) -> None:
    """From its plan on a backfill holds what it needs: no upkeep makes it plan anew."""
    event, commits, stride = EVENTS[name]
    for step in itertools.count(1, stride):
        one = Refilled()
        was_planned: list[bool] = []
        one.commit(*range(0, commits * 60, 60))

        def happen(one: Refilled = one, was_planned: list[bool] = was_planned) -> None:
            was_planned.append(bool(one.watermarks))
            event(one)

        steps = Steps({step: happen})
        planned = one.fill(cloud=through(one, steps))
        if steps.taken < step:
            break
        assert planned == 1 or "rollback" in name or "nothing" in name or not was_planned[0], step
        one.run_executions()
        one.bring()
        one.run_executions()
        assert served_values(one.cloud.store) == one.expected(), step
    assert step > 20


def test_what_a_backfill_reads_does_not_expire_and_what_it_has_read_does() -> None:
    one = Refilled()
    one.commit(*range(0, (FEWEST_COMMITS + 10) * 60, 60))
    plan = one.backfills().plan({"view": "readings"})
    one.upkeep()
    assert len(one.history) == FEWEST_COMMITS + 10
    for work in steps_of(plan):
        one.backfills().fill(work)
    one.backfills().finish(plan)
    one.upkeep()
    assert len(one.history) == FEWEST_COMMITS
    assert served_values(one.cloud.store) == one.expected()


def test_a_backfill_that_was_given_up_goes_on_where_it_was() -> None:
    one = Refilled()
    one.commit(*range(0, 1800, 60))
    steps = one.backfills()
    plan = steps.plan({"view": "readings"})
    first, *others = steps_of(plan)
    steps.fill(first)
    again = steps.plan({"view": "readings"})
    assert again["generation"] == plan["generation"]
    assert steps.fill(first) == {"items": 0}
    for work in others[: first["of"]]:
        steps.fill(work)
    assert steps.plan({"view": "readings"})["chunks"] == plan["chunks"][1:], "what is filled is not planned"


def test_versions_that_nobody_needs_are_retired_and_later_removed() -> None:
    """What they had not taken may expire; and the items of the version in service stay."""
    one = filled(3)
    old = define(view_of("2h"))
    one.in_service = InService([old])
    one.commit(1000)
    one.bring()
    assert {key.partition("#")[0] for key in served_values(one.cloud.store)} == {
        old.reference,
        one.view.reference,
    }
    one.in_service = InService()
    one.commit(*range(2000, 2000 + 60 * (FEWEST_COMMITS + 5), 60))
    one.bring()
    one.run_executions()
    assert one.upkeep() == [0, 4]
    assert {key.partition("#")[0] for key in one.cloud.store._items if "#" in key} == {
        one.served.items.reference if one.served.items else None
    }
    assert len(one.history) == FEWEST_COMMITS
    assert one.watermarks[old.reference].removal == "done"


def test_generations_that_were_replaced_or_given_up_are_removed_and_what_is_served_stays() -> None:
    one = filled(4)
    for to in (2, 1):
        one.roll_back(one.history[to])
        one.backfills().plan({"view": "readings"})  # given up
    one.run_executions()
    kept = served_values(one.cloud.store)
    assert one.upkeep() == [0, 4]
    assert served_values(one.cloud.store) == kept == one.expected()
    assert len({key.partition("#")[0] for key in one.cloud.store._items if "#" in key}) == 1


@pytest.mark.parametrize("crashes_at", range(1, 40, 2))
def test_a_removal_cut_off_at_any_call_is_ended_by_the_next_upkeep(
    crashes_at: int, crash: type[Exception]
) -> None:
    one = filled(3)
    old = one.view
    one.project = OfOneView.of(view_of("2h"))
    one.commit(1000)
    one.bring()
    one.upkeep(BEGINNING)

    def end() -> None:
        raise crash

    cloud = through(one, Steps({crashes_at: end}))
    seen = Refilled(one.project, cloud, one.in_service, one.executions, one.blobs)
    try:
        seen.upkeep(FAR_FUTURE)
    except crash:
        one.upkeep(FAR_FUTURE)
    assert one.watermarks[old.reference].removal == "done"
    assert not any(key.startswith(f"{old.reference}#") for key in one.cloud.store._items)
    assert served_values(one.cloud.store) == one.expected()


def test_a_view_that_was_let_go_of_says_so_until_it_is_filled_again() -> None:
    """A model version is put back into service after years: null would be a wrong answer."""
    one = filled(3)
    old = define(view_of("2h"))
    one.in_service = InService([old])
    one.commit(1000)
    one.bring()
    one.in_service = InService([], [old])
    one.upkeep()
    key = f'{old.reference}#["a",1]'
    with pytest.raises(Unavailable, match=f"view `{old.reference}` has no features"):
        ServedItems(one.cloud.store).get_many([key])
    one.fill(old)
    one.in_service = InService([old])
    one.commit(3000)
    one.bring()
    again = Refilled(OfOneView.of(view_of("2h")), one.cloud)
    read = {key: item.value for key, item in ServedItems(one.cloud.store).get_many(again.expected()).items()}
    assert read == again.expected()


def test_a_view_that_is_needed_again_before_it_is_removed_goes_on_where_it_was() -> None:
    one = filled(3)
    old = define(view_of("2h"))
    one.in_service = InService([old])
    one.commit(1000)
    one.bring()
    one.in_service = InService()
    one.upkeep(weeks=1)
    assert one.watermarks[old.reference].needs is None
    one.commit(2000)
    one.bring()
    one.in_service = InService([old])
    one.commit(3000)
    assert one.bring()[old.reference] == 8, "two commits"
    assert one.watermarks[old.reference].needs == one.history[-1].sequence
    again = Refilled(OfOneView.of(view_of("2h")), one.cloud).expected()
    assert {key: value for key, value in served_values(one.cloud.store).items() if key in again} == again


def test_upkeep_knows_too_that_a_view_is_needed_again() -> None:
    one = filled(3)
    old = define(view_of("2h"))
    one.in_service = InService([old])
    one.commit(1000)
    one.bring()
    one.in_service = InService()
    one.upkeep(weeks=1)
    one.in_service = InService([old])
    assert one.upkeep() == [0, 0]
    assert one.watermarks[old.reference].retired_at is None


def test_a_view_far_behind_is_asked_for_once() -> None:
    one = Refilled()
    one.commit(*range(0, 60 * (BEHIND_AT_MOST + 1), 60))
    for _ in range(2):
        assert one.bring() == {}
    assert len(one.executions.started) == 1


def test_before_it_is_served_from_a_view_is_asked_for_that_was_never_filled_or_holds_what_is_gone() -> None:
    one = Refilled()
    one.commit(0, 60, 120)

    def missing() -> list[str]:
        cloud = one.cloud
        return start_missing(
            one.executions, [one.view], tables=cloud.tables, documents=cloud.documents, store=cloud.store
        )

    assert missing() == [one.view.reference]
    one.run_executions()
    assert missing() == []
    one.commit(180)
    assert missing() == [], "the next delivery brings it"
    rollback(one.cloud.tables, one.cloud.tables, one.cloud.documents, "events", one.history[0])
    assert missing() == [one.view.reference]
    one.run_executions()
    assert served_values(one.cloud.store) == one.expected()


def test_upkeep_asks_for_what_nobody_asked_for() -> None:
    """A rollback whose command ended too early, say, of a source to which nothing comes any more."""
    one = filled(3)
    rollback(one.cloud.tables, one.cloud.tables, one.cloud.documents, "events", one.history[0])
    one.upkeep()
    one.run_executions()
    assert served_values(one.cloud.store) == one.expected()
