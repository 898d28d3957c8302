"""CDK's ``AwsCustomResource``: an API call each for making, changing and removing it.

In AWS a Node program makes them. Here they are made without it, in the name of the role it would have.

References
----------
aws-cdk, packages/@aws-cdk/custom-resource-handlers/lib/custom-resources/aws-custom-resource-handler.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

from emulator.resources.base import Made, Request, ResourceType, words

NAMES = (
    "Custom::AWS",
    "Custom::CloudwatchLogResourcePolicy",
    "Custom::DescribeCognitoUserPoolClient",
)
"""The types CDK gives such resources; others, of an author's own, are refused with their program."""
_PHYSICAL_ID = "PHYSICAL:RESOURCEID:"
_SPECIAL = {"TRUE:BOOLEAN": True, "FALSE:BOOLEAN": False}
_NAMED_OTHERWISE = {
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "cognitoidentityserviceprovider": "cognito-idp",
    "eventbridge": "events",
    "sfn": "stepfunctions",
}
_CALL_FIELDS = words(
    "service action parameters physicalResourceId outputPaths ignoreErrorCodesMatching region apiVersion "
    "logApiResponseData"
)


def _create(request: Request) -> Made:
    return _call(request, "Create", request.logical_id)


def _update(request: Request, made: Made) -> Made:
    return _call(request, "Update", made.physical_id)


def _delete(request: Request, made: Made) -> None:
    _call(request, "Delete", made.physical_id)


def _call(request: Request, moment: str, physical_id: str) -> Made:
    """Make the call of one moment, if there is one, and read attributes and id from its answer."""
    if moment not in request.properties:
        return Made(physical_id)
    call: dict[str, Any] = json.loads(request.properties[moment])
    unknown = sorted(call.keys() - _CALL_FIELDS)
    if unknown:
        raise ValueError(f"{moment} has {unknown}, which the local cloud does not model")
    if call.get("region", request.services.region) != request.services.region:
        raise ValueError(f"{moment} calls region {call['region']}; the local cloud is one region")
    found = dict(_flat(_answer(request, call, physical_id)))
    paths = call.get("outputPaths") or [""]
    attributes = {name: value for name, value in found.items() if name.startswith(tuple(paths))}
    named = call.get("physicalResourceId") or {}
    return Made(str(named.get("id") or found.get(str(named.get("responsePath"))) or physical_id), attributes)


def _answer(request: Request, call: Mapping[str, Any], physical_id: str) -> Any:
    service = _service(str(call["service"]))
    parameters = _decoded(call.get("parameters") or {}, physical_id)
    method = xform_name(str(call["action"]).removesuffix("Command"))
    try:
        return getattr(_client(request, service), method)(**parameters)
    except ClientError as error:
        ignored = call.get("ignoreErrorCodesMatching")
        if ignored and re.search(ignored, error.response["Error"]["Code"]):
            return {}
        raise


def _client(request: Request, service: str) -> Any:
    """Make a client that acts for the role of the program that CDK would run."""
    function = request.client("lambda").get_function(FunctionName=request.properties["ServiceToken"])
    session = request.client("sts").assume_role(
        RoleArn=function["Configuration"]["Role"], RoleSessionName=function["Configuration"]["FunctionName"]
    )["Credentials"]
    return boto3.client(
        service,  # type: ignore[call-overload]  # any service's name
        region_name=request.services.region,
        endpoint_url=request.services.endpoint,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )


def _service(name: str) -> str:
    """Find boto3's name of a service by that of either version of the JavaScript SDK.

    Examples
    --------
    >>> _service("CloudWatchLogs"), _service("@aws-sdk/client-cloudwatch-logs"), _service("SSM")
    ('logs', 'logs', 'ssm')
    """
    plain = re.sub(r"[^a-z0-9]", "", name.lower().removeprefix("@aws-sdk/client-"))
    return _NAMED_OTHERWISE.get(plain, plain)


def _decoded(value: Any, physical_id: str) -> Any:
    """Put the physical id, and truths, in the place of the words that stand for them."""
    if isinstance(value, Mapping):
        return {key: _decoded(item, physical_id) for key, item in value.items()}
    if isinstance(value, list):
        return [_decoded(item, physical_id) for item in value]
    if value == _PHYSICAL_ID:
        return physical_id
    return _SPECIAL.get(value, value) if isinstance(value, str) else value


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Give an answer's values by their paths, as ``Fn::GetAtt`` asks for them.

    Examples
    --------
    >>> dict(_flat({"Parameter": {"Value": "v"}, "Names": ["a"]}))
    {'Parameter.Value': 'v', 'Names.0': 'a'}
    """
    if isinstance(value, Mapping):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    else:
        yield path, value
        return
    for name, part in parts:
        if path or name != "ResponseMetadata":
            yield from _flat(part, f"{path}.{name}" if path else str(name))


def _type(name: str) -> ResourceType:
    return ResourceType(
        name,
        honoured=words("Create Update Delete"),
        accepted={
            "InstallLatestAwsSdk": "boto3 makes the calls",
            "ServiceToken": "the model of this type makes the calls, as that function's role",
        },
        create=_create,
        update=_update,
        delete=_delete,
        answers_anything=True,
        note="CDK's `AwsCustomResource`",
    )


TYPES = tuple(_type(name) for name in NAMES)
