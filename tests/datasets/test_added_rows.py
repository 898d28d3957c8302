"""Rows that came by API become part of a commit once, however their messages are delivered."""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tidemill import Source, String, Timestamp, check, col, row_count, unique
from tidemill.datasets.added_rows import (
    REQUESTS_ENDING,
    Part,
    decode_rows,
    encode_rows,
    store_requests,
)
from tidemill.datasets.requested_rows import row_by_row
from tidemill.datasets.uploads import Upload
from tidemill.errors import Corrupt


def part(request: str, *ids: str) -> Part:
    """Return a request's only part, with a row of each id."""
    rows = [
        {"trip_id": each, "city": "Oslo", "minutes": 1.5, "riders": 1, "ended_at": "2013-01-01T00:00:00Z"}
        for each in ids
    ]
    [body] = encode_rows("trips", request, rows)
    return decode_rows(body)


def gathered(cloud: Any, *parts: Part) -> Upload:
    """Write a file of requests, and return it as the upload that it is."""
    [key] = store_requests(cloud.blobs, "bikes", parts)
    template: Upload = cloud.put(b"", "")
    return Upload(template.bucket, key, cloud.blobs.info(key).version, template.at)


def stored(cloud: Any) -> list[str]:
    return sorted(cloud.tables.rows("trips").column("trip_id").to_pylist())


def test_a_batch_of_messages_is_one_file_and_one_commit(cloud: Any) -> None:
    upload = gathered(cloud, part("r1", "1", "2"), part("r2", "3"))
    assert upload.key.endswith(REQUESTS_ENDING)
    outcome = cloud.ingest(upload)
    assert (outcome.status, outcome.record["rows"]) == ("committed", 3)
    assert stored(cloud) == ["1", "2", "3"]
    assert cloud.ingest(upload).status == "duplicate"


def test_the_same_messages_in_any_order_are_the_same_file(cloud: Any) -> None:
    one, two = part("r1", "1"), part("r2", "2")
    assert gathered(cloud, one, two).key == gathered(cloud, two, one, two).key


def test_each_source_has_a_file_of_its_own(cloud: Any) -> None:
    planes = Part("planes", "r1/0", [{"tailnum": "N1"}])
    keys = store_requests(cloud.blobs, "bikes", [part("r1", "1"), planes])
    assert [key.split("/")[2] for key in keys] == ["planes", "trips"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_message_that_came_again_in_other_company_adds_nothing(cloud: Any, order: Sequence[int]) -> None:
    one, two, three = part("r1", "1"), part("r2", "2"), part("r3", "3")
    files = [gathered(cloud, *parts) for parts in ([one, two], [two, three], [two])]
    outcomes = [cloud.ingest(files[place]) for place in order]
    assert stored(cloud) == ["1", "2", "3"]
    assert sum(outcome.record["rows"] for outcome in outcomes if outcome.record) == 3


def test_files_with_the_same_messages_at_the_same_moment_add_them_once(cloud: Any) -> None:
    parts = [part(f"r{n}", str(n)) for n in range(12)]
    files = [gathered(cloud, *parts[start : start + 4]) for start in range(9)]
    with ThreadPoolExecutor(9) as pool:
        list(pool.map(cloud.ingest, files))
    assert stored(cloud) == sorted(str(n) for n in range(12))


def test_after_a_crash_at_any_step_every_row_is_there_once(
    new_cloud: Callable[[], Any], crash: type[Exception]
) -> None:
    """A file that claimed requests and died brings them when it is delivered again."""
    for steps in range(1, 100):
        cloud = new_cloud()
        first = gathered(cloud, part("r1", "1"), part("r2", "2"))
        second = gathered(cloud, part("r2", "2"), part("r3", "3"))
        try:
            cloud.crashing(steps).ingest(first)
        except crash:
            cloud.ingest(second)
            cloud.ingest(first)
            assert stored(cloud) == ["1", "2", "3"], steps
        else:
            assert steps == 19, "two claims, then what every ingest writes, each before and after"
            return


def test_a_file_that_is_named_like_one_of_requests_and_is_none_is_refused(cloud: Any) -> None:
    outcome = cloud.ingest(cloud.put(b'{"trip_id": "1"}\n', f"mine{REQUESTS_ENDING}"))
    assert outcome.status == "refused"
    assert "line 1 of the file mine.requests.jsonl is no part of a request" in outcome.error


def test_rows_that_fail_are_put_aside_alone_and_refuse_nobody_elses(cloud: Any) -> None:
    """One of two is more than the source tolerates of a file; callers know nothing of each other."""
    outcome = cloud.ingest(gathered(cloud, part("r1", "1"), part("r2", "1")))
    assert (outcome.status, outcome.record["rows"], outcome.record["quarantined"]) == ("committed", 1, 1)


def test_what_a_file_as_a_whole_is_held_to_is_not_asked_of_requests() -> None:
    source = Source(
        "s",
        {"id": String, "at": Timestamp},
        ["id"],
        "at",
        checks=[row_count(100), unique("id", severity="refuse"), check(col("id") != "x", severity="warn")],
    )
    judged = row_by_row(source)
    assert judged.upload_checks == ()
    assert [each.severity for each in judged.row_checks] == ["quarantine", "warn"]
    assert judged.tolerance == 1


@pytest.mark.parametrize("body", ["{", "{}", '{"source": "trips", "part": "r1/0", "data": "!"}', "[]"])
def test_a_message_that_can_not_be_read_is_corrupt(body: str) -> None:
    with pytest.raises(Corrupt):
        decode_rows(body)
