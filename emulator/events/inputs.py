"""What a rule's target is given: the event itself, `Input`, `InputPath` or `InputTransformer`.

A transformer's variable stands for a JSON value where a value can stand: text is given its quotes. Inside
quotes it stands for its text; an object or a list loses its own quotes there, as in AWS. A variable whose
path leads nowhere is empty text.

References
----------
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.\-]+)>")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\*)\]|\['([^']*)'\]")
_QUOTE = re.compile(r'(?<!\\)"')
_EVERY = "*"
_NOWHERE = object()


def target_input(
    target: Mapping[str, Any], event: Mapping[str, Any], *, rule_arn: str, ingested: str = ""
) -> str:
    """Compute the JSON text a target receives.

    Parameters
    ----------
    target
        Target of a rule, as `PutTargets` takes it.
    event
        The whole event.
    rule_arn
        For `<aws.events.rule-arn>` and `<aws.events.rule-name>`.
    ingested
        For `<aws.events.event.ingestion-time>`: when the event came, ISO 8601.

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
        predefined = {
            "aws.events.rule-arn": rule_arn,
            "aws.events.rule-name": rule_arn.rsplit("/", 1)[-1],
            "aws.events.event.ingestion-time": ingested,
            "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
            "aws.events.event.json": event,
        }
        return _transform(transformer, event, predefined)
    path = target.get("InputPath")
    return json.dumps(event if path is None else read_path(path, event))


def read_path(path: str, document: Any) -> Any:
    """Follow a JSON path of names, indices and wildcards; None where it leads nowhere.

    Examples
    --------
    >>> read_path("$.a[1].b-c", {"a": [0, {"b-c": 5}]}), read_path("$.x", {})
    (5, None)
    >>> read_path("$.a[*].n", {"a": [{"n": 1}, {"m": 2}, {"n": 3}]})
    [1, 3]
    """
    found = _follow(_STEP.findall(path.removeprefix("$")), document)
    return None if found is _NOWHERE else found


def _follow(steps: list[tuple[str, str, str]], document: Any) -> Any:
    if not steps:
        return document
    (name, index, quoted), *rest = steps
    if _EVERY in {name, index}:
        values = document.values() if isinstance(document, dict) else document
        if not isinstance(document, dict | list):
            return _NOWHERE
        found = (_follow(rest, value) for value in values)
        return [value for value in found if value is not _NOWHERE]
    if index:
        place = int(index)
        inside = isinstance(document, list) and place < len(document)
        return _follow(rest, document[place]) if inside else _NOWHERE
    key = name or quoted
    inside = isinstance(document, dict) and key in document
    return _follow(rest, document[key]) if inside else _NOWHERE


def _transform(
    transformer: Mapping[str, Any], event: Mapping[str, Any], predefined: Mapping[str, Any]
) -> str:
    values = dict(predefined)
    for name, path in (transformer.get("InputPathsMap") or {}).items():
        found = _follow(_STEP.findall(path.removeprefix("$")), event)
        values[name] = "" if found is _NOWHERE else found
    template = transformer["InputTemplate"]
    parts: list[str] = []
    position = 0
    in_string = False
    for match in _PLACEHOLDER.finditer(template):
        before = template[position : match.start()]
        in_string ^= len(_QUOTE.findall(before)) % 2 == 1
        parts += [before, _rendered(match, values, in_string=in_string)]
        position = match.end()
    return "".join([*parts, template[position:]])


def _rendered(match: re.Match[str], values: Mapping[str, Any], *, in_string: bool) -> str:
    if match[1] not in values:
        return match[0]
    value = values[match[1]]
    if not in_string:
        return json.dumps(value)
    if isinstance(value, dict | list):
        return json.dumps(value).replace('"', "")
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]
