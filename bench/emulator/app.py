"""The stack that is measured: an empty function, alone and behind an HTTP API, a queue, a table."""

from dataclasses import dataclass
from typing import Any

from bench.clouds import LocalCloud
from bench.stacks import create_stack

EMPTY = """
import os
NUMBER = os.getpid()
def handler(event, context):
    return {"statusCode": 200, "body": str(NUMBER)}
"""


def _role(*policies: dict[str, Any]) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    named = [{"PolicyName": "does", "PolicyDocument": {"Version": "2012-10-17", "Statement": list(policies)}}]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": named if policies else [],
        },
    }


def _function(role: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Handler": "index.handler",
            "Runtime": "python3.12",
            "Role": {"Fn::GetAtt": [role, "Arn"]},
            "Code": {"ZipFile": EMPTY},
        },
    }


TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Role": _role(),
        "Empty": _function("Role"),
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "empty", "ProtocolType": "HTTP"}},
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": {"Fn::GetAtt": ["Empty", "Arn"]},
                "PayloadFormatVersion": "2.0",
            },
        },
        "Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "RouteKey": "GET /empty",
                "Target": {"Fn::Sub": "integrations/${Integration}"},
            },
        },
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Empty"},
                "Principal": "apigateway.amazonaws.com",
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            },
        },
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 120}},
        "Polling": _role(
            {
                "Effect": "Allow",
                "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
            }
        ),
        "Drain": _function("Polling"),
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FunctionName": {"Ref": "Drain"},
                "BatchSize": 10,
            },
        },
    },
    "Outputs": {name: {"Value": {"Ref": name}} for name in ("Empty", "Api", "Table", "Queue", "Mapping")},
}


@dataclass(frozen=True)
class App:
    """The stack, deployed to one cloud."""

    cloud: LocalCloud
    function: str
    api_id: str
    table: str
    queue_url: str
    mapping_id: str

    @classmethod
    def deployed(cls, cloud: LocalCloud) -> "App":
        """Deploy it."""
        made = create_stack(cloud, "Measured", TEMPLATE)
        return cls(cloud, made["Empty"], made["Api"], made["Table"], made["Queue"], made["Mapping"])
