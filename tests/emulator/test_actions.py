"""API operations: those answered are listed, any other is refused by name in its service's protocol."""

from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from emulator import actions
from emulator.cloud import Cloud

DOCUMENT = Path(__file__).parents[2] / "docs" / "emulator.md"


@pytest.mark.parametrize(
    ("service", "call", "arguments", "named"),
    [
        (
            "lambda",
            "get_code_signing_config",
            {"CodeSigningConfigArn": "a" * 20},
            "lambda:GetCodeSigningConfig",
        ),
        (
            "dynamodb",
            "describe_contributor_insights",
            {"TableName": "any"},
            "dynamodb:DescribeContributorInsights",
        ),
        ("iam", "list_service_specific_credentials", {}, "iam:ListServiceSpecificCredentials"),
        ("s3", "get_bucket_request_payment", {"Bucket": "any"}, "s3:GetBucketRequestPayment"),
        ("cloudformation", "detect_stack_drift", {"StackName": "any"}, "cloudformation:DetectStackDrift"),
        ("logs", "list_anomalies", {}, "logs:ListAnomalies"),
    ],
)
def test_an_operation_that_is_not_answered_is_refused_by_name(
    cloud: Cloud, service: str, call: str, arguments: dict[str, Any], named: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(cloud.client(service), call)(**arguments)
    response = refused.value.response
    assert response["Error"]["Code"] == "UnsupportedOperation"
    assert f"does not answer {named}; docs/emulator.md lists" in response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_service_nobody_stands_behind_is_refused_where_moto_has_nothing(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="does not answer redshift:DescribeReservedNodes"):
        cloud.client("redshift").describe_reserved_nodes()


def test_what_is_answered_is_let_through(cloud: Cloud) -> None:
    client = cloud.client("s3")
    client.create_bucket(Bucket="answered")
    client.put_bucket_versioning(Bucket="answered", VersioningConfiguration={"Status": "Enabled"})
    upload = client.create_multipart_upload(Bucket="answered", Key="k")["UploadId"]
    client.abort_multipart_upload(Bucket="answered", Key="k", UploadId=upload)
    assert client.get_bucket_versioning(Bucket="answered")["Status"] == "Enabled"


def test_the_documented_operations_are_the_generated_ones(cloud: Cloud) -> None:
    assert cloud.endpoint
    assert actions.as_markdown() in DOCUMENT.read_text(), (
        "run `python -m emulator coverage --write docs/emulator.md`"
    )


def test_an_operation_its_api_does_not_have_is_a_bad_request_as_in_aws(cloud: Cloud) -> None:
    with urllib3.PoolManager(retries=False) as http:
        answer = http.request(
            "POST",
            cloud.endpoint,
            headers={
                "X-Amz-Target": "AmazonSQS.FlyAway",
                "Content-Type": "application/x-amz-json-1.0",
                "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, "
                f"SignedHeaders=host, Signature={'0' * 64}",
            },
            body=b"{}",
        )
    assert answer.status == 400
    assert answer.json()["__type"] == "UnknownOperationException"
