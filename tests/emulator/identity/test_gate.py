"""Roles held against their policies by a running cloud: one refused and one allowed call per protocol."""

import json
import timeit
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from emulator.cloud import Cloud
from emulator.identity.credentials import ROOT_CREDENTIALS, Identity
from emulator.identity.guard import Guard
from emulator.identity.policy import Need

ACCOUNT = "us-east-1:123456789012"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """Run a cloud that enforces, with one of everything."""
    with Cloud(port=0, enforce_iam=True) as running:
        running.client("s3").create_bucket(Bucket="files")
        running.client("s3").put_object(Bucket="files", Key="a/one", Body=b"1")
        running.client("dynamodb").create_table(
            TableName="figures",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        )
        running.client("sqs").create_queue(QueueName="work")
        running.client("sns").create_topic(Name="news")
        running.client("events").create_event_bus(Name="bus")
        running.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)
        yield running


def client(cloud: Cloud, service: str, role: str = "worker") -> Any:
    credentials = cloud.identities.of_role(f"arn:aws:iam::123456789012:role/{role}", "tests")
    session = boto3.Session(
        credentials.access_key, credentials.secret_key, credentials.session_token, region_name="us-east-1"
    )
    return session.client(  # type: ignore[call-overload]  # any service's name
        service, endpoint_url=cloud.endpoint, config=Config(retries={"max_attempts": 0})
    )


def allow(cloud: Cloud, *statements: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **entry} for entry in statements]}
    cloud.client("iam").put_role_policy(
        RoleName="worker", PolicyName="own", PolicyDocument=json.dumps(document)
    )


CALLS: list[tuple[str, str, str, str, Callable[[Any], Any]]] = [
    (
        "s3",
        "s3:GetObject",
        "arn:aws:s3:::files/a/one",
        "AccessDenied",
        lambda c: c.get_object(Bucket="files", Key="a/one"),
    ),
    (
        "s3",
        "s3:ListBucket",
        "arn:aws:s3:::files",
        "AccessDenied",
        lambda c: c.list_objects_v2(Bucket="files"),
    ),
    (
        "dynamodb",
        "dynamodb:GetItem",
        f"arn:aws:dynamodb:{ACCOUNT}:table/figures",
        "AccessDeniedException",
        lambda c: c.get_item(TableName="figures", Key={"k": {"S": "x"}}),
    ),
    (
        "sqs",
        "sqs:SendMessage",
        f"arn:aws:sqs:{ACCOUNT}:work",
        "AccessDenied",
        lambda c: c.send_message(QueueUrl=f"{c.meta.endpoint_url}/123456789012/work", MessageBody="m"),
    ),
    (
        "events",
        "events:PutEvents",
        f"arn:aws:events:{ACCOUNT}:event-bus/bus",
        "AccessDeniedException",
        lambda c: c.put_events(
            Entries=[{"EventBusName": "bus", "Source": "s", "DetailType": "d", "Detail": "{}"}]
        ),
    ),
    (
        "sns",
        "sns:Publish",
        f"arn:aws:sns:{ACCOUNT}:news",
        "AuthorizationError",
        lambda c: c.publish(TopicArn=f"arn:aws:sns:{ACCOUNT}:news", Message="m"),
    ),
    (
        "lambda",
        "lambda:GetFunction",
        f"arn:aws:lambda:{ACCOUNT}:function:none",
        "AccessDeniedException",
        lambda c: c.get_function(FunctionName="none"),
    ),
]


@pytest.mark.parametrize(("service", "action", "resource", "code", "call"), CALLS)
def test_a_call_is_refused_until_a_policy_allows_it(  # noqa: PLR0917 - the columns of the table
    cloud: Cloud, service: str, action: str, resource: str, code: str, call: Callable[[Any], Any]
) -> None:
    allow(cloud, {"Action": "none:None", "Resource": "*"})
    with pytest.raises(ClientError) as refused:
        call(client(cloud, service))
    assert refused.value.response["Error"]["Code"] == code
    assert (
        "User: arn:aws:sts::123456789012:assumed-role/worker/tests is not authorized to perform: "
        f"{action} on resource: {resource} because no identity-based policy allows the {action} action"
    ) in str(refused.value)
    assert json.dumps({"Effect": "Allow", "Action": action, "Resource": resource}) in str(refused.value)
    allow(cloud, {"Action": action, "Resource": resource})
    if service == "lambda":
        with pytest.raises(ClientError, match="ResourceNotFound"):
            call(client(cloud, service))
    else:
        call(client(cloud, service))


def test_who_may_not_list_a_bucket_is_not_told_that_an_object_is_missing(cloud: Cloud) -> None:
    read = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/*"}
    allow(cloud, read)
    s3 = client(cloud, "s3")
    with pytest.raises(ClientError, match="403"):
        s3.head_object(Bucket="files", Key="missing")
    with pytest.raises(ClientError, match="s3:ListBucket"):
        s3.get_object(Bucket="files", Key="missing")
    assert s3.head_object(Bucket="files", Key="a/one")["ContentLength"] == 1
    listing = {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::files"}
    allow(cloud, read, {**listing, "Condition": {"StringLike": {"s3:prefix": ["miss*"]}}})
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="files", Key="missing")


def test_a_prefix_bounds_what_is_listed(cloud: Cloud) -> None:
    allow(
        cloud,
        {
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::files",
            "Condition": {"StringLike": {"s3:prefix": ["a/*"]}},
        },
    )
    s3 = client(cloud, "s3")
    assert s3.list_objects_v2(Bucket="files", Prefix="a/")["KeyCount"] == 1
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket="files", Prefix="b/")


def test_managed_policies_count_and_a_boundary_narrows_them(cloud: Cloud) -> None:
    iam = cloud.client("iam")
    document = {"Statement": {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}, "Version": "2012-10-17"}
    policy = iam.create_policy(PolicyName="queues", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    iam.create_role(RoleName="bounded", AssumeRolePolicyDocument=TRUST)
    sqs = client(cloud, "sqs", "bounded")
    with pytest.raises(ClientError, match="identity-based policy"):
        sqs.list_queues()
    iam.attach_role_policy(RoleName="bounded", PolicyArn=policy)
    assert sqs.list_queues()["QueueUrls"]
    narrow = {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, "Version": "2012-10-17"}
    boundary = iam.create_policy(PolicyName="narrow", PolicyDocument=json.dumps(narrow))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="bounded", PermissionsBoundary=boundary)
    with pytest.raises(ClientError, match="because no permissions boundary allows the sqs:ListQueues action"):
        sqs.list_queues()


def test_an_operation_without_a_mapping_is_refused_and_the_message_says_why(cloud: Cloud) -> None:
    allow(cloud, {"Action": "ecr:*", "Resource": f"arn:aws:ecr:{ACCOUNT}:repository/one"})
    with pytest.raises(ClientError, match="does not know which resource this operation is about"):
        client(cloud, "ecr").describe_repositories()
    allow(cloud, {"Action": "ecr:*", "Resource": "*"})
    assert client(cloud, "ecr").describe_repositories()["repositories"] == []


def test_a_role_that_does_not_exist_may_do_nothing_but_ask_who_it_is(cloud: Cloud) -> None:
    assert client(cloud, "sts", "ghost").get_caller_identity()["Account"] == "123456789012"
    with pytest.raises(ClientError, match="ghost/tests is not authorized"):
        client(cloud, "s3", "ghost").list_buckets()


def _echo_api(cloud: Cloud) -> str:
    api = cloud.client("apigatewayv2")
    api_id = str(api.create_api(Name="api", ProtocolType="HTTP")["ApiId"])
    integration = api.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=f"arn:aws:lambda:{ACCOUNT}:function:none",
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    api.create_route(
        ApiId=api_id,
        RouteKey="GET /pets/{id}",
        AuthorizationType="AWS_IAM",
        Target=f"integrations/{integration}",
    )
    api.create_stage(ApiId=api_id, StageName="$default")
    return api_id


def test_a_route_with_iam_asks_for_leave_to_invoke_it(cloud: Cloud) -> None:
    api_id = _echo_api(cloud)
    key = cloud.identities.of_role("arn:aws:iam::123456789012:role/worker", "tests")
    url = f"{cloud.endpoint}/_api/{api_id}/pets/1"

    def call() -> tuple[int, str]:
        request = AWSRequest("GET", url, headers={"host": cloud.endpoint.removeprefix("http://")})
        SigV4Auth(
            Credentials(key.access_key, key.secret_key, key.session_token), "execute-api", "us-east-1"
        ).add_auth(request)
        with urllib3.PoolManager() as http:
            answer = http.request("GET", url, headers=dict(request.headers.items()))
        return answer.status, answer.data.decode()

    arn = f"arn:aws:execute-api:{ACCOUNT}:{api_id}/$default/GET/pets/1"
    allow(cloud, {"Action": "none:None", "Resource": "*"})
    status, text = call()
    assert status == 403
    assert f"execute-api:Invoke on resource: {arn}" in text
    allow(
        cloud,
        {"Action": "execute-api:Invoke", "Resource": f"arn:aws:execute-api:{ACCOUNT}:{api_id}/*/GET/pets/*"},
    )
    assert call()[0] == 500  # it came as far as the function, which does not exist


def test_refused_calls_are_counted_for_the_role(cloud: Cloud) -> None:
    cloud.meter.clear()
    allow(cloud, {"Action": "none:None", "Resource": "*"})
    with pytest.raises(ClientError):
        client(cloud, "s3").list_buckets()
    (entry,) = [entry for entry in cloud.meter.report() if entry["principal"].endswith("role/worker")]
    assert (entry["operation"], entry["calls"], entry["errors"]) == ("ListBuckets", 1, 1)


def test_root_may_do_everything_and_a_check_costs_far_less_than_a_tenth_of_a_millisecond(
    cloud: Cloud,
) -> None:
    guard = Guard("us-east-1", enforced=True)
    role = cloud.identities.as_role("arn:aws:iam::123456789012:role/worker", "tests")
    allow(cloud, {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/*"})
    need = [Need("s3:GetObject", "arn:aws:s3:::files/a")]
    assert guard.check(role, need) is None
    assert min(timeit.repeat(lambda: guard.check(role, need), number=200, repeat=5)) / 200 < 1e-4
    root = cloud.identities.find("test")
    assert not guard.guards(root)


def test_without_enforcement_policies_are_recorded_only() -> None:
    guard = Guard("us-east-1", enforced=False)
    assert not guard.guards(Identity("arn:aws:iam::1:role/any", ROOT_CREDENTIALS, "one"))
