"""CDK's AwsCustomResource: its calls are made, in the name of the role they would have."""

import json
from typing import Any

import pytest

from emulator.cloud import Cloud
from emulator.resources.coverage import problems

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def call(action: str, **more: Any) -> str:
    return json.dumps({"service": "SSM", "action": action, **more})


def template(allowed: str, **calls: str) -> dict[str, Any]:
    """Declare what CDK declares: the role, the Node program it never runs here, and the calls."""
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}]}
    role = {
        "AssumeRolePolicyDocument": TRUST,
        "Policies": [{"PolicyName": "calls", "PolicyDocument": policy}],
    }
    function = {
        "Code": {"ZipFile": "unused"},
        "Handler": "index.handler",
        "Runtime": "nodejs24.x",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    }
    properties = {"ServiceToken": {"Fn::GetAtt": ["Program", "Arn"]}, "InstallLatestAwsSdk": True, **calls}
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": role},
            "Program": {"Type": "AWS::Lambda::Function", "Properties": function},
            "Calls": {"Type": "Custom::AWS", "Properties": properties},
        },
        "Outputs": {"Version": {"Value": {"Fn::GetAtt": ["Calls", "Version"]}}},
    }


def test_calls_make_change_and_remove_what_they_name(cloud: Cloud) -> None:
    formation, ssm = cloud.client("cloudformation"), cloud.client("ssm")
    put = {"Name": "/made", "Value": "one", "Type": "String"}
    calls = {
        "Create": call("putParameter", parameters=put, physicalResourceId={"id": "/made"}),
        "Update": call(
            "PutParameterCommand", parameters={**put, "Value": "two", "Overwrite": "TRUE:BOOLEAN"}
        ),
        "Delete": call("deleteParameter", parameters={"Name": "PHYSICAL:RESOURCEID:"}),
    }
    formation.create_stack(StackName="Calls", TemplateBody=json.dumps(template("ssm:*", **calls)))
    assert ssm.get_parameter(Name="/made")["Parameter"]["Value"] == "one"
    assert formation.describe_stacks(StackName="Calls")["Stacks"][0]["Outputs"][0]["OutputValue"] == "1"
    changed = {**calls, "Create": call("putParameter", parameters={**put, "Value": "two"})}
    formation.update_stack(StackName="Calls", TemplateBody=json.dumps(template("ssm:*", **changed)))
    assert ssm.get_parameter(Name="/made")["Parameter"]["Value"] == "two"
    formation.delete_stack(StackName="Calls")
    assert ssm.get_parameters(Names=["/made"])["Parameters"] == []


def test_a_call_that_the_role_may_not_make_fails_its_stack(cloud: Cloud) -> None:
    formation = cloud.client("cloudformation")
    create = call("getParameter", parameters={"Name": "/any"})
    formation.create_stack(
        StackName="Denied", TemplateBody=json.dumps(template("sqs:ListQueues", Create=create))
    )
    stack = formation.describe_stacks(StackName="Denied")["Stacks"][0]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "not authorized to perform: ssm:GetParameter" in stack["StackStatusReason"]


def test_errors_that_are_to_be_ignored_are(cloud: Cloud) -> None:
    formation = cloud.client("cloudformation")
    put = {"Name": "/ignored", "Value": "v", "Type": "String"}
    calls = {
        "Create": call("putParameter", parameters=put),
        "Delete": call("deleteParameter", parameters={"Name": "/gone"}, ignoreErrorCodesMatching="NotFound"),
    }
    formation.create_stack(StackName="Ignores", TemplateBody=json.dumps(template("ssm:*", **calls)))
    formation.delete_stack(StackName="Ignores")
    names = [stack["StackName"] for stack in formation.describe_stacks()["Stacks"]]
    assert "Ignores" not in names


@pytest.mark.parametrize("kind", ["Custom::Mine", "AWS::CloudFormation::CustomResource"])
def test_a_node_program_that_somebody_else_needs_too_is_refused(kind: str) -> None:
    declared = template("ssm:*")
    asking = {"ServiceToken": {"Fn::GetAtt": ["Program", "Arn"]}}
    declared["Resources"]["Other"] = {"Type": kind, "Properties": asking}
    (message,) = problems("Mixed", declared)
    assert "resource Program (AWS::Lambda::Function): property Runtime is nodejs24.x" in message
