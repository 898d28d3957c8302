"""Targets that nothing could be delivered to are refused where they are named."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.cloud import Cloud

TASKS = "arn:aws:ecs:us-east-1:123456789012:cluster/tasks"
REFUSED = r"has the target arn:aws:ecs.*delivers to events, lambda, logs, sns, sqs, states"


def test_a_rule_does_not_take_a_target_of_a_service_that_is_not_there(cloud: Cloud) -> None:
    client = cloud.client("events")
    client.put_rule(Name="tasks", EventPattern=json.dumps({"source": ["a"]}))
    with pytest.raises(ClientError, match=f"rule tasks {REFUSED}"):
        client.put_targets(Rule="tasks", Targets=[{"Id": "t", "Arn": TASKS}])
    assert client.list_targets_by_rule(Rule="tasks")["Targets"] == []


def test_a_schedule_does_not_either_when_it_is_made_or_changed(cloud: Cloud) -> None:
    client = cloud.client("scheduler")
    role = "arn:aws:iam::123456789012:role/any"
    queue = "arn:aws:sqs:us-east-1:123456789012:q"
    schedule: dict[str, Any] = {
        "Name": "tasks",
        "ScheduleExpression": "rate(1 day)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
    }
    with pytest.raises(ClientError, match=f"schedule tasks {REFUSED}"):
        client.create_schedule(**schedule, Target={"Arn": TASKS, "RoleArn": role})
    client.create_schedule(**schedule, Target={"Arn": queue, "RoleArn": role})
    with pytest.raises(ClientError, match=f"schedule tasks {REFUSED}"):
        client.update_schedule(**schedule, Target={"Arn": TASKS, "RoleArn": role})
    assert client.get_schedule(Name="tasks")["Target"]["Arn"] == queue
