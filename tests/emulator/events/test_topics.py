"""Topics deliver to queues what their filters let through, raw or in an envelope, where they are let in."""

import json
from typing import Any

import pytest

Attributes = dict[str, dict[str, str]]


def subscribe(bench: Any, topic: str, queue: str, **attributes: Any) -> None:
    """Subscribe a queue to a topic."""
    written = {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in attributes.items()
    }
    bench("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=written)


def text(value: str, kind: str = "String") -> dict[str, str]:
    """Write a message attribute."""
    return {"DataType": kind, "StringValue": value}


def test_envelope_tells_of_the_topic_and_raw_delivery_leaves_it_out(bench: Any) -> None:
    topic = bench.topic("news")
    wrapped_url, wrapped = bench.queue("wrapped")
    raw_url, raw = bench.queue("raw")
    subscribe(bench, topic, wrapped, RawMessageDelivery="false")
    subscribe(bench, topic, raw, RawMessageDelivery="true")
    sent = bench("sns").publish(
        TopicArn=topic, Message='{"n": 1}', Subject="s", MessageAttributes={"kind": text("thing")}
    )
    (envelope,) = bench.bodies(wrapped_url)
    assert (envelope["Type"], envelope["TopicArn"], envelope["MessageId"]) == (
        "Notification",
        topic,
        sent["MessageId"],
    )
    assert (envelope["Message"], envelope["Subject"]) == ('{"n": 1}', "s")
    assert envelope["Timestamp"] == "2013-01-01T00:00:00.000Z"
    assert envelope["MessageAttributes"] == {"kind": {"Type": "String", "Value": "thing"}}
    (message,) = bench("sqs").receive_message(QueueUrl=raw_url, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == '{"n": 1}'
    assert message["MessageAttributes"] == {"kind": text("thing")}


@pytest.mark.parametrize(
    ("policy", "attributes", "expected"),
    [
        ({"kind": ["thing"]}, {"kind": text("thing")}, True),
        ({"kind": ["thing"]}, {"kind": text("other")}, False),
        ({"kind": ["thing"]}, {}, False),
        ({"kind": [{"equals-ignore-case": "Thing"}]}, {"kind": text("THING")}, True),
        ({"kind": [{"anything-but": {"suffix": "ing"}}]}, {"kind": text("thing")}, False),
        ({"kind": [{"exists": False}]}, {"n": text("5", "Number")}, True),
        ({"n": [{"numeric": [">=", 5, "<", 6]}]}, {"n": text("5.5", "Number")}, True),
        ({"n": [5]}, {"n": text("5", "Number")}, True),
        ({"tags": ["b"]}, {"tags": text('["a", "b"]', "String.Array")}, True),
        ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": text("y")}, True),
    ],
)
def test_filter_policy_holds_for_the_attributes(
    bench: Any, policy: dict[str, Any], attributes: Attributes, *, expected: bool
) -> None:
    topic = bench.topic("news")
    url, queue = bench.queue("heard")
    subscribe(bench, topic, queue, FilterPolicy=policy)
    bench("sns").publish(TopicArn=topic, Message="{}", MessageAttributes=attributes)
    assert bench.counts(url) == (int(expected), 0)


def test_filter_policy_may_hold_for_the_body(bench: Any) -> None:
    topic = bench.topic("news")
    url, queue = bench.queue("heard")
    policy = {"detail": {"state": [{"prefix": "fail"}]}}
    subscribe(
        bench, topic, queue, FilterPolicy=policy, FilterPolicyScope="MessageBody", RawMessageDelivery="true"
    )
    for message in ('{"detail": {"state": "failed"}}', '{"detail": {"state": "done"}}', "failed"):
        bench("sns").publish(TopicArn=topic, Message=message)
    assert bench.bodies(url) == [{"detail": {"state": "failed"}}]


def test_queue_that_is_closed_or_gone_costs_the_others_nothing_and_leaves_a_dead_letter(bench: Any) -> None:
    topic = bench.topic("news")
    closed = bench("sqs").create_queue(QueueName="closed")["QueueUrl"]
    letters_url, letters = bench.queue("letters")
    open_url, opened = bench.queue("open")
    for name in ("closed", "gone"):
        subscribe(
            bench,
            topic,
            f"arn:aws:sqs:us-east-1:123456789012:{name}",
            RedrivePolicy={"deadLetterTargetArn": letters},
        )
    subscribe(bench, topic, opened)
    bench("sns").publish(TopicArn=topic, Message="{}")
    assert [bench.counts(url) for url in (closed, letters_url, open_url)] == [(0, 0), (2, 0), (1, 0)]
