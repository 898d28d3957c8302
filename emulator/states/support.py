"""What a definition may say: the state types, fields, operators, functions and integrations that run here.

The lists are what moto's interpreter does with what it is given, less what it takes and ignores. They are
printed into the manual by ``python -m emulator coverage`` beside the resource types.
"""

import importlib
from functools import cache

from botocore.exceptions import UnknownServiceError
from botocore.model import ServiceModel
from moto import backends
from moto.core.responses import BaseResponse
from moto.core.utils import camelcase_to_underscores
from moto.stepfunctions.parser.asl.component.intrinsic.functionname.state_function_name_types import (
    StatesFunctionNameType,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_operator_type import (
    ComparisonOperatorType,
)

from emulator import aws


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STATE = _words("Type Comment QueryLanguage InputPath OutputPath")
_FLOW = _words("Next End Assign")
_TASKLIKE = _words("Parameters ResultSelector ResultPath Retry Catch")

FIELDS: dict[str, frozenset[str]] = {
    "Task": _STATE
    | _FLOW
    | _TASKLIKE
    | _words("Resource Credentials TimeoutSeconds TimeoutSecondsPath HeartbeatSeconds HeartbeatSecondsPath"),
    "Pass": _STATE | _FLOW | _words("Result ResultPath Parameters"),
    "Wait": _STATE | _FLOW | _words("Seconds SecondsPath Timestamp TimestampPath"),
    "Choice": _STATE | _words("Choices Default Assign"),
    "Succeed": _STATE,
    "Fail": _words("Type Comment QueryLanguage Error ErrorPath Cause CausePath"),
    "Parallel": _STATE | _FLOW | _TASKLIKE | _words("Branches"),
    "Map": _STATE
    | _FLOW
    | _TASKLIKE
    | _words("ItemProcessor Iterator ItemsPath ItemSelector MaxConcurrency MaxConcurrencyPath"),
}
"""Fields by state type."""

DISTRIBUTED_FIELDS = _words(
    "ItemReader ResultWriter Label ToleratedFailureCount ToleratedFailureCountPath "
    "ToleratedFailurePercentage ToleratedFailurePercentagePath"
)
"""Fields of a Map whose processor's mode is DISTRIBUTED."""

MACHINE_FIELDS = _words("Comment StartAt States TimeoutSeconds Version QueryLanguage ProcessorConfig")

RETRIER_FIELDS = _words(
    "ErrorEquals IntervalSeconds MaxAttempts BackoffRate MaxDelaySeconds JitterStrategy Comment"
)
CATCHER_FIELDS = _words("ErrorEquals Next ResultPath Assign Comment")

OPERATORS = frozenset(operator.name for operator in ComparisonOperatorType)
FUNCTIONS = frozenset(f"States.{name}" for name in StatesFunctionNameType.__members__)

READERS = ("arn:aws:states:::s3:getObject", "arn:aws:states:::s3:listObjectsV2")
WRITERS = ("arn:aws:states:::s3:putObject",)
INPUT_TYPES = ("CSV", "JSON")

_TOKEN = "waitForTaskToken"  # noqa: S105  the name of a way to wait, no secret
INTEGRATIONS: dict[str, tuple[str, ...]] = {
    "lambda:invoke": ("", _TOKEN),
    "sqs:sendMessage": ("", _TOKEN),
    "sns:publish": ("", _TOKEN),
    "events:putEvents": ("", _TOKEN),
    "states:startExecution": ("", "sync", "sync:2", _TOKEN),
    "dynamodb:getItem": ("",),
    "dynamodb:putItem": ("",),
    "dynamodb:updateItem": ("",),
    "dynamodb:deleteItem": ("",),
}
"""Optimized integrations, and how each may be waited for; `sdk_operations` gives those of `aws-sdk:`."""

SDK_WAITS = ("", _TOKEN)
_SDK_NAMES = {"sfn": "stepfunctions", "cloudwatchlogs": "logs", "eventbridge": "events"}


@cache
def sdk_operations(service: str) -> frozenset[str]:
    """Give the operations that a state may call as ``arn:aws:states:::aws-sdk:<service>:<operation>``.

    Parameters
    ----------
    service
        As it stands in the ARN.

    Returns
    -------
    frozenset of str
        The operations moto answers, in camel case; none for a service it does not have.

    Examples
    --------
    >>> "putObject" in sdk_operations("s3"), sdk_operations("braket")
    (True, frozenset())
    """
    name = _SDK_NAMES.get(service, service)
    try:
        model = ServiceModel(aws.service_models().load_service_model(name, "service-2"), name)
        backend = backends.get_backend(name)  # type: ignore[call-overload]  # one of moto's many literals
    except (UnknownServiceError, ImportError):
        return frozenset()
    answered = _answered(backend.backend.__module__.rpartition(".")[0])
    return frozenset(
        operation[0].lower() + operation[1:]
        for operation in model.operation_names
        if camelcase_to_underscores(operation) in answered
    )


def _answered(package: str) -> frozenset[str]:
    """Give the names of the methods with which a package of moto answers."""
    responses = importlib.import_module(f"{package}.responses")
    kinds = [
        kind for kind in vars(responses).values() if isinstance(kind, type) and issubclass(kind, BaseResponse)
    ]
    return frozenset(name for kind in kinds for name in dir(kind)) - frozenset(dir(BaseResponse))


def as_markdown() -> str:
    """Write the table for docs/emulator.md.

    Returns
    -------
    str
        A Markdown table of what a definition may say.
    """
    rows = [
        ("a machine", MACHINE_FIELDS - {"ProcessorConfig"}),
        *((f"a {kind} state", fields) for kind, fields in FIELDS.items()),
        ("a Map with the mode DISTRIBUTED, too", DISTRIBUTED_FIELDS),
        ("a retrier", RETRIER_FIELDS),
        ("a catcher", CATCHER_FIELDS),
        ("a choice rule", OPERATORS | _words("Variable Next Comment Assign And Or Not")),
        ("intrinsic functions", FUNCTIONS),
        ("`ItemReader` (CSV, JSON)", frozenset(READERS)),
        ("`ResultWriter`", frozenset(WRITERS)),
    ]
    lines = ["| in | may stand |", "|---|---|"]
    lines += [f"| {place} | {', '.join(f'`{name}`' for name in sorted(names))} |" for place, names in rows]
    for name, waits in INTEGRATIONS.items():
        ways = ", ".join(f"`.{wait}`" if wait else "without waiting" for wait in waits)
        lines.append(f"| the integration `{name}` | {ways} |")
    lines.append(
        "| `aws-sdk:service:action` | without waiting, `.waitForTaskToken`; actions as in the next table |"
    )
    return "\n".join(lines)
