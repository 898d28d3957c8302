"""Custom resources: a function of the template's author makes them, and answers at a URL when it has.

As in AWS the URL is a presigned one of an object; the object is looked for until it is there.
"""

import json
import time
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from emulator.resources.base import Made, Properties, Request, ResourceType, words

GENERIC = "AWS::CloudFormation::CustomResource"
PREFIX = "Custom::"
REFUSED = {
    "Custom::CrossRegionExportReader": "the local cloud is one region; give all stacks that one",
    "Custom::CrossRegionExportWriter": "the local cloud is one region; give all stacks that one",
}
"""Custom types of CDK whose functions cannot run here, and the way out."""
_LONGEST_SECONDS = 3600.0
_LOOK_EVERY_SECONDS = 0.05
_URL_LIFETIME_SECONDS = 7200


def is_custom(name: str) -> bool:
    """Tell whether a type is made by a function of the template's author.

    Examples
    --------
    >>> is_custom("Custom::Seed"), is_custom("AWS::SQS::Queue")
    (True, False)
    """
    return name == GENERIC or name.startswith(PREFIX)


@cache
def custom_type(name: str) -> ResourceType:
    """Give the entry of a custom type: all its properties go to its function.

    Parameters
    ----------
    name
        Such as ``Custom::Seed``.

    Returns
    -------
    ResourceType
        One that calls the function behind ``ServiceToken``.
    """
    return ResourceType(
        name,
        honoured=words("ServiceToken ServiceTimeout"),
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=words("ServiceToken"),
        note="made by the function behind its `ServiceToken`, which gets all properties",
    )


def _create(request: Request) -> Made:
    event = _event(request, "Create")
    try:
        return _ask(request, event, request.name)
    except _Failed as failed:
        # What a function has made before it failed is its own to remove: AWS asks it to, and so do we.
        _ask(request, {**event, "RequestType": "Delete", "PhysicalResourceId": failed.physical_id}, "")
        raise


def _update(request: Request, made: Made) -> Made:
    event = {
        **_event(request, "Update"),
        "PhysicalResourceId": made.physical_id,
        "OldResourceProperties": _as_text(made.properties),
    }
    return _ask(request, event, made.physical_id)


def _delete(request: Request, made: Made) -> None:
    event = {**_event(request, "Delete"), "PhysicalResourceId": made.physical_id}
    _ask(request, event, made.physical_id)


class _Failed(ValueError):
    """The function answered that it failed."""

    def __init__(self, reason: str, physical_id: str) -> None:
        super().__init__(f"the function answered FAILED: {reason}")
        self.physical_id = physical_id


def _event(request: Request, kind: str) -> Properties:
    return {
        "RequestType": kind,
        "RequestId": str(uuid.uuid4()),
        "StackId": request.stack_id,
        "ResourceType": request.type,
        "LogicalResourceId": request.logical_id,
        "ServiceToken": request.properties["ServiceToken"],
        "ResourceProperties": _as_text(request.properties),
    }


def _ask(request: Request, event: Properties, physical_id: str) -> Made:
    """Call the function, and wait for what it puts at the URL it is given."""
    token = str(request.properties["ServiceToken"])
    if ":lambda:" not in token:
        raise ValueError(f"ServiceToken is {token}; the local cloud asks functions only")
    s3, key = request.client("s3"), event["RequestId"]
    bucket = f"custom-resource-answers-{uuid.uuid4()}"
    s3.create_bucket(Bucket=bucket)
    try:
        place = {"Bucket": bucket, "Key": key}
        url = s3.generate_presigned_url("put_object", place, ExpiresIn=_URL_LIFETIME_SECONDS)
        _invoke(request, token, {**event, "ResponseURL": url})
        limit = float(request.properties.get("ServiceTimeout", _LONGEST_SECONDS))
        answer = _answer(s3, place, limit)
    finally:
        s3.delete_object(Bucket=bucket, Key=key)
        s3.delete_bucket(Bucket=bucket)
    named = str(answer.get("PhysicalResourceId") or physical_id)
    if answer.get("Status") != "SUCCESS":
        raise _Failed(str(answer.get("Reason", "without a reason")), named)
    return Made(named, dict(answer.get("Data") or {}))


def _invoke(request: Request, token: str, event: Properties) -> None:
    answer = request.client("lambda").invoke(FunctionName=token, Payload=json.dumps(event).encode())
    if "FunctionError" in answer:
        # AWS would wait an hour for an answer that cannot come any more.
        raise ValueError(
            f"{token} ended with an error before it answered: {answer['Payload'].read().decode()}"
        )


def _answer(s3: Any, place: Mapping[str, str], limit_seconds: float) -> dict[str, Any]:
    end = time.monotonic() + limit_seconds
    while True:
        try:
            found: dict[str, Any] = json.loads(s3.get_object(**place)["Body"].read())
        except ClientError as error:
            if time.monotonic() > end:
                raise ValueError(
                    f"the function did not answer at its ResponseURL within {limit_seconds:g} s"
                ) from error
            time.sleep(_LOOK_EVERY_SECONDS)
        else:
            return found


def _as_text(value: Any) -> Any:
    """Write numbers and truths as text, which is how CloudFormation hands them to functions."""
    if isinstance(value, Mapping):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None else str(value)
