"""What becomes of a stream's batches that fail."""

from datetime import timedelta
from typing import Any

from tests.emulator.events.stream_tables import RAISES, REPORTS, follow, put, seen, table


def test_failed_batch_comes_again_after_growing_waits_and_holds_up_what_follows(bench: Any) -> None:
    stream = table(bench)
    bench.function("reader", RAISES)
    follow(bench, "reader", stream)
    put(bench, "a", bad={"BOOL": True})
    clock = bench.cloud.clock
    start = clock.now()
    clock.advance_to(start + timedelta(seconds=0.9))
    put(bench, "b")
    assert seen(bench, "reader") == [["a"]]
    clock.advance_to(start + timedelta(seconds=1))
    assert seen(bench, "reader") == [["a"]] * 2
    clock.advance_to(start + timedelta(seconds=7))
    assert seen(bench, "reader") == [["a"]] * 4  # after 1, 3 and 7 seconds
    clock.advance_to(start + timedelta(hours=1))
    put(bench, "c")
    clock.advance_to(start + timedelta(hours=24, minutes=6))  # the stream has lost the first two by then
    assert seen(bench, "reader")[-1] == ["c"]
    assert all(batch == ["a"] for batch in seen(bench, "reader")[:-1])


def test_given_up_batch_is_reported_to_the_failure_destination(bench: Any) -> None:
    stream = table(bench)
    url, failures = bench.queue("failures")
    arn = bench.function("reader", RAISES)
    follow(
        bench,
        "reader",
        stream,
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": failures}},
    )
    put(bench, "a", bad={"BOOL": True})
    bench.cloud.settle(20)
    put(bench, "b")
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=10))
    assert seen(bench, "reader") == [["a"], ["a"], ["a"], ["b"]]
    (report,) = bench.bodies(url)
    context = report["requestContext"]
    assert (context["condition"], context["functionArn"]) == ("RetryAttemptsExhausted", arn)
    assert context["approximateInvokeCount"] == 3
    assert report["responseContext"]["functionError"] == "Unhandled"
    info = report["DDBStreamBatchInfo"]
    assert (info["batchSize"], info["streamArn"]) == (1, stream)
    assert info["startSequenceNumber"] == info["endSequenceNumber"]
    assert info["approximateArrivalOfFirstRecord"] == "2013-01-01T00:00:00Z"
    assert report["timestamp"].startswith("2013-01-01T00:00:03")


def test_records_that_are_too_old_are_given_up_unseen(bench: Any) -> None:
    stream = table(bench)
    url, failures = bench.queue("failures")
    bench.function("reader", RAISES)
    mapping = follow(
        bench,
        "reader",
        stream,
        Enabled=False,
        MaximumRecordAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": failures}},
    )
    put(bench, "a", "b")
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=61))
    put(bench, "c")
    bench("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    bench.cloud.settle(20)
    assert seen(bench, "reader") == [["c"]]
    (report,) = bench.bodies(url)
    assert report["requestContext"]["condition"] == "RecordAgeExceeded"
    assert report["DDBStreamBatchInfo"]["batchSize"] == 2


def test_reported_failure_is_where_the_next_batch_begins(bench: Any) -> None:
    stream = table(bench)
    bench.function("reader", REPORTS)
    mapping = follow(
        bench,
        "reader",
        stream,
        Enabled=False,
        MaximumRetryAttempts=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    put(bench, "a", "b")
    put(bench, "c", bad={"BOOL": True})
    put(bench, "d")
    bench("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=10))
    assert seen(bench, "reader") == [["a", "b", "c", "d"], ["c", "d"]]


def test_splitting_finds_the_one_bad_record_and_delivers_the_others(bench: Any) -> None:
    stream = table(bench)
    url, failures = bench.queue("failures")
    bench.function("reader", RAISES)
    mapping = follow(
        bench,
        "reader",
        stream,
        Enabled=False,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": failures}},
    )
    put(bench, "a", "b")
    put(bench, "c", bad={"BOOL": True})
    put(bench, "d", "e")
    bench("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=10))
    assert seen(bench, "reader") == [list("abcde"), list("ab"), list("cde"), ["c"], ["c"], list("de")]
    (report,) = bench.bodies(url)
    assert report["DDBStreamBatchInfo"]["batchSize"] == 1
