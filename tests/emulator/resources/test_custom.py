"""Custom resources run the functions behind them, and heed what those answer."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.cloud import Cloud

SOURCE = """
import json, os, urllib.request

def handler(event, context):
    properties = event["ResourceProperties"]
    print(json.dumps({key: event.get(key) for key in ("RequestType", "PhysicalResourceId")}))
    if properties.get("Raise"):
        raise RuntimeError("before the answer")
    status = "FAILED" if properties.get("Fail") == event["RequestType"] else "SUCCESS"
    answer = {
        "Status": status, "Reason": "because", "RequestId": event["RequestId"], "StackId": event["StackId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "PhysicalResourceId": "made-" + properties["Name"],
        "Data": {"Said": "hello " + properties["Name"], "Count": properties["Count"]},
    }
    if not properties.get("Silent"):
        request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
        request.add_header("content-type", "")
        urllib.request.urlopen(request)
"""


def template(name: str = "one", **more: Any) -> str:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    log = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
    role = {"AssumeRolePolicyDocument": trust, "Policies": [{"PolicyName": "log", "PolicyDocument": log}]}
    function = {
        "FunctionName": "maker",
        "Code": {"ZipFile": SOURCE},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Timeout": 20,
    }
    token = {"Fn::GetAtt": ["Maker", "Arn"]}
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Maker": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Seed": {
            "Type": "Custom::Seed",
            "Properties": {"ServiceToken": token, "Name": name, "Count": 3, **more},
        },
    }
    outputs = {
        "Id": {"Value": {"Ref": "Seed"}},
        "Said": {"Value": {"Fn::GetAtt": ["Seed", "Said"]}},
        "Count": {"Value": {"Fn::GetAtt": ["Seed", "Count"]}},
    }
    return json.dumps({"Resources": resources, "Outputs": outputs})


def asked(cloud: Cloud) -> list[tuple[str, str | None]]:
    """Give what the function was asked for: kind of request and physical id."""
    groups = cloud.client("logs").filter_log_events(logGroupName="/aws/lambda/maker")["events"]
    lines = [event["message"] for event in groups if event["message"].startswith("{")]
    return [(line["RequestType"], line["PhysicalResourceId"]) for line in map(json.loads, lines)]


def stack(cloud: Cloud, name: str) -> dict[str, Any]:
    described: dict[str, Any] = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return described


def test_a_custom_resource_is_made_changed_and_removed_by_its_function(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")
    client.create_stack(StackName="Custom", TemplateBody=template())
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack(cloud, "Custom")["Outputs"]}
    assert outputs == {"Id": "made-one", "Said": "hello one", "Count": "3"}
    client.update_stack(StackName="Custom", TemplateBody=template("two"))
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack(cloud, "Custom")["Outputs"]}
    assert outputs["Id"] == "made-two"
    client.delete_stack(StackName="Custom")
    assert asked(cloud) == [
        ("Create", None),
        ("Update", "made-one"),
        ("Delete", "made-one"),
        ("Delete", "made-two"),
    ]
    assert cloud.client("s3").list_buckets()["Buckets"] == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"Fail": "Create"}, "the function answered FAILED: because"),
        ({"Raise": "yes"}, "before the answer"),
        ({"Silent": "yes", "ServiceTimeout": 1}, "did not answer at its ResponseURL within 1 s"),
    ],
)
def test_a_function_that_fails_rolls_its_stack_back(cloud: Cloud, more: dict[str, Any], said: str) -> None:
    client = cloud.client("cloudformation")
    client.create_stack(StackName="Failing", TemplateBody=template(**more))
    described = stack(cloud, "Failing")
    assert described["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "resource Seed (Custom::Seed)" in described["StackStatusReason"]
    assert said in described["StackStatusReason"]
    client.delete_stack(StackName="Failing")
    with pytest.raises(ClientError, match="Function not found"):
        cloud.client("lambda").get_function(FunctionName="maker")
