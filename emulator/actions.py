"""Which API operations are answered here; any other is refused by name instead of half done.

moto's classes are asked, as they are while a cloud runs: an operation is answered when a class of its service
has a method of its name. S3 is told by its own list, since moto finds its operations by path and query.
"""

import importlib
import inspect
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.model import ServiceModel
from moto.core.responses import BaseResponse
from moto.core.utils import camelcase_to_underscores

from emulator import aws
from emulator.deploy.api import OPERATIONS as CLOUDFORMATION
from emulator.http_api.response import HttpResponse
from emulator.resources.base import words

CODE = "UnsupportedOperation"
_STATUS = 501
_S3_BY_PATH = words(
    "CompleteMultipartUpload CreateBucket CreateMultipartUpload DeleteObjects GetBucketTagging ListBuckets "
    "GetBucketLifecycleConfiguration GetBucketNotificationConfiguration GetObjectRetention RestoreObject "
    "PutBucketAccelerateConfiguration PutBucketAcl PutBucketCors PutBucketEncryption PutBucketVersioning "
    "PutBucketInventoryConfiguration PutBucketLifecycleConfiguration PutBucketLogging PutBucketWebsite "
    "PutBucketNotificationConfiguration PutBucketOwnershipControls PutBucketPolicy PutBucketReplication "
    "PutBucketTagging PutObjectLockConfiguration PutPublicAccessBlock SelectObjectContent"
)

_WITHOUT_EFFECT = {
    "lambda": words(
        "CreateFunctionUrlConfig DeleteFunctionUrlConfig GetFunctionUrlConfig UpdateFunctionUrlConfig "
        "GetFunctionCodeSigningConfig"
    ),
}
"""What moto would answer though nothing stands behind it: no URL of a function is served here."""


@dataclass(frozen=True)
class Service:
    """A service this cloud stands behind: its names in signatures, in botocore, in moto."""

    signing: str
    model: str
    module: str


SERVICES = tuple(
    Service(*names.split())
    for names in (
        "apigateway apigatewayv2 apigatewayv2",
        "cloudformation cloudformation cloudformation",
        "monitoring cloudwatch cloudwatch",
        "cognito-idp cognito-idp cognitoidp",
        "dynamodb dynamodb dynamodb",
        "dynamodb dynamodbstreams dynamodbstreams",
        "ecr ecr ecr",
        "events events events",
        "glue glue glue",
        "iam iam iam",
        "kms kms kms",
        "lambda lambda awslambda",
        "logs logs logs",
        "s3 s3 s3",
        "scheduler scheduler scheduler",
        "secretsmanager secretsmanager secretsmanager",
        "sns sns sns",
        "sqs sqs sqs",
        "ssm ssm ssm",
        "states stepfunctions stepfunctions",
        "sts sts sts",
    )
)


def refusal(service: str | None, operation: str, environ: Mapping[str, Any]) -> HttpResponse | None:
    """Refuse a request for an operation that nobody here would answer.

    Parameters
    ----------
    service
        Signing name of the service; None when the request is unsigned.
    operation
        What it asks for, as `operations.operation_of` names it.
    environ
        WSGI environment.

    Returns
    -------
    HttpResponse or None
        The refusal in the service's protocol; None lets the request through.
    """
    about = _service(service, environ)
    if about is None:
        return None
    asked = _s3_operation(environ) if about.model == "s3" else operation
    if asked is None or asked in answered(about):
        return None
    if asked in operation_names(about):
        return refused(about.model, asked, environ)
    return _unknown(about.model, asked, environ) if environ.get("HTTP_X_AMZ_TARGET") else None


def refused(service: str, operation: str, environ: Mapping[str, Any]) -> HttpResponse:
    """Write a refusal in the protocol a request was made in.

    Parameters
    ----------
    service, operation
        What was asked for.
    environ
        WSGI environment, which tells the protocol.

    Returns
    -------
    HttpResponse
        Status 501, which no client tries again, with the code ``UnsupportedOperation``.
    """
    text = (
        f"the local cloud does not answer {service}:{operation}; docs/emulator.md lists the operations it "
        "answers: use another, or add this one to emulator/"
    )
    return _error(service, environ, status=_STATUS, code=CODE, text=text)


def _unknown(service: str, operation: str, environ: Mapping[str, Any]) -> HttpResponse:
    """Answer as AWS does where its API has no such operation either."""
    text = f"the API of {service} has no operation {operation}"
    return _error(
        service, environ, status=HTTPStatus.BAD_REQUEST, code="UnknownOperationException", text=text
    )


def _error(service: str, environ: Mapping[str, Any], *, status: int, code: str, text: str) -> HttpResponse:
    request_id = str(uuid.uuid4())
    headers = [("x-amzn-requestid", request_id), ("x-amzn-errortype", code)]
    content_type = str(environ.get("CONTENT_TYPE", ""))
    if service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
        return HttpResponse(status, (("content-type", "application/xml"), *headers), body.encode())
    if content_type.startswith("application/x-www-form-urlencoded"):
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
        body = f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
        return HttpResponse(status, (("content-type", "text/xml"), *headers), body.encode())
    answer = json.dumps({"__type": code, "message": text, "Message": text}).encode()
    kind = content_type if "json" in content_type else "application/json"
    return HttpResponse(status, (("content-type", kind), *headers), answer)


def answered(service: Service) -> frozenset[str]:
    """List the operations of a service that are answered.

    Parameters
    ----------
    service
        One of `SERVICES`.

    Returns
    -------
    frozenset of str
        Names as the API has them.
    """
    if service.model == "cloudformation":
        return frozenset(CLOUDFORMATION)
    by_path = _S3_BY_PATH if service.model == "s3" else frozenset()
    classes = _responses(service.module)
    names = operation_names(service)
    held = by_path | {name for name in names if any(hasattr(each, names[name]) for each in classes)}
    return held - _WITHOUT_EFFECT.get(service.model, frozenset())


def changed_here(service: Service) -> frozenset[str]:
    """List the answered operations whose method, of the API or of the state behind it, is the emulator's own.

    Parameters
    ----------
    service
        One of `SERVICES`.

    Returns
    -------
    frozenset of str
        Names as the API has them; what is changed deeper inside is not seen here.
    """
    if service.model == "cloudformation":
        return frozenset(CLOUDFORMATION)
    name = "lambda" if service.model == "lambda" else service.module
    holders: list[Any] = [*_responses(service.module), type(aws.backend(name))]
    methods = operation_names(service)
    return frozenset(
        name
        for name in answered(service)
        for holder in holders
        if str(getattr(getattr(holder, methods[name], None), "__module__", "")).startswith("emulator.")
    )


def as_markdown() -> str:
    """Write the table for docs/emulator.md; a cloud has to be running, so that what it adds is seen.

    Returns
    -------
    str
        A Markdown table, one row per service.
    """
    lines = ["| service | of | answered; **bold**: by the local cloud's own code |", "|---|---|---|"]
    for service in SERVICES:
        ours = changed_here(service)
        names = sorted(answered(service))
        listed = ", ".join(f"**{name}**" if name in ours else name for name in names)
        lines.append(f"| `{service.model}` | {len(names)}/{len(operation_names(service))} | {listed} |")
    return "\n".join(lines)


@cache
def operation_names(service: Service) -> Mapping[str, str]:
    """Give moto's method name by API name, for every operation the API has."""
    model = ServiceModel(aws.service_models().load_service_model(service.model, "service-2"))
    return {name: camelcase_to_underscores(name) for name in model.operation_names}


def _service(signing: str | None, environ: Mapping[str, Any]) -> Service | None:
    streams = str(environ.get("HTTP_X_AMZ_TARGET", "")).startswith("DynamoDBStreams")
    if signing == "apigateway" and not str(environ.get("PATH_INFO", "")).startswith("/v2/"):
        return None
    for service in SERVICES:
        if service.signing == signing and streams is (service.model == "dynamodbstreams"):
            return service
    return None


@cache
def _responses(module: str) -> tuple[type, ...]:
    """Find the classes that answer a service's requests."""
    loaded = importlib.import_module(f"moto.{module}.responses")
    return tuple(
        each
        for each in vars(loaded).values()
        if inspect.isclass(each) and issubclass(each, BaseResponse) and each.__module__ == loaded.__name__
    )


def _s3_operation(environ: Mapping[str, Any]) -> str | None:
    """Name the operation that a query such as ``?versioning`` asks for; None without such a query."""
    query = set(dict(parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)))
    key = str(environ.get("PATH_INFO", "/")).lstrip("/").partition("/")[2]
    method = str(environ.get("REQUEST_METHOD"))
    found = [
        (len(asked), name)
        for verb, of_key, asked, name in _s3_queries()
        if verb == method and of_key == bool(key) and asked <= query
    ]
    # Of two names for one request, such as PutBucketLifecycle, the later is the current one.
    return max(found)[1] if found else None


@cache
def _s3_queries() -> list[tuple[str, bool, frozenset[str], str]]:
    model = ServiceModel(aws.service_models().load_service_model("s3", "service-2"))
    return list(_with_query(model))


def _with_query(model: ServiceModel) -> Iterable[tuple[str, bool, frozenset[str], str]]:
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, text = str(http["requestUri"]).partition("?")
        asked = frozenset(dict(parse_qsl(text, keep_blank_values=True))) - {"x-id", "list-type"}
        if asked:
            yield str(http["method"]), "{Key+}" in path, asked, name
