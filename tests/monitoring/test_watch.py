"""One firing of the monitor: what is new is read once, and every state of the world gets a report."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.monitoring.watched import Watched, day
from tidemill.errors import Conflict, Unavailable
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.tables import MemoryTables
from tidemill.ports import BlobInfo


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_quiet_week_is_stable_and_its_quality_unknown(watched: Watched) -> None:
    watched.promote()
    for number in range(7):
        watched.predict(number)
    summary = watched.monitor().watch(day(7))
    assert (summary["version"], summary["rows"]) == (1, 420)
    assert summary["drift"] is False
    assert summary["drifted_features"] == []
    assert summary["performance"] == "unknown"
    assert (summary["window_start"], summary["window_end"]) == (
        "2013-03-04T00:00:00Z",
        "2013-03-11T00:00:00Z",
    )
    assert watched.events.published == [("MonitorReport", summary)]
    assert watched.documents.get("MODEL#late_arrival", "REPORT#2013-03-11T00:00:00Z") == (summary, 1)


def test_a_shifted_feature_is_named(watched: Watched) -> None:
    watched.promote()
    for number in range(7):
        watched.predict(number, wind=3.0)
    summary = watched.monitor().watch(day(7))
    assert (summary["drift"], summary["drifted_features"]) == (True, ["wind"])
    [column] = [one for one in watched.report(7)["columns"] if one["name"] == "wind"]
    assert column["drifted"]
    assert column["psi"] > 1


def test_a_day_counts_in_every_window_it_lies_in_and_leaves_after_seven_days(watched: Watched) -> None:
    watched.promote()
    monitor = watched.monitor()
    watched.predict(0, wind=5.0, rows=400)
    for number in range(1, 10):
        watched.predict(number, rows=100)
    assert monitor.watch(day(7))["drift"] is True
    after = monitor.watch(day(8))
    assert (after["rows"], after["drift"]) == (700, False)


def test_a_model_without_predictions_gets_a_report_that_says_so(watched: Watched) -> None:
    watched.promote()
    watched.tables = MemoryTables()  # nobody ever predicted: there is no table
    summary = watched.monitor().watch(day(7))
    assert (summary["rows"], summary["drift"], summary["performance"]) == (0, None, "unknown")
    assert watched.report(7)["notes"] == ["No predictions were served in this window."]


def test_a_model_without_champion_gets_a_report_that_says_so(watched: Watched) -> None:
    watched.predict(0, version=9)
    summary = watched.monitor().watch(day(7))
    assert (summary["version"], summary["drift"], summary["performance"]) == (None, None, "unknown")
    assert "No version of this model is in service" in watched.report(7)["notes"][0]


def test_outcomes_of_the_weekly_file_tell_the_quality(watched: Watched) -> None:
    watched.promote(auc=0.95)
    keys = [key for number in range(7) for key in watched.predict(number)]
    monitor = watched.monitor()
    assert monitor.watch(day(7))["performance"] == "unknown"
    watched.land(6, keys)
    summary = monitor.watch(day(8))
    assert summary["performance"] == "ok"
    assert summary["quality"]["measured"] == 1.0
    assert summary["quality"]["rows"] == 420
    assert monitor.watch(day(10))["quality"]["rows"] == 420  # days later it is still the last week known


def test_predictions_that_turned_out_wrong_are_worse(watched: Watched) -> None:
    watched.promote(auc=0.95)
    keys = [key for number in range(7) for key in watched.predict(number)]
    wrong = {key: 1 - probability for key, probability in watched.probabilities().items()}
    watched.land(6, keys, probability=wrong)
    summary = watched.monitor().watch(day(8))
    assert (summary["performance"], summary["quality"]["measured"]) == ("worse", 0.0)


def test_an_outcome_is_not_used_before_it_is_known(watched: Watched) -> None:
    watched.promote(auc=0.95)
    keys = [key for number in range(7) for key in watched.predict(number)]
    watched.land(8, keys)  # uploaded ahead of its time: by the source's rule it is known on day 14
    monitor = watched.monitor()
    assert monitor.watch(day(9))["performance"] == "unknown"
    assert monitor.watch(day(14))["performance"] == "ok"


def test_predictions_recorded_after_their_outcome_was_read_are_still_judged(watched: Watched) -> None:
    watched.promote(auc=0.95)
    monitor = watched.monitor()
    early = watched.predict(0, rows=30)
    watched.land(
        0,
        [*early, *(f"0-late{row}" for row in range(300))],
        probability=dict.fromkeys(early, 1.0) | {f"0-late{row}": row % 2 for row in range(300)},
    )
    assert monitor.watch(day(7))["quality"]["rows"] == 30
    watched.predict(0, rows=300, recorded_as="late")
    assert monitor.watch(day(8))["quality"]["rows"] == 330


def test_a_repeated_firing_says_the_same_and_reads_nothing(watched: Watched) -> None:
    watched.promote()
    watched.predict(0, rows=100)
    first = watched.monitor().watch(day(7))
    watched.predict(1, rows=100)
    assert watched.monitor().watch(day(7)) == first
    assert watched.events.published == [("MonitorReport", first)] * 2


class CountedTables(MemoryTables):
    """Tables that count the commits read."""

    read: list[tuple[str, int | None]]

    def rows(self, table, *, snapshot_id=None, added_only=False, since=None, columns=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        self.read.append((table, snapshot_id))
        return super().rows(
            table, snapshot_id=snapshot_id, added_only=added_only, since=since, columns=columns
        )


def test_a_day_costs_what_is_new_in_it(watched: Watched) -> None:
    watched.tables = CountedTables()
    watched.tables.read = []
    watched.__post_init__()
    watched.promote()
    for number in range(20):
        watched.predict(number)
        watched.tables.read.clear()
        watched.monitor().watch(day(number + 1))
        assert len(watched.tables.read) == 1


def test_after_a_promotion_the_window_is_compared_with_the_new_reference(watched: Watched) -> None:
    watched.promote()
    monitor = watched.monitor()
    for number in range(7):
        watched.predict(number, wind=3.0)
    assert monitor.watch(day(7))["drift"] is True
    watched.promote(wind=3.0)
    watched.predict(7, version=2, wind=3.0)
    summary = monitor.watch(day(8))
    assert (summary["version"], summary["rows"], summary["drift"]) == (2, 420, False)
    assert summary["performance"] == "unknown"  # no outcome of its own predictions is known yet


def test_category_codes_of_an_older_version_are_read_as_the_newer_ones(watched: Watched) -> None:
    watched.promote(carriers=["AA", "UA"])
    for number in range(7):
        watched.predict(number)  # codes 0 and 1: AA and UA
    watched.promote(carriers=["UA", "AA"])  # the same carriers under other codes
    assert watched.monitor().watch(day(7))["drift"] is False
    watched.promote(carriers=["WN", "XX"])  # carriers the window never saw
    watched.predict(7)
    watched.monitor().watch(day(8))
    [carrier] = [one for one in watched.report(8)["columns"] if one["name"] == "carrier"]
    assert carrier["issues"] == ["missing"]


def test_predictions_made_from_other_features_are_left_out(watched: Watched) -> None:
    watched.promote(plan="the old features")
    watched.predict(0, rows=200)
    watched.promote(plan="the new features")
    watched.predict(1, rows=100, version=2)
    summary = watched.monitor().watch(day(7))
    assert (summary["rows"], watched.report(7)["skipped_rows"]) == (100, 200)


def test_two_firings_at_once_can_not_mix_their_days(watched: Watched) -> None:
    watched.promote()
    watched.predict(0, rows=100)
    slow, fast = watched.monitor(), watched.monitor()
    put = watched.documents.put

    def put_after_the_other(partition, sort, document, *, revision=None, expires_at=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        watched.documents.put = put  # type: ignore[method-assign]
        fast.watch(day(8))
        return put(partition, sort, document, revision=revision, expires_at=expires_at)

    watched.documents.put = put_after_the_other  # type: ignore[method-assign]
    with pytest.raises(Conflict):
        slow.watch(day(7))
    assert slow.watch(day(7))["rows"] == 100


def test_new_rows_since_the_promotion_are_counted(watched: Watched) -> None:
    watched.promote()
    keys = watched.predict(0, rows=100)
    watched.land(0, keys)
    monitor = watched.monitor()
    assert monitor.watch(day(7))["new_rows"] == 0
    watched.land(
        7,
        [f"other-{row}" for row in range(250)],
        probability=dict.fromkeys((f"other-{row}" for row in range(250)), 0.0),
    )
    assert monitor.watch(day(8))["new_rows"] == 250
    watched.promote()
    assert monitor.watch(day(9))["new_rows"] == 0


def test_the_page_is_whole_in_itself(watched: Watched) -> None:
    watched.promote()
    keys = [key for number in range(7) for key in watched.predict(number, wind=3.0)]
    watched.land(6, keys)
    monitor = watched.monitor()
    monitor.watch(day(7))
    monitor.watch(day(8))
    page = watched.data.get("reports/monitor/late_arrival/2013-03-12T00:00:00Z.html").decode()
    assert page.count("<svg") == 5  # three features, the prediction, and quality over time
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    assert "drift" in page


class Life:
    """How many writes a process has left before it dies."""

    left: int | None = None

    def spend(self) -> None:
        if self.left == 0:
            raise Unavailable("the process died")
        if self.left is not None:
            self.left -= 1


class DyingDocuments(MemoryDocuments):
    def __init__(self, life: Life) -> None:
        super().__init__()
        self.life = life

    def put(
        self,
        partition: str,
        sort: str,
        document: Mapping[str, Any],
        *,
        revision: int | None = None,
        expires_at: int | None = None,
    ) -> int:
        self.life.spend()
        return super().put(partition, sort, document, revision=revision, expires_at=expires_at)


class DyingBlobs(MemoryBlobs):
    def __init__(self, life: Life) -> None:
        super().__init__()
        self.life = life

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> BlobInfo:
        self.life.spend()
        return super().put(key, data, content_type=content_type)


def a_week_with_outcomes(watched: Watched) -> None:
    watched.promote(auc=0.95)
    keys = [key for number in range(7) for key in watched.predict(number)]
    watched.land(6, keys[:300])


def test_a_firing_that_dies_before_any_of_its_writes_is_simply_fired_again() -> None:
    clean = Watched()
    a_week_with_outcomes(clean)
    expected = clean.monitor().watch(day(8))
    deaths = 0
    while True:
        life = Life()
        watched = Watched(documents=DyingDocuments(life), data=DyingBlobs(life))
        a_week_with_outcomes(watched)
        life.left = deaths
        try:
            watched.monitor().watch(day(8))
        except Unavailable:
            life.left = None
            assert watched.events.published == []
            assert watched.monitor().watch(day(8)) == expected
            deaths += 1
            continue
        break
    assert deaths > 15
