"""Which operation a request asks for, read from its wire form.

JSON services say it in ``X-Amz-Target``, query services in ``Action``; REST services mean it by method
and path, and for those botocore's own service models are matched the other way round.
"""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from botocore.exceptions import UnknownServiceError
from botocore.model import ServiceModel

from emulator import aws

_CFN_FORM = "application/x-www-form-urlencoded"
_SUBRESOURCES = {
    "uploads": {"POST": "CreateMultipartUpload", "GET": "ListMultipartUploads"},
    "uploadId": {
        "PUT": "UploadPart",
        "POST": "CompleteMultipartUpload",
        "DELETE": "AbortMultipartUpload",
        "GET": "ListParts",
    },
    "delete": {"POST": "DeleteObjects"},
    "versions": {"GET": "ListObjectVersions"},
    "tagging": {"GET": "GetObjectTagging", "PUT": "PutObjectTagging", "DELETE": "DeleteObjectTagging"},
}
_OBJECT = {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
_BUCKET = {
    "GET": "ListObjectsV2",
    "PUT": "CreateBucket",
    "HEAD": "HeadBucket",
    "DELETE": "DeleteBucket",
    "POST": "PostObject",
}


def operation_of(service: str, environ: dict[str, Any], body: bytes) -> str:
    """Name the operation a request asks for.

    Parameters
    ----------
    service
        Signing name of the service, such as ``s3``.
    environ
        WSGI environment.
    body
        The request's body.

    Returns
    -------
    str
        The API's name of the operation, such as ``PutObject``.

    Examples
    --------
    >>> operation_of("dynamodb", {"HTTP_X_AMZ_TARGET": "DynamoDB_20120810.GetItem"}, b"{}")
    'GetItem'
    >>> operation_of("s3", {"REQUEST_METHOD": "PUT", "PATH_INFO": "/bucket/key"}, b"")
    'PutObject'
    """
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return str(target).rpartition(".")[2]
    if str(environ.get("CONTENT_TYPE", "")).startswith(_CFN_FORM):
        action = parse_qs(body[:4096].decode("latin-1")).get("Action")
        if action:
            return action[0]
    if service == "s3":
        return _s3_operation(environ)
    query = parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)
    return _rest_operation(
        service, str(environ.get("REQUEST_METHOD")), str(environ.get("PATH_INFO")), frozenset(query)
    )


def _s3_operation(environ: dict[str, Any]) -> str:
    method = str(environ.get("REQUEST_METHOD"))
    bucket, _, key = str(environ.get("PATH_INFO", "/")).lstrip("/").partition("/")
    query = dict(parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True))
    for name, by_method in _SUBRESOURCES.items():
        if name in query and method in by_method:
            return by_method[method]
    if not bucket:
        return "ListBuckets"
    if not key:
        configuration = next((name for name in query if name not in _LISTING_PARAMETERS), None)
        return f"Bucket{method.title()}:{configuration}" if configuration else _BUCKET.get(method, method)
    if method == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in environ:
        return "CopyObject"
    return _OBJECT.get(method, method)


_LISTING_PARAMETERS = frozenset(
    {
        "list-type",
        "prefix",
        "delimiter",
        "max-keys",
        "continuation-token",
        "start-after",
        "encoding-type",
        "marker",
    }
)


Query = frozenset[tuple[str, str]]


def _rest_operation(service: str, method: str, path: str, query: Query) -> str:
    for http_method, pattern, asked, name in _rest_patterns(service):
        if http_method == method and asked <= query and pattern.fullmatch(path):
            return name
    return f"{method} {path}"


@lru_cache
def _rest_patterns(service: str) -> list[tuple[str, re.Pattern[str], Query, str]]:
    """List method, path pattern, fixed query and name of a REST service's operations, most exact first."""
    names = {"execute-api": "apigatewaymanagementapi", "apigateway": "apigatewayv2"}
    try:
        described = aws.service_models().load_service_model(names.get(service, service), "service-2")
    except UnknownServiceError:
        return []
    model = ServiceModel(described)
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http.get("requestUri", "/").partition("?")
        asked = frozenset(parse_qsl(query, keep_blank_values=True))
        pattern = re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
        pattern = re.sub(r"{[^}]*\\\+}", ".+", pattern)
        pattern = re.sub(r"{[^}]*}", "[^/]+", pattern)
        order = (path.count("{"), -len(asked))
        found.append((order, http.get("method", "POST"), re.compile(pattern + "/?"), asked, name))
    return [entry[1:] for entry in sorted(found, key=lambda entry: entry[0])]
