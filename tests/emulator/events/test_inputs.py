"""Targets are given what their rule says."""

import json
from typing import Any

import pytest

from emulator.events.inputs import target_input

EVENT = {
    "id": "i",
    "time": "2013-01-01T00:00:00Z",
    "detail": {"key": 'a "b"', "size": 3, "tags": ["x"], "none": None},
}
RULE = "arn:aws:events:us-east-1:123456789012:rule/bus/daily"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, EVENT),
        ({"Input": '{"model": "m"}'}, {"model": "m"}),
        ({"InputPath": "$.detail.tags[0]"}, "x"),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {
                        "k": "$.detail.key",
                        "s": "$.detail.size",
                        "t": "$.detail.tags",
                        "n": "$.no",
                    },
                    "InputTemplate": '{"k": <k>, "text": "key <k> of <s>", "t": <t>, "n": <n>, "s": <s>}',
                }
            },
            {"k": 'a "b"', "text": 'key a "b" of 3', "t": ["x"], "n": "", "s": 3},
        ),
        (
            {
                "InputTransformer": {
                    "InputTemplate": '{"rule": <aws.events.rule-name>, "e": <aws.events.event.json>}'
                }
            },
            {"rule": "daily", "e": EVENT},
        ),
        (
            {"InputTransformer": {"InputPathsMap": {"t": "$.time"}, "InputTemplate": '"at <t>"'}},
            "at 2013-01-01T00:00:00Z",
        ),
    ],
)
def test_target_receives_what_its_rule_declares(target: dict[str, Any], expected: object) -> None:
    assert json.loads(target_input(target, EVENT, rule_arn=RULE)) == expected
