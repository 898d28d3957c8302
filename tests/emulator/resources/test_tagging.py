"""Tags change with their template, and nothing is replaced for them."""

import json
from typing import Any

import pytest

from emulator.cloud import Cloud

ANYONE = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
ROLE = "arn:aws:iam::123456789012:role/any"
MACHINE = '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
}
FUNCTION = {
    "Code": {"ZipFile": "def handler(event, context): ..."},
    "Handler": "index.handler",
    "Runtime": "python3.13",
    "Role": {"Fn::GetAtt": ["R", "Arn"]},
}
API = {"Fn::Sub": "arn:aws:apigateway:us-east-1::/apis/${It}"}
ARN = {"Fn::GetAtt": ["It", "Arn"]}
REF = {"Ref": "It"}
KINDS: dict[str, tuple[dict[str, Any], Any, tuple[str, str, str, str]]] = {
    # Properties, what the service names one by, and how its tags are listed.
    "AWS::ApiGatewayV2::Api": (
        {"Name": "a", "ProtocolType": "HTTP"},
        API,
        ("apigatewayv2", "get_tags", "ResourceArn", "Tags"),
    ),
    "AWS::DynamoDB::Table": (TABLE, ARN, ("dynamodb", "list_tags_of_resource", "ResourceArn", "Tags")),
    "AWS::ECR::Repository": ({}, ARN, ("ecr", "list_tags_for_resource", "resourceArn", "tags")),
    "AWS::Events::EventBus": (
        {"Name": "tagged"},
        ARN,
        ("events", "list_tags_for_resource", "ResourceARN", "Tags"),
    ),
    "AWS::IAM::Role": (
        {"AssumeRolePolicyDocument": ANYONE},
        REF,
        ("iam", "list_role_tags", "RoleName", "Tags"),
    ),
    "AWS::KMS::Key": (
        {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}},
        REF,
        ("kms", "list_resource_tags", "KeyId", "Tags"),
    ),
    "AWS::Lambda::Function": (FUNCTION, ARN, ("lambda", "list_tags", "Resource", "Tags")),
    "AWS::Logs::LogGroup": ({}, REF, ("logs", "list_tags_log_group", "logGroupName", "tags")),
    "AWS::S3::Bucket": ({}, REF, ("s3", "get_bucket_tagging", "Bucket", "TagSet")),
    "AWS::SNS::Topic": ({}, REF, ("sns", "list_tags_for_resource", "ResourceArn", "Tags")),
    "AWS::SQS::Queue": ({}, REF, ("sqs", "list_queue_tags", "QueueUrl", "Tags")),
    "AWS::SecretsManager::Secret": (
        {"SecretString": "s"},
        REF,
        ("secretsmanager", "describe_secret", "SecretId", "Tags"),
    ),
    "AWS::StepFunctions::StateMachine": (
        {"DefinitionString": MACHINE, "RoleArn": ROLE},
        REF,
        ("stepfunctions", "list_tags_for_resource", "resourceArn", "tags"),
    ),
}


def as_mapping(tags: Any) -> dict[str, str]:
    """Read tags however a service spells them."""
    if isinstance(tags, dict):
        return tags
    return {
        next(v for k, v in tag.items() if "ey" in k): next(v for k, v in tag.items() if "al" in k)
        for tag in tags
    }


@pytest.mark.parametrize("kind", KINDS)
def test_tags_come_change_and_go_at_the_resource_that_stays(cloud: Cloud, kind: str) -> None:
    properties, named_by, (service, call, argument, member) = KINDS[kind]
    formation = cloud.client("cloudformation")
    stack = kind.replace("::", "-")
    step = formation.create_stack
    seen, ids = [], set()
    for tags in ({"a": "1", "b": "2"}, {"a": "3"}):
        written: Any = [{"Key": key, "Value": value} for key, value in tags.items()]
        template = {
            "Resources": {
                "R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": ANYONE}},
                "It": {
                    "Type": kind,
                    "Properties": {**properties, "Tags": tags if "ApiGateway" in kind else written},
                },
            },
            "Outputs": {"Name": {"Value": named_by}},
        }
        step(StackName=stack, TemplateBody=json.dumps(template))
        step = formation.update_stack
        told = formation.describe_stacks(StackName=stack)["Stacks"][0]
        assert told["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, told["StackStatusReason"]
        name = told["Outputs"][0]["OutputValue"]
        ids.add(name)
        seen.append(as_mapping(getattr(cloud.client(service), call)(**{argument: name})[member]))
    assert seen == [{"a": "1", "b": "2"}, {"a": "3"}]
    assert len(ids) == 1
