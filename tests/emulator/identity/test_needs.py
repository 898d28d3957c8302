"""Which permissions each request needs."""

import json
from typing import Any

import pytest

from emulator.identity.needs import needs_of
from emulator.identity.policy import Need
from emulator.identity.request import AwsRequest
from emulator.identity.s3_needs import listing_need

ACCOUNT = "us-east-1:123456789012"
TABLE = f"arn:aws:dynamodb:{ACCOUNT}:table"
CATALOG = f"arn:aws:glue:{ACCOUNT}"


def asked(request: AwsRequest) -> list[tuple[str, str]]:
    return [(need.action, need.resource) for need in needs_of(request)]


def s3(operation: str, path: str, query: dict[str, str] | None = None, **headers: str) -> AwsRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return AwsRequest("s3", operation, path=path, query=query or {}, headers=named)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (s3("GetObject", "/b/a/k"), [("s3:GetObject", "b/a/k")]),
        (s3("HeadObject", "/b/k"), [("s3:GetObject", "b/k")]),
        (s3("GetObject", "/b/k", {"versionId": "v"}), [("s3:GetObjectVersion", "b/k")]),
        (s3("PutObject", "/b/k"), [("s3:PutObject", "b/k")]),
        (
            s3("PutObject", "/b/k", x_amz_tagging="a=b"),
            [("s3:PutObject", "b/k"), ("s3:PutObjectTagging", "b/k")],
        ),
        (s3("UploadPart", "/b/k"), [("s3:PutObject", "b/k")]),
        (s3("AbortMultipartUpload", "/b/k"), [("s3:AbortMultipartUpload", "b/k")]),
        (s3("DeleteObject", "/b/k"), [("s3:DeleteObject", "b/k")]),
        (
            s3("CopyObject", "/b/k", x_amz_copy_source="/from/a%20b?versionId=v"),
            [("s3:PutObject", "b/k"), ("s3:GetObjectVersion", "from/a b")],
        ),
        (s3("ListObjectsV2", "/b"), [("s3:ListBucket", "b")]),
        (s3("HeadBucket", "/b/"), [("s3:ListBucket", "b")]),
    ],
)
def test_s3_asks_for_actions_on_objects_and_buckets(
    request_: AwsRequest, expected: list[tuple[str, str]]
) -> None:
    assert asked(request_) == [(action, f"arn:aws:s3:::{name}") for action, name in expected]


def test_a_listing_carries_its_prefix_and_a_missing_object_its_key() -> None:
    (listing,) = needs_of(s3("ListObjectsV2", "/b", {"prefix": "a/", "max-keys": "5"}))
    assert listing.context == {"s3:prefix": "a/", "s3:max-keys": "5"}
    missing = listing_need(s3("HeadObject", "/b/a/k"))
    assert missing == Need("s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": "a/k"})


def test_a_deletion_of_many_objects_asks_for_each() -> None:
    first, second = b"<Key>a&amp;b</Key>", b"<Key>c</Key><VersionId>1</VersionId>"
    body = b"<Delete><Object>" + first + b"</Object><Object>" + second + b"</Object></Delete>"
    assert asked(AwsRequest("s3", "DeleteObjects", path="/b", body=body)) == [
        ("s3:DeleteObject", "arn:aws:s3:::b/a&b"),
        ("s3:DeleteObjectVersion", "arn:aws:s3:::b/c"),
    ]


def test_a_subresource_without_a_mapping_is_not_taken_for_the_object() -> None:
    (need,) = needs_of(s3("GetObject", "/b/k", {"acl": ""}))
    assert (need.resource, need.mapped) == ("*", False)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        ("dynamodb", "UpdateItem", {"TableName": "t"}, [("dynamodb:UpdateItem", f"{TABLE}/t")]),
        ("dynamodb", "GetItem", {"TableName": f"{TABLE}/t"}, [("dynamodb:GetItem", f"{TABLE}/t")]),
        (
            "dynamodb",
            "Query",
            {"TableName": "t", "IndexName": "i"},
            [("dynamodb:Query", f"{TABLE}/t/index/i")],
        ),
        (
            "dynamodb",
            "BatchGetItem",
            {"RequestItems": {"u": {}, "t": {}}},
            [("dynamodb:BatchGetItem", f"{TABLE}/t"), ("dynamodb:BatchGetItem", f"{TABLE}/u")],
        ),
        (
            "dynamodb",
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "t"}}, {"ConditionCheck": {"TableName": "u"}}]},
            [("dynamodb:ConditionCheckItem", f"{TABLE}/u"), ("dynamodb:PutItem", f"{TABLE}/t")],
        ),
        ("dynamodb", "ListTables", {}, [("dynamodb:ListTables", "*")]),
        (
            "sqs",
            "SendMessageBatch",
            {"QueueUrl": "http://localhost:1/123456789012/q"},
            [("sqs:SendMessage", f"arn:aws:sqs:{ACCOUNT}:q")],
        ),
        ("sqs", "GetQueueUrl", {"QueueName": "q"}, [("sqs:GetQueueUrl", f"arn:aws:sqs:{ACCOUNT}:q")]),
        (
            "events",
            "PutEvents",
            {"Entries": [{"EventBusName": "b"}, {}, {"EventBusName": "b"}]},
            [
                ("events:PutEvents", f"arn:aws:events:{ACCOUNT}:event-bus/b"),
                ("events:PutEvents", f"arn:aws:events:{ACCOUNT}:event-bus/default"),
            ],
        ),
        (
            "events",
            "PutRule",
            {"Name": "r", "EventBusName": "b"},
            [("events:PutRule", f"arn:aws:events:{ACCOUNT}:rule/b/r")],
        ),
        ("states", "StartExecution", {"stateMachineArn": "arn:m"}, [("states:StartExecution", "arn:m")]),
        ("states", "DescribeExecution", {"executionArn": "arn:e"}, [("states:DescribeExecution", "arn:e")]),
        (
            "glue",
            "UpdateTable",
            {"DatabaseName": "d", "TableInput": {"Name": "t"}},
            [
                ("glue:UpdateTable", f"{CATALOG}:catalog"),
                ("glue:UpdateTable", f"{CATALOG}:database/d"),
                ("glue:UpdateTable", f"{CATALOG}:table/d/t"),
            ],
        ),
        (
            "glue",
            "GetDatabase",
            {"Name": "d"},
            [("glue:GetDatabase", f"{CATALOG}:catalog"), ("glue:GetDatabase", f"{CATALOG}:database/d")],
        ),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "g", "logStreamName": "s"},
            [("logs:PutLogEvents", f"arn:aws:logs:{ACCOUNT}:log-group:g:log-stream:s")],
        ),
        (
            "ssm",
            "GetParameters",
            {"Names": ["/a/b", "c"]},
            [
                ("ssm:GetParameters", f"arn:aws:ssm:{ACCOUNT}:parameter/a/b"),
                ("ssm:GetParameters", f"arn:aws:ssm:{ACCOUNT}:parameter/c"),
            ],
        ),
        ("monitoring", "PutMetricData", {}, [("cloudwatch:PutMetricData", "*")]),
    ],
)
def test_json_services_ask_for_actions_on_what_their_parameters_name(
    service: str, operation: str, parameters: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert asked(AwsRequest(service, operation, body=json.dumps(parameters).encode())) == expected


@pytest.mark.parametrize("name", ["f", f"arn:aws:lambda:{ACCOUNT}:function:f", "123456789012:function:f"])
def test_an_invocation_asks_for_the_function_however_it_is_named(name: str) -> None:
    path = f"/2015-03-31/functions/{name}/invocations"
    arn = f"arn:aws:lambda:{ACCOUNT}:function:f"
    assert asked(AwsRequest("lambda", "Invoke", path=path)) == [("lambda:InvokeFunction", arn)]
    qualified = AwsRequest("lambda", "Invoke", path=path, query={"Qualifier": "live"})
    assert asked(qualified) == [("lambda:InvokeFunction", f"{arn}:live")]


def test_query_services_ask_by_their_form() -> None:
    topic = f"arn:aws:sns:{ACCOUNT}:t"
    body = f"Action=Publish&TopicArn={topic.replace(':', '%3A')}&Message=m".encode()
    assert asked(AwsRequest("sns", "Publish", body=body)) == [("sns:Publish", topic)]
    assert asked(AwsRequest("sts", "GetCallerIdentity", body=b"Action=GetCallerIdentity")) == []


@pytest.mark.parametrize(
    ("service", "operation", "body"),
    [
        ("dynamodb", "TransactGetItems", b'{"TransactItems": [{"Get": {}}]}'),
        ("events", "PutEvents", b'{"Entries": ["x"]}'),
        ("sqs", "SendMessage", b"{"),
        ("s3", "DeleteObjects", b"<Delete/>"),
    ],
)
def test_a_malformed_request_asks_for_everything(service: str, operation: str, body: bytes) -> None:
    (need,) = needs_of(AwsRequest(service, operation, path="/b", body=body))
    assert need == Need(f"{service}:{operation}", "*", mapped=False)


def test_an_operation_without_a_mapping_asks_for_itself_on_everything() -> None:
    assert needs_of(AwsRequest("kms", "Decrypt")) == (Need("kms:Decrypt", "*", mapped=False),)
    assert needs_of(AwsRequest("dynamodb", "ExecuteStatement", body=b"{}")) == (
        Need("dynamodb:ExecuteStatement", "*", mapped=False),
    )
