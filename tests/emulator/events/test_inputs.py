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


@pytest.mark.parametrize(
    ("paths", "template", "expected"),
    [
        ({"d": "$.detail.tags"}, '"tags: <d>"', '"tags: [x]"'),  # a list loses its quotes inside quotes
        ({"d": "$.detail"}, '{"all": <d>}', json.dumps({"all": EVENT["detail"]})),
        ({"t": "$.detail.tags[*]"}, '{"t": <t>}', '{"t": ["x"]}'),
        ({"t": "$.detail.tags[5]"}, '{"t": "<t>", "u": <t>}', '{"t": "", "u": ""}'),
        ({}, '{"at": <aws.events.event.ingestion-time>}', '{"at": "2013-01-01T00:00:05Z"}'),
        ({}, '{"rule": "<aws.events.rule-arn>"}', f'{{"rule": "{RULE}"}}'),
        ({"s": "$.detail.size"}, '"first <s>"\n"second <s>"', '"first 3"\n"second 3"'),
        ({}, '{"other": "<unknown>"}', '{"other": "<unknown>"}'),
    ],
)
def test_template_is_filled_as_eventbridge_does(paths: dict[str, str], template: str, expected: str) -> None:
    transformer = {"InputPathsMap": paths, "InputTemplate": template}
    given = target_input(
        {"InputTransformer": transformer}, EVENT, rule_arn=RULE, ingested="2013-01-01T00:00:05Z"
    )
    assert given == expected
