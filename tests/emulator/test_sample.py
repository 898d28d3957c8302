"""The sample app, deployed from its cloud assembly and run: what each wire of it must do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulator.cloud import Cloud
from emulator.identity.credentials import ROOT_SECRET_KEY

Outputs = dict[str, str]


@pytest.fixture(scope="module")
def outputs(cloud: Cloud, sample_assembly: Path) -> Outputs:
    deployed = cloud.deploy(sample_assembly)
    return {key: value for stack in deployed.values() for key, value in stack.items()}


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager() as pool:
        yield pool


def words_of(cloud: Cloud, outputs: Outputs, file: str) -> str:
    item = cloud.client("dynamodb").get_item(TableName=outputs["FiguresTable"], Key={"file": {"S": file}})
    return str(item["Item"]["words"]["N"])


def signed(method: str, url: str, *, body: bytes, secret: str = ROOT_SECRET_KEY) -> dict[str, str]:
    request = AWSRequest(method, url, data=body)
    SigV4Auth(Credentials("test", secret), "execute-api", "us-east-1").add_auth(request)
    return dict(request.headers)


def test_an_upload_reaches_the_function_through_rule_and_queue(cloud: Cloud, outputs: Outputs) -> None:
    cloud.client("s3").put_object(Bucket=outputs["FilesBucket"], Key="a.txt", Body=b"one two three")
    cloud.settle(60)
    assert words_of(cloud, outputs, "a.txt") == "3"


def test_a_state_machine_runs_functions_side_by_side_in_a_map(cloud: Cloud, outputs: Outputs) -> None:
    for key, text in (("m1.txt", b"one"), ("m2.txt", b"one two")):
        cloud.client("s3").put_object(Bucket=outputs["FilesBucket"], Key=key, Body=text)
    machine = cloud.client("stepfunctions")
    files = [{"bucket": outputs["FilesBucket"], "key": key} for key in ("m1.txt", "m2.txt")]
    execution = machine.start_execution(
        stateMachineArn=outputs["MachineArn"], input=json.dumps({"files": files})
    )
    cloud.settle(60)
    done = machine.describe_execution(executionArn=execution["executionArn"])
    assert done["status"] == "SUCCEEDED"
    assert [each["words"] for each in json.loads(done["output"])["counts"]] == [1, 2]


def test_a_function_calls_aws_as_its_role(cloud: Cloud, outputs: Outputs) -> None:
    cloud.client("s3").put_object(Bucket=outputs["FilesBucket"], Key="role.txt", Body=b"one")
    cloud.settle(60)
    writers = {
        entry["principal"]
        for entry in cloud.meter.report()
        if entry["service"] == "dynamodb" and entry["operation"] == "PutItem"
    }
    assert len(writers) == 1
    assert writers.pop().startswith("arn:aws:iam::123456789012:role/SampleWords-countwords")


def test_a_state_machine_calls_aws_as_its_role(cloud: Cloud, outputs: Outputs) -> None:
    cloud.meter.clear()
    cloud.client("stepfunctions").start_execution(
        stateMachineArn=outputs["MachineArn"],
        input=json.dumps({"files": [{"bucket": outputs["FilesBucket"], "key": "m1.txt"}]}),
    )
    cloud.settle(60)
    invokers = {entry["principal"] for entry in cloud.meter.report() if entry["operation"] == "Invoke"}
    assert len(invokers) == 1
    assert invokers.pop().startswith("arn:aws:iam::123456789012:role/SampleWords-MachineRole")


def test_an_http_api_hands_the_request_over_in_payload_format_2(
    outputs: Outputs, http: urllib3.PoolManager
) -> None:
    url = outputs["ApiEndpoint"] + "/greetings/Ada%20L?x=1&x=2&y=%C3%A9"
    answer = http.request("GET", url, headers={"Cookie": "a=1; b=2", "X-Mine": "m"})
    event: dict[str, Any] = answer.json()
    assert answer.status == 201
    assert answer.headers["x-sample"] == "yes"
    assert event["version"] == "2.0"
    assert event["routeKey"] == "GET /greetings/{name}"
    assert event["rawPath"] == "/greetings/Ada L"
    assert event["pathParameters"] == {"name": "Ada L"}
    assert event["queryStringParameters"] == {"x": "1,2", "y": "é"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["x-mine"] == "m"
    assert event["requestContext"]["stage"] == "$default"


def test_an_http_api_returns_bytes_and_cookies(outputs: Outputs, http: urllib3.PoolManager) -> None:
    answer = http.request("GET", outputs["ApiEndpoint"] + "/greetings/bytes")
    assert answer.data == b"\x00\xff"
    assert answer.headers.getlist("set-cookie") == ["a=1", "b=2"]


def test_a_function_that_raises_is_an_internal_server_error(
    outputs: Outputs, http: urllib3.PoolManager
) -> None:
    answer = http.request("GET", outputs["ApiEndpoint"] + "/greetings/broken")
    assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})


def test_binary_bodies_arrive_as_base64(outputs: Outputs, http: urllib3.PoolManager) -> None:
    answer = http.request(
        "PUT",
        outputs["ApiEndpoint"] + "/files/a/b.bin",
        body=b"\x00\xff",
        headers={"Content-Type": "application/octet-stream"},
    )
    event = answer.json()
    assert event["pathParameters"] == {"proxy": "a/b.bin"}
    assert (event["body"], event["isBase64Encoded"]) == ("AP8=", True)


def test_an_iam_route_takes_only_what_is_signed_by_a_known_key(
    outputs: Outputs, http: urllib3.PoolManager
) -> None:
    url, body = outputs["ApiEndpoint"] + "/private/ada?b=2&a=1%202", b'{"x": 1}'
    forbidden = (403, b'{"message":"Forbidden"}')
    unsigned = http.request("POST", url, body=body)
    wrong_secret = http.request("POST", url, body=body, headers=signed("POST", url, secret="no", body=body))
    other_body = http.request("POST", url, body=b"{}", headers=signed("POST", url, body=body))
    other_path = http.request(
        "POST", url.replace("ada", "bob"), body=body, headers=signed("POST", url, body=body)
    )
    right = http.request("POST", url, body=body, headers=signed("POST", url, body=body))
    for answer in (unsigned, wrong_secret, other_body, other_path):
        assert (answer.status, answer.data) == forbidden
    assert right.status == 201
    assert right.json()["requestContext"]["authorizer"]["iam"]["userArn"] == "root"


def test_a_preflight_is_answered_for_allowed_origins_only(
    outputs: Outputs, http: urllib3.PoolManager
) -> None:
    url = outputs["ApiEndpoint"] + "/private/ada"
    asked = {"Access-Control-Request-Method": "POST"}
    allowed = http.request("OPTIONS", url, headers={**asked, "Origin": "https://app.example"})
    foreign = http.request("OPTIONS", url, headers={**asked, "Origin": "https://evil.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-origin" not in foreign.headers


def test_time_in_requests_is_the_cloud_s(cloud: Cloud, outputs: Outputs, http: urllib3.PoolManager) -> None:
    http.request("POST", f"{cloud.endpoint}/_local/clock", json={"set": "2099-03-01T00:00:00Z"})
    event = http.request("GET", outputs["ApiEndpoint"] + "/greetings/ada").json()
    assert event["requestContext"]["timeEpoch"] // 1000 == 4076006400


def test_deploying_the_same_again_changes_nothing(
    cloud: Cloud, outputs: Outputs, sample_assembly: Path
) -> None:
    before = cloud.resources()
    again = cloud.deploy(sample_assembly)
    assert {key: value for stack in again.values() for key, value in stack.items()} == outputs
    assert cloud.resources() == before


def test_deleting_the_stacks_leaves_only_what_is_retained(cloud: Cloud, outputs: Outputs) -> None:
    for stack in ("SampleWords", "SampleStorage"):
        cloud.client("cloudformation").delete_stack(StackName=stack)
    assert cloud.resources() == []
    assert cloud.client("lambda").list_functions()["Functions"] == []
    buckets = [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]
    assert outputs["FilesBucket"] not in buckets
    assert cloud.client("dynamodb").list_tables()["TableNames"] == [outputs["FiguresTable"]]
