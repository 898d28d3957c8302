"""What a rule's target is given: the event itself, `Input`, `InputPath` or `InputTransformer`."""

import json
import re
from collections.abc import Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.\-]+)>")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\['([^']*)'\]")


def target_input(target: Mapping[str, Any], event: Mapping[str, Any], *, rule_arn: str) -> str:
    """Compute the JSON text a target receives.

    Parameters
    ----------
    target
        Target of a rule, as `PutTargets` takes it.
    event
        The whole event.
    rule_arn
        For `<aws.events.rule-arn>` and `<aws.events.rule-name>`.

    Returns
    -------
    str
        JSON.

    Examples
    --------
    >>> event = {"time": "T", "detail": {"key": "a", "size": 3}}
    >>> target_input({"InputPath": "$.detail"}, event, rule_arn="")
    '{"key": "a", "size": 3}'
    >>> target_input({"InputTransformer": {"InputPathsMap": {"k": "$.detail.key", "n": "$.detail.size"},
    ...     "InputTemplate": '{"file": "s3:<k>", "key": <k>, "n": <n>}'}}, event, rule_arn="")
    '{"file": "s3:a", "key": "a", "n": 3}'
    """
    if target.get("Input") is not None:
        given = target["Input"]
        return given if isinstance(given, str) else json.dumps(given)
    transformer = target.get("InputTransformer")
    if transformer:
        return _transform(transformer, event, rule_arn)
    path = target.get("InputPath")
    return json.dumps(event if path is None else read_path(path, event))


def read_path(path: str, document: Any) -> Any:
    """Follow a JSON path of names and indices; None where it leads nowhere.

    Examples
    --------
    >>> read_path("$.a[1].b-c", {"a": [0, {"b-c": 5}]}), read_path("$.x", {})
    (5, None)
    """
    found = document
    for step in _STEP.finditer(path.removeprefix("$")):
        name, index, quoted = step.groups()
        key = name if name is not None else quoted
        if index is not None:
            found = found[int(index)] if isinstance(found, list) and int(index) < len(found) else None
        else:
            found = found.get(key) if isinstance(found, dict) else None
    return found


def _transform(transformer: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str) -> str:
    values = {name: read_path(path, event) for name, path in (transformer.get("InputPathsMap") or {}).items()}
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rsplit("/", 1)[-1],
        "aws.events.event.ingestion-time": event.get("time"),
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
        "aws.events.event.json": event,
    }
    template = transformer["InputTemplate"]
    parts: list[str] = []
    position = 0
    in_string = False
    for match in _PLACEHOLDER.finditer(template):
        before = template[position : match.start()]
        in_string ^= len(re.findall(r'(?<!\\)"', before)) % 2 == 1
        parts.append(before)
        parts.append(_rendered(match, values, in_string=in_string))
        position = match.end()
    return "".join([*parts, template[position:]])


def _rendered(match: re.Match[str], values: Mapping[str, Any], *, in_string: bool) -> str:
    if match[1] not in values:
        return match[0]
    value = values[match[1]]
    if not in_string:
        return json.dumps(value)
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]
