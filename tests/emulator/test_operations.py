"""Which operation a request asks for, for each kind of protocol."""

from typing import Any

import pytest

from emulator.operations import operation_of


def request(method: str, path: str, query: str = "", **headers: str) -> dict[str, Any]:
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, **headers}


@pytest.mark.parametrize(
    ("service", "environ", "body", "operation"),
    [
        (
            "states",
            request("POST", "/", HTTP_X_AMZ_TARGET="AWSStepFunctions.StartExecution"),
            b"{}",
            "StartExecution",
        ),
        (
            "iam",
            request("POST", "/", CONTENT_TYPE="application/x-www-form-urlencoded; charset=utf-8"),
            b"Action=CreateRole&RoleName=r",
            "CreateRole",
        ),
        ("s3", request("GET", "/"), b"", "ListBuckets"),
        ("s3", request("GET", "/b", "list-type=2&prefix=x"), b"", "ListObjectsV2"),
        ("s3", request("GET", "/b/k"), b"", "GetObject"),
        ("s3", request("PUT", "/b/k", HTTP_X_AMZ_COPY_SOURCE="/b/other"), b"", "CopyObject"),
        ("s3", request("POST", "/b", "delete"), b"", "DeleteObjects"),
        ("s3", request("PUT", "/b/k", "partNumber=1&uploadId=u"), b"", "UploadPart"),
        ("s3", request("PUT", "/b", "versioning"), b"", "BucketPut:versioning"),
        ("lambda", request("POST", "/2015-03-31/functions/f/invocations"), b"", "Invoke"),
        ("lambda", request("GET", "/2015-03-31/functions/"), b"", "ListFunctions"),
        ("lambda", request("GET", "/2018-10-31/layers"), b"", "ListLayers"),
        (
            "lambda",
            request("GET", "/2018-10-31/layers", "find=LayerVersion&Arn=a"),
            b"",
            "GetLayerVersionByArn",
        ),
        ("apigateway", request("POST", "/v2/apis/a/routes"), b"", "CreateRoute"),
        ("nonsense", request("GET", "/x"), b"", "GET /x"),
    ],
)
def test_the_operation_is_read_from_the_wire(
    service: str, environ: dict[str, Any], body: bytes, operation: str
) -> None:
    assert operation_of(service, environ, body) == operation
