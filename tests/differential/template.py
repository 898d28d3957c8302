"""Pieces of templates that the scenarios share."""

from typing import Any

Resource = dict[str, Any]
# One role for whatever the scenario's functions, machines and rules do: who may do what is not the subject.
ROLE: Resource = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": f"{service}.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
                for service in ("lambda", "states", "events")
            ],
        },
        "Policies": [
            {
                "PolicyName": "everything",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
                },
            }
        ],
    },
}
# Tells a queue what a function was called with.
TELL = """
import json, os, boto3
def tell(what):
    boto3.client("sqs").send_message(QueueUrl=os.environ["SEEN"], MessageBody=json.dumps(what))
"""


def arn(logical_id: str) -> dict[str, Any]:
    """Return a resource's ARN."""
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def ref(logical_id: str) -> dict[str, str]:
    """Return a resource's reference."""
    return {"Ref": logical_id}


def function(**properties: Any) -> Resource:
    """Return a Python function; a queue ``Seen`` of the same template can be told what it sees."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Handler": "index.handler",
            "Runtime": "python3.12",
            "Timeout": 10,
            "Role": arn("Role"),
            "Environment": {"Variables": {"SEEN": ref("Seen")}},
            **properties,
        },
    }


def queue(**properties: Any) -> Resource:
    """Return a queue."""
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def open_queues(*logical_ids: str) -> Resource:
    """Return a policy that lets services send to queues."""
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]},
            "Action": "sqs:SendMessage",
            "Resource": arn(logical_id),
        }
        for logical_id in logical_ids
    ]
    return {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [ref(logical_id) for logical_id in logical_ids],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
        },
    }


def mapping(source: dict[str, Any], function_id: str, **properties: Any) -> Resource:
    """Return a mapping from an event source to a function."""
    return {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"EventSourceArn": source, "FunctionName": ref(function_id), **properties},
    }


def permission(function_id: str, service: str, **properties: Any) -> Resource:
    """Return the permission a service needs to call a function."""
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": ref(function_id),
            "Principal": f"{service}.amazonaws.com",
            **properties,
        },
    }


def table(**properties: Any) -> Resource:
    """Return a table with the key ``k``."""
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            **properties,
        },
    }
