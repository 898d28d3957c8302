"""An app that knows nothing of the local cloud runs on it, seen from outside: over HTTP and boto3."""

import json
from typing import Any

import pytest

from bench.clouds import LocalCloud


@pytest.fixture(scope="module")
def outputs(cloud: LocalCloud) -> dict[str, str]:
    stack = cloud.client("cloudformation").describe_stacks(StackName="Orders")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def settle(cloud: LocalCloud) -> None:
    answer = cloud.http.request("POST", f"{cloud.endpoint}/_local/settle", json={})
    assert answer.status == 200, answer.data


def advance(cloud: LocalCloud, seconds: int) -> None:
    answer = cloud.http.request("POST", f"{cloud.endpoint}/_local/clock", json={"advance_seconds": seconds})
    assert answer.status == 200, answer.data


@pytest.fixture(scope="module", autouse=True)
def noon(cloud: LocalCloud) -> None:
    answer = cloud.http.request(
        "POST", f"{cloud.endpoint}/_local/clock", json={"set": "2030-05-01T12:00:00Z"}
    )
    assert answer.status == 200, answer.data


def place(cloud: LocalCloud, outputs: dict[str, str], customer: str, *skus: str) -> str:
    order = {"customer": customer, "lines": [{"sku": sku} for sku in skus]}
    answer = cloud.http.request("POST", f"{outputs['Url']}/orders", json=order)
    assert answer.status == 201, answer.data
    return str(answer.json()["id"])


def status(cloud: LocalCloud, outputs: dict[str, str], order: str) -> str:
    return str(cloud.http.request("GET", f"{outputs['Url']}/orders/{order}").json()["status"])


def test_what_the_api_s_framework_answers_reaches_the_caller(
    cloud: LocalCloud, outputs: dict[str, str]
) -> None:
    missing = cloud.http.request("GET", f"{outputs['Url']}/orders/none")
    empty = cloud.http.request("POST", f"{outputs['Url']}/orders", json={"customer": "ada", "lines": []})
    assert (missing.status, missing.json()["message"]) == (404, "no order none")
    assert (empty.status, empty.json()["message"]) == (400, "an order needs lines")


def test_an_order_is_confirmed_after_an_hour_and_its_customer_told(
    cloud: LocalCloud, outputs: dict[str, str]
) -> None:
    ada, bob = place(cloud, outputs, "ada", "tea", "deep"), place(cloud, outputs, "bob", "tea")
    settle(cloud)
    assert [status(cloud, outputs, order) for order in (ada, bob)] == ["placed", "placed"]
    advance(cloud, 2 * 3600)
    settle(cloud)
    assert [status(cloud, outputs, order) for order in (ada, bob)] == ["confirmed", "confirmed"]
    messages = receive(cloud, outputs["ConfirmedUrl"])
    assert messages == [ada]
    assert receive(cloud, outputs["LettersUrl"]) == []
    (execution,) = [each for each in executions(cloud, outputs) if each["input"]["id"] == ada]
    assert execution["status"] == "SUCCEEDED"
    key = {"id": {"S": f"tries#{ada}#deep"}}
    item = cloud.client("dynamodb").get_item(TableName=outputs["TableName"], Key=key)["Item"]
    assert item["tries"] == {"N": "2"}


def test_what_is_sold_out_is_cancelled(cloud: LocalCloud, outputs: dict[str, str]) -> None:
    order = place(cloud, outputs, "ada", "tea", "nothing")
    settle(cloud)
    assert status(cloud, outputs, order) == "cancelled"


def test_the_daily_report_is_written_at_six_and_indexed(cloud: LocalCloud, outputs: dict[str, str]) -> None:
    place(cloud, outputs, "eve", "tea")
    settle(cloud)
    advance(cloud, 24 * 3600)
    settle(cloud)
    item = cloud.client("dynamodb").get_item(TableName=outputs["TableName"], Key={"id": {"S": "report"}})[
        "Item"
    ]
    assert item["key"]["S"] == "reports/daily/orders by status.json"
    assert json.loads(item["body"]["S"])["confirmed"] >= 1


def test_the_alias_is_the_published_version(cloud: LocalCloud, outputs: dict[str, str]) -> None:
    event = {
        "version": "2.0",
        "rawPath": "/orders/none",
        "requestContext": {"http": {"method": "GET"}, "stage": "$default", "requestId": "r"},
    }
    answer = cloud.client("lambda").invoke(FunctionName=outputs["Alias"], Payload=json.dumps(event))
    assert answer["ExecutedVersion"] == "1"
    assert json.loads(answer["Payload"].read())["statusCode"] == 404


def test_the_functions_logs_and_metrics_are_where_one_looks_for_them(
    cloud: LocalCloud, outputs: dict[str, str]
) -> None:
    order = place(cloud, outputs, "ada", "tea")
    name = outputs["Alias"].split(":")[6]
    logs = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    lines = [json.loads(each["message"]) for each in logs if each["message"].startswith("{")]
    assert [line["order"] for line in lines if line.get("order") == order] == [order]
    assert any("OrdersPlaced" in line for line in lines)


def receive(cloud: LocalCloud, url: str) -> list[str]:
    answer = cloud.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def executions(cloud: LocalCloud, outputs: dict[str, str]) -> list[dict[str, Any]]:
    states = cloud.client("stepfunctions")
    listed = states.list_executions(stateMachineArn=outputs["Machine"])["executions"]
    described = [states.describe_execution(executionArn=each["executionArn"]) for each in listed]
    return [
        {
            "status": each["status"],
            "input": json.loads(each["input"]),
        }
        for each in described
    ]
