"""A resource whose own creation fails halfway leaves nothing behind."""

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
NOTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
HALVES: dict[str, tuple[str, dict[str, Any], tuple[str, str, str]]] = {
    "bucket": (
        "AWS::S3::Bucket",
        {
            "BucketName": "half-made",
            "NotificationConfiguration": {
                "QueueConfigurations": [{"Queue": "nowhere", "Event": "s3:Nothing:*"}]
            },
        },
        ("s3", "list_buckets", "Buckets"),
    ),
    "table": (
        "AWS::DynamoDB::Table",
        {
            "TableName": "half-made",
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "TimeToLiveSpecification": {"AttributeName": "", "Enabled": True},
        },
        ("dynamodb", "list_tables", "TableNames"),
    ),
    "role": (
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": ANYONE,
            "Policies": [{"PolicyName": "whole", "PolicyDocument": NOTHING}],
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/DoesNotExist"],
        },
        ("iam", "list_roles", "Roles"),
    ),
    "managed policy": (
        "AWS::IAM::ManagedPolicy",
        {"PolicyDocument": NOTHING, "Roles": ["nobody"]},
        ("iam", "list_policies", "Policies"),
    ),
    "topic": (
        "AWS::SNS::Topic",
        {"Subscription": [{"Protocol": "sms", "Endpoint": "no number"}]},
        ("sns", "list_topics", "Topics"),
    ),
    "rule": (
        "AWS::Events::Rule",
        {"EventPattern": {"source": ["a"]}, "Targets": [{"Id": "t", "Arn": "no-arn"}]},
        ("events", "list_rules", "Rules"),
    ),
}


@pytest.mark.parametrize("kind", HALVES)
def test_what_a_failed_creation_made_is_removed(cloud: Cloud, kind: str) -> None:
    name, properties, (service, call, member) = HALVES[kind]
    formation = cloud.client("cloudformation")
    stack = kind.title().replace(" ", "")
    before = getattr(cloud.client(service), call)()[member]
    template = {"Resources": {"Half": {"Type": name, "Properties": properties}}}
    formation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    events = formation.describe_stack_events(StackName=stack)["StackEvents"]
    told = [event["ResourceStatus"] for event in reversed(events) if event["LogicalResourceId"] == "Half"]
    assert told == ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"
    assert getattr(cloud.client(service), call)()[member] == before


def test_a_half_made_resource_that_was_left_is_made_anew_by_the_next_update(cloud: Cloud) -> None:
    formation = cloud.client("cloudformation")

    def template(protocol: str) -> str:
        subscription = {"Protocol": protocol, "Endpoint": "arn:aws:sqs:us-east-1:123456789012:q"}
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"Subscription": [subscription]}}
        return json.dumps({"Resources": {"T": topic}})

    formation.create_stack(StackName="Left", TemplateBody=template("sms"), DisableRollback=True)
    assert formation.describe_stacks(StackName="Left")["Stacks"][0]["StackStatus"] == "CREATE_FAILED"
    assert len(cloud.client("sns").list_topics()["Topics"]) == 1
    formation.update_stack(StackName="Left", TemplateBody=template("sqs"))
    assert formation.describe_stacks(StackName="Left")["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"
    (topic,) = cloud.client("sns").list_topics()["Topics"]
    subscriptions = cloud.client("sns").list_subscriptions_by_topic(TopicArn=topic["TopicArn"])
    assert len(subscriptions["Subscriptions"]) == 1
    formation.delete_stack(StackName="Left")
    assert cloud.client("sns").list_topics()["Topics"] == []
