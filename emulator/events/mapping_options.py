"""What an event source mapping may say, by the kind of its source; anything else is refused by name."""

import json
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError

from emulator.events.patterns import InvalidPatternError, check

_COMMON = frozenset(
    {
        "AccountId",
        "BatchSize",
        "Enabled",
        "EventSourceArn",
        "FilterCriteria",
        "FunctionArn",
        "FunctionName",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "RegionName",
        "Tags",
        "UUID",
    }
)
_OF_QUEUES = _COMMON | {"ScalingConfig"}
_OF_STREAMS = _COMMON | {
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "StartingPosition",
}
_POSITIONS = ("TRIM_HORIZON", "LATEST")
_RANGES = {
    "MaximumRetryAttempts": (-1, 10_000),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
    "ParallelizationFactor": (1, 10),
    "MaximumBatchingWindowInSeconds": (0, 300),
}
_DESTINATIONS = ("sqs", "sns")


def check_options(source_arn: str, spec: Mapping[str, Any], *, creating: bool) -> None:
    """Refuse what a mapping of this source does not do here.

    Parameters
    ----------
    source_arn
        The source.
    spec
        What was asked for.
    creating
        Whether the mapping is made now; then a stream needs a position to start from.

    Raises
    ------
    JsonRESTError
        Lambda's `InvalidParameterValueException`, naming what is wrong and what to do.
    """
    service = source_arn.split(":")[2] if source_arn.count(":") > 1 else ""
    if service not in {"sqs", "dynamodb"}:
        raise _refusal(
            "the local cloud takes events from SQS queues and DynamoDB streams only, not from "
            f"{source_arn!r}; have the source write to a queue"
        )
    known = _OF_QUEUES if service == "sqs" else _OF_STREAMS
    foreign = sorted(name for name, value in spec.items() if value is not None and name not in known)
    if foreign:
        raise _refusal(f"{', '.join(foreign)}: not an option of a mapping of {source_arn} here; leave it out")
    if service == "dynamodb":
        _check_stream(source_arn, spec, creating=creating)
    _check_ranges(spec)
    _check_filters(spec)


def _check_stream(source_arn: str, spec: Mapping[str, Any], *, creating: bool) -> None:
    position = spec.get("StartingPosition")
    if creating and position not in _POSITIONS:
        raise _refusal(
            f"StartingPosition is {position}; a mapping of {source_arn} takes {' or '.join(_POSITIONS)}"
        )
    destinations = dict(spec.get("DestinationConfig") or {})
    if (destinations.pop("OnSuccess", None) or {}).get("Destination"):
        raise _refusal("DestinationConfig.OnSuccess: a mapping of a stream has OnFailure only")
    arn = str((destinations.get("OnFailure") or {}).get("Destination") or "")
    if arn and arn.split(":")[2] not in _DESTINATIONS:
        raise _refusal(
            f"DestinationConfig.OnFailure is {arn}; the local cloud delivers to SQS queues and SNS topics"
        )


def _check_ranges(spec: Mapping[str, Any]) -> None:
    for name, (lowest, highest) in _RANGES.items():
        value = spec.get(name)
        if value is not None and not lowest <= int(value) <= highest:
            raise _refusal(f"{name} is {value}; it lies between {lowest} and {highest}")


def _check_filters(spec: Mapping[str, Any]) -> None:
    for entry in (spec.get("FilterCriteria") or {}).get("Filters") or []:
        try:
            check(json.loads(entry["Pattern"]))
        except (ValueError, KeyError, InvalidPatternError) as error:
            raise _refusal(f"Invalid filter pattern definition: {error}") from error


def _refusal(text: str) -> JsonRESTError:
    return JsonRESTError("InvalidParameterValueException", text)
