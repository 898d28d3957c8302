"""What the overview tells, read from a running cloud."""

import json
from typing import Any

import pytest
import urllib3

from emulator.cloud import Cloud

QUEUE = "arn:aws:sqs:us-east-1:123456789012:"


def overview(cloud: Cloud) -> Any:
    with urllib3.PoolManager() as http:
        return http.request("GET", f"{cloud.endpoint}/_local/overview").json()


def entry(cloud: Cloud, part: str, name: str) -> Any:
    return next(each for each in overview(cloud)[part] if each["name"] == name)


def test_a_queue_tells_what_lies_in_it_by_what_it_waits_for(cloud: Cloud) -> None:
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="mixed")["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="now")
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=600)
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)
    told = entry(cloud, "queues", "mixed")
    assert (told["visible"], told["in_flight"], told["delayed"]) == (2, 1, 1)
    assert told["takers"] == []


@pytest.mark.parametrize("holder", ["queue", "rule"])
def test_a_queue_that_something_names_for_its_dead_letters_is_marked(cloud: Cloud, holder: str) -> None:
    sqs, events = cloud.client("sqs"), cloud.client("events")
    sqs.create_queue(QueueName=f"letters-of-{holder}")
    assert not entry(cloud, "queues", f"letters-of-{holder}")["holds_dead_letters"]
    arn = f"{QUEUE}letters-of-{holder}"
    if holder == "queue":
        redrive = {"deadLetterTargetArn": arn, "maxReceiveCount": "1"}
        sqs.create_queue(QueueName="source", Attributes={"RedrivePolicy": json.dumps(redrive)})
        assert entry(cloud, "queues", "source")["dead_letters_to"]["label"] == "letters-of-queue"
    else:
        events.put_rule(Name="r", ScheduleExpression="rate(1 day)")
        target = {"Id": "1", "Arn": f"{QUEUE}mixed", "DeadLetterConfig": {"Arn": arn}}
        events.put_targets(Rule="r", Targets=[target])
    assert entry(cloud, "queues", f"letters-of-{holder}")["holds_dead_letters"]


def test_a_schedule_tells_when_it_fires_and_a_disabled_one_that_it_does_not(cloud: Cloud) -> None:
    cloud.clock.freeze()
    events = cloud.client("events")
    events.put_rule(Name="on", ScheduleExpression="rate(2 hours)")
    events.put_rule(Name="off", ScheduleExpression="rate(2 hours)", State="DISABLED")
    told = overview(cloud)
    on = next(each for each in told["schedules"] if each["name"] == "on")
    assert on["next"] > told["clock"]["now"]
    assert entry(cloud, "schedules", "off")["next"] is None


def test_an_event_rule_tells_its_pattern_and_where_it_leads(cloud: Cloud) -> None:
    events = cloud.client("events")
    events.put_rule(Name="orders", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="orders", Targets=[{"Id": "1", "Arn": f"{QUEUE}mixed"}])
    told = entry(cloud, "schedules", "orders")
    assert told["pattern"] == {"source": ["shop"]}
    assert told["targets"] == [{"arn": f"{QUEUE}mixed", "kind": "queue", "label": "mixed"}]


def test_looking_is_no_call_of_an_aws_operation(cloud: Cloud) -> None:
    before = overview(cloud)["meter"]
    assert overview(cloud)["meter"] == before
