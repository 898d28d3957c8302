"""Functions take their events from queues, and what they refuse comes again or becomes a dead letter."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.sqs.models import sqs_backends

PRINT = """
    import json
    def handler(event, context):
        print(json.dumps(event))
"""
PARTIAL = """
    import json
    def handler(event, context):
        failed = []
        for record in event["Records"]:
            count = record["attributes"]["ApproximateReceiveCount"]
            print(json.dumps({"body": record["body"], "count": count}))
            if record["body"].startswith("bad"):
                failed.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failed}
"""


def redrive(letters_arn: str, count: int) -> str:
    """Write a redrive policy."""
    return json.dumps({"deadLetterTargetArn": letters_arn, "maxReceiveCount": count})


def test_function_receives_lambdas_records_and_the_message_is_gone(bench: Any) -> None:
    bench.function("taker", PRINT)
    url, arn = bench.queue("work")
    bench("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="taker")
    sent = bench("sqs").send_message(
        QueueUrl=url,
        MessageBody="hello",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "greeting"}},
    )
    bench.cloud.settle(20)
    (record,) = bench.lines("taker")[0]["Records"]
    assert record["messageId"] == sent["MessageId"]
    assert record["body"] == "hello"
    assert record["attributes"]["SentTimestamp"] == "1356998400000"  # the virtual clock's
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"]["kind"]["stringValue"] == "greeting"
    assert (record["eventSource"], record["eventSourceARN"]) == ("aws:sqs", arn)
    assert bench.counts(url) == (0, 0)


def test_failed_items_alone_come_again_after_their_timeout_and_end_in_the_dead_letters(bench: Any) -> None:
    bench.function("picky", PARTIAL)
    letters_url, letters_arn = bench.queue("letters")
    url, arn = bench.queue("work", VisibilityTimeout="60", RedrivePolicy=redrive(letters_arn, 2))
    bench("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName="picky", FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    for body in ("good", "bad"):
        bench("sqs").send_message(QueueUrl=url, MessageBody=body)
    bench.cloud.settle(20)
    assert bench.counts(url) == (0, 1)
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=59))
    assert [line["body"] for line in bench.lines("picky")].count("bad") == 1
    clock.advance_to(clock.now() + timedelta(seconds=2))
    seen = [(line["body"], line["count"]) for line in bench.lines("picky")]
    assert sorted(seen) == [("bad", "1"), ("bad", "2"), ("good", "1")]
    assert bench.counts(letters_url) == (0, 0)
    clock.advance_to(clock.now() + timedelta(seconds=61))
    assert bench.counts(url) == (0, 0)
    assert bench.counts(letters_url) == (1, 0)


def test_exception_fails_the_whole_batch(bench: Any) -> None:
    bench.function("broken", "def handler(event, context):\n    raise ValueError('no')\n")
    url, arn = bench.queue("work", VisibilityTimeout="60")
    bench("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName="broken", FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    for number in range(3):
        bench("sqs").send_message(QueueUrl=url, MessageBody=str(number))
    bench.cloud.settle(20)
    assert bench.counts(url) == (0, 3)


def test_batches_fill_up_to_their_size_within_the_window(bench: Any) -> None:
    bench.function(
        "batcher", "def handler(event, context):\n    print('{\"n\": %d}' % len(event['Records']))\n"
    )
    url, arn = bench.queue("work")
    bench("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName="batcher", BatchSize=20, MaximumBatchingWindowInSeconds=120
    )
    for start in range(0, 50, 10):
        bench("sqs").send_message_batch(
            QueueUrl=url,
            Entries=[{"Id": str(number), "MessageBody": str(number)} for number in range(start, start + 10)],
        )
    bench.cloud.settle(20)  # closes the window of the last ten
    assert sorted(line["n"] for line in bench.lines("batcher")) == [10, 20, 20]


def test_fifo_queue_keeps_the_order_of_each_group_and_holds_it_while_one_is_pending(bench: Any) -> None:
    bench.function("ordered", PARTIAL)
    bench("lambda").put_function_concurrency(FunctionName="ordered", ReservedConcurrentExecutions=1)
    url, arn = bench.queue("work.fifo", FifoQueue="true", VisibilityTimeout="60")
    bench("lambda").create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName="ordered",
        BatchSize=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    for number, (group, body) in enumerate(
        [("a", "a1"), ("b", "bad"), ("a", "a2"), ("b", "b2"), ("a", "a3")]
    ):
        bench("sqs").send_message(
            QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=str(number)
        )
    bench.cloud.settle(20)
    seen = [line["body"] for line in bench.lines("ordered")]
    assert [body for body in seen if body.startswith("a")] == ["a1", "a2", "a3"]
    assert "b2" not in seen  # behind the one that failed
    assert bench.counts(url) == (1, 1)


def test_filtered_messages_are_dropped_unseen(bench: Any) -> None:
    bench.function("choosy", PRINT)
    url, arn = bench.queue("work")
    bench("lambda").create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName="choosy",
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": {"kind": ["wanted"]}})}]},
    )
    for kind in ("wanted", "other"):
        bench("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"kind": kind}))
    bench.cloud.settle(20)
    bodies = [record["body"] for event in bench.lines("choosy") for record in event["Records"]]
    assert bodies == ['{"kind": "wanted"}']
    assert bench.counts(url) == (0, 0)


def test_disabled_mapping_takes_nothing_and_settling_does_not_wait_for_it(bench: Any) -> None:
    bench.function("asleep", PRINT)
    url, arn = bench.queue("work")
    mapping = bench("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName="asleep", Enabled=False
    )
    bench("sqs").send_message(QueueUrl=url, MessageBody="wait")
    bench.cloud.settle(5)
    assert bench.counts(url) == (1, 0)
    bench("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    bench.cloud.settle(20)
    assert bench.counts(url) == (0, 0)
    bench("lambda").delete_event_source_mapping(UUID=mapping["UUID"])
    bench("sqs").send_message(QueueUrl=url, MessageBody="stay")
    bench.cloud.settle(5)
    assert bench.counts(url) == (1, 0)


def send_many(backend: Any, numbers: range) -> None:
    """Send numbers to the queue `busy`."""
    for number in numbers:
        backend.send_message("busy", str(number))


def take_some(backend: Any, received: list[str]) -> int:
    """Receive and delete what is there; count it."""
    messages = backend.receive_message("busy", 10, 0, 30)
    for message in messages:
        received.append(message.body)
        backend.delete_message("busy", str(message.receipt_handle))
    return len(messages)


def test_no_message_is_lost_or_doubled_between_many_senders_and_receivers(bench: Any) -> None:
    bench.queue("busy")
    backend = sqs_backends["123456789012"][bench.cloud.region]
    received: list[str] = []
    sent = threading.Event()

    def take() -> None:
        while not sent.is_set():
            take_some(backend, received)
        while take_some(backend, received):
            pass

    with ThreadPoolExecutor(8) as threads:
        takers = [threads.submit(take) for _ in range(4)]
        starts = range(0, 800, 200)
        senders = [threads.submit(send_many, backend, range(start, start + 200)) for start in starts]
        wait(senders)
        sent.set()
        wait(takers)
    assert sorted(map(int, received)) == list(range(800))


def test_hidden_message_is_visible_again_at_once_when_its_timeout_is_set_to_zero(bench: Any) -> None:
    url, _ = bench.queue("plain")
    bench("sqs").send_message(QueueUrl=url, MessageBody="{}")
    (message,) = bench("sqs").receive_message(QueueUrl=url)["Messages"]
    assert "Messages" not in bench("sqs").receive_message(QueueUrl=url)
    bench("sqs").change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    assert len(bench("sqs").receive_message(QueueUrl=url)["Messages"]) == 1


@pytest.mark.parametrize("microseconds", [0, 1, 333_333, 999_999])
def test_message_comes_again_at_the_very_time_its_timeout_ends(bench: Any, microseconds: int) -> None:
    bench.function("picky", PARTIAL)
    url, arn = bench.queue("work", VisibilityTimeout="60")
    bench("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName="picky", FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    clock = bench.cloud.clock
    clock.set(clock.now() + timedelta(microseconds=microseconds))
    bench("sqs").send_message(QueueUrl=url, MessageBody="bad")
    bench.cloud.settle(20)
    clock.advance_to(clock.now() + timedelta(seconds=60, milliseconds=1))
    assert [line["count"] for line in bench.lines("picky")] == ["1", "2"]


def test_on_the_wall_a_delayed_message_is_taken_when_its_time_comes(bench_on_the_wall: Any) -> None:
    bench = bench_on_the_wall
    bench.function("taker", PRINT)
    url, arn = bench.queue("work")
    bench("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="taker")
    bench("sqs").send_message(QueueUrl=url, MessageBody="later", DelaySeconds=1)
    bench.cloud.settle(5)
    assert bench.lines("taker") == []
    deadline = time.monotonic() + 10
    while not bench.lines("taker") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(bench.lines("taker")) == 1


def test_mapping_of_another_source_is_refused_by_name(bench: Any) -> None:
    bench.function("taker", PRINT)
    stream = "arn:aws:kinesis:us-east-1:123456789012:stream/s"
    with pytest.raises(ClientError, match=f"SQS queues and DynamoDB streams only, not from '{stream}'"):
        bench("lambda").create_event_source_mapping(EventSourceArn=stream, FunctionName="taker")


def test_option_of_streams_is_refused_for_a_queue(bench: Any) -> None:
    bench.function("taker", PRINT)
    _, arn = bench.queue("work")
    with pytest.raises(ClientError, match="MaximumRetryAttempts: not an option of a mapping of"):
        bench("lambda").create_event_source_mapping(
            EventSourceArn=arn, FunctionName="taker", MaximumRetryAttempts=2
        )


def send_ordered(bench: Any, url: str, body: str, group: str = "g", dedup: str | None = None) -> str:
    """Send to a FIFO queue; give the message's id."""
    more = {} if dedup is None else {"MessageDeduplicationId": dedup}
    sent = bench("sqs").send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **more)
    return str(sent["MessageId"])


def test_repeated_message_is_dropped_for_five_minutes_even_when_the_first_is_gone(bench: Any) -> None:
    url, _ = bench.queue("work.fifo", FifoQueue="true")
    first = send_ordered(bench, url, "one", dedup="d")
    (message,) = bench("sqs").receive_message(QueueUrl=url)["Messages"]
    bench("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=299))
    assert send_ordered(bench, url, "again", dedup="d") == first
    assert bench.counts(url) == (0, 0)
    clock.advance_to(clock.now() + timedelta(seconds=1))
    assert send_ordered(bench, url, "anew", dedup="d") != first
    assert bench.counts(url) == (1, 0)


def test_deduplication_may_be_by_content_and_by_group(bench: Any) -> None:
    url, _ = bench.queue(
        "work.fifo", FifoQueue="true", ContentBasedDeduplication="true", DeduplicationScope="messageGroup"
    )
    for group, body in (("a", "same"), ("a", "same"), ("b", "same"), ("a", "other")):
        send_ordered(bench, url, body, group)
    received = bench("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )["Messages"]
    assert [(m["Attributes"]["MessageGroupId"], m["Body"]) for m in received] == [
        ("a", "same"),
        ("b", "same"),
        ("a", "other"),
    ]
    numbers = [int(m["Attributes"]["SequenceNumber"]) for m in received]
    assert numbers == sorted(set(numbers))


def test_group_waits_while_its_message_fails_and_goes_on_in_order_after_it(bench: Any) -> None:
    letters_url, letters = bench.queue("letters.fifo", FifoQueue="true")
    bench.function("ordered", PARTIAL)
    url, arn = bench.queue(
        "work.fifo", FifoQueue="true", VisibilityTimeout="60", RedrivePolicy=redrive(letters, 2)
    )
    bench("lambda").create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName="ordered",
        BatchSize=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    for number, body in enumerate(["first", "bad", "last"]):
        send_ordered(bench, url, body, dedup=str(number))
    clock = bench.cloud.clock
    bench.cloud.settle(20)
    assert sorted(line["body"] for line in bench.lines("ordered")) == ["bad", "first"]
    clock.advance_to(clock.now() + timedelta(seconds=121))
    assert sorted(line["body"] for line in bench.lines("ordered")) == ["bad", "bad", "first", "last"]
    assert bench.counts(letters_url) == (1, 0)


def test_message_is_kept_for_the_retention_period_on_the_clouds_clock(bench: Any) -> None:
    url, _ = bench.queue("short", MessageRetentionPeriod="60")
    bench("sqs").send_message(QueueUrl=url, MessageBody="{}")
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=59))
    assert bench.counts(url) == (1, 0)
    clock.advance_to(clock.now() + timedelta(seconds=1))
    assert bench.counts(url) == (0, 0)
    assert "Messages" not in bench("sqs").receive_message(QueueUrl=url)


def test_dead_letters_go_back_where_they_came_from(bench: Any) -> None:
    letters_url, letters = bench.queue("letters")
    url, _ = bench.queue("work", VisibilityTimeout="10", RedrivePolicy=redrive(letters, 1))
    bench("sqs").send_message(QueueUrl=url, MessageBody="{}")
    (message,) = bench("sqs").receive_message(QueueUrl=url)["Messages"]
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=10))
    assert "Messages" not in bench("sqs").receive_message(QueueUrl=url)
    assert (bench.counts(url), bench.counts(letters_url)) == ((0, 0), (1, 0))
    assert bench("sqs").start_message_move_task(SourceArn=letters)["TaskHandle"]
    assert (bench.counts(url), bench.counts(letters_url)) == ((1, 0), (0, 0))
    (task,) = bench("sqs").list_message_move_tasks(SourceArn=letters)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    (again,) = bench("sqs").receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
    assert again["MessageId"] != message["MessageId"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "1"


def test_redrive_can_go_elsewhere_and_starts_from_a_dead_letter_queue_alone(bench: Any) -> None:
    letters_url, letters = bench.queue("letters")
    bench.queue("work", RedrivePolicy=redrive(letters, 1))
    url, elsewhere = bench.queue("elsewhere")
    bench("sqs").send_message(QueueUrl=letters_url, MessageBody="{}")
    bench("sqs").start_message_move_task(SourceArn=letters, DestinationArn=elsewhere)
    assert bench.counts(url) == (1, 0)
    with pytest.raises(ClientError, match="must be configured as a Dead Letter Queue"):
        bench("sqs").start_message_move_task(SourceArn=elsewhere)


def test_long_polling_ends_when_a_message_comes(bench: Any) -> None:
    url, _ = bench.queue("plain")
    with ThreadPoolExecutor(1) as threads:
        begun = time.monotonic()
        waiting = threads.submit(lambda: bench("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20))
        bench("sqs").send_message(QueueUrl=url, MessageBody="{}")
        assert len(waiting.result()["Messages"]) == 1
    assert time.monotonic() - begun < 10
