"""Versions, aliases and event settings through CloudFormation."""

import json
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.cloud import Cloud

CODE = "import os\ndef handler(event, context): return os.environ['STAGE'] + ' ' + context.function_version"


def template(stage: str, version: str, **alias: Any) -> dict[str, Any]:
    """Write a function with a version whose logical id says what it was made from, as CDK names them."""
    function = {"Ref": "Greet"}
    return {
        "Greet": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "formed",
                "Code": {"ZipFile": CODE},
                "Handler": "index.handler",
                "Runtime": "python3.13",
                "Role": "arn:aws:iam::123456789012:role/tests",
                "Environment": {"Variables": {"STAGE": stage}},
            },
        },
        version: {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": function}},
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": function,
                "Name": "live",
                "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
                **alias,
            },
        },
    }


def put(cloud: Cloud, resources: dict[str, Any], *, update: bool = False) -> None:
    client = cloud.client("cloudformation")
    act = client.update_stack if update else client.create_stack
    act(StackName="Formed", TemplateBody=json.dumps({"Resources": resources}))


def version_numbers(workshop: Any) -> list[str]:
    listed = workshop.client.list_versions_by_function(FunctionName="formed")["Versions"]
    return [each["Version"] for each in listed]


def test_a_release_moves_the_alias_share_by_share_and_ends_the_old_version(workshop: Any) -> None:
    cloud = workshop.cloud
    put(cloud, template("one", "VersionOne"))
    assert workshop.call("formed:live") == "one 1"

    both = template("two", "VersionTwo") | {"VersionOne": template("one", "VersionOne")["VersionOne"]}
    both["Live"]["Properties"] |= {
        "FunctionVersion": "1",
        "RoutingConfig": {
            "AdditionalVersionWeights": [
                {"FunctionVersion": {"Fn::GetAtt": ["VersionTwo", "Version"]}, "FunctionWeight": 0.25}
            ]
        },
    }
    put(cloud, both, update=True)
    assert Counter(workshop.call("formed:live") for _ in range(100)) == {"one 1": 75, "two 2": 25}

    put(cloud, template("two", "VersionTwo"), update=True)
    assert workshop.call("formed:live") == "two 2"
    assert version_numbers(workshop) == ["$LATEST", "2"]

    cloud.client("cloudformation").delete_stack(StackName="Formed")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        workshop.call("formed")


def test_event_settings_belong_to_the_qualifier_they_name(workshop: Any) -> None:
    settings = {
        "FunctionName": {"Ref": "Greet"},
        "Qualifier": "live",
        "MaximumRetryAttempts": 0,
        "MaximumEventAgeInSeconds": 90,
    }
    resources = template("one", "VersionOne")
    resources["Settings"] = {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": settings,
        "DependsOn": "Live",
    }
    put(workshop.cloud, resources)
    kept = workshop.client.get_function_event_invoke_config(FunctionName="formed", Qualifier="live")
    assert (kept["MaximumRetryAttempts"], kept["MaximumEventAgeInSeconds"]) == (0, 90)
    settings["MaximumRetryAttempts"] = 1
    put(workshop.cloud, resources, update=True)
    kept = workshop.client.get_function_event_invoke_config(FunctionName="formed", Qualifier="live")
    assert kept["MaximumRetryAttempts"] == 1
    workshop.cloud.client("cloudformation").delete_stack(StackName="Formed")


@pytest.mark.parametrize(
    ("logical_id", "properties", "named"),
    [
        ("Live", {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 2}}, "Provisioned"),
        ("Greet", {"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": []}}, "VpcConfig"),
        ("Greet", {"SnapStart": {"ApplyOn": "PublishedVersions"}}, "SnapStart"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(
    workshop: Any, logical_id: str, properties: dict[str, Any], named: str
) -> None:
    resources = template("one", "VersionOne")
    resources[logical_id]["Properties"] |= properties
    with pytest.raises(ClientError, match=rf"{logical_id}.*{named}"):
        put(workshop.cloud, resources)


def test_a_second_version_of_an_unchanged_function_fails_as_in_aws(workshop: Any) -> None:
    resources = template("one", "VersionOne")
    resources["VersionTwo"] = resources["VersionOne"] | {"DependsOn": "VersionOne"}
    put(workshop.cloud, resources)
    client = workshop.cloud.client("cloudformation")
    told = [
        each.get("ResourceStatusReason", "")
        for each in client.describe_stack_events(StackName="Formed")["StackEvents"]
        if each["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert "A version for this Lambda function exists ( 1 )" in " ".join(told)
    client.delete_stack(StackName="Formed")


def test_lines_go_to_the_log_group_that_is_configured(workshop: Any) -> None:
    resources = {"Greet": template("one", "VersionOne")["Greet"]}
    resources["Greet"]["Properties"] |= {
        "FunctionName": "logged",
        "LoggingConfig": {"LogGroup": {"Ref": "Lines"}},
    }
    resources["Lines"] = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/app/lines"}}
    workshop.cloud.client("cloudformation").create_stack(
        StackName="Logged", TemplateBody=json.dumps({"Resources": resources})
    )
    workshop.call("logged")
    found = workshop.cloud.client("logs").filter_log_events(logGroupName="/app/lines")["events"]
    assert any(event["message"].startswith("REPORT") for event in found)
    configured = workshop.client.get_function(FunctionName="logged")["Configuration"]["LoggingConfig"]
    assert configured == {"LogFormat": "Text", "LogGroup": "/app/lines"}
