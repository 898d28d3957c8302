"""Buckets and tables do what their templates say."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import aws
from emulator.cloud import Cloud
from tests.emulator.resources.made import StackFailed, make


def test_a_bucket_is_versioned_encrypted_closed_and_tells_eventbridge(cloud: Cloud) -> None:
    rule = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    properties = {
        "BucketName": "typed",
        "VersioningConfiguration": {"Status": "Enabled"},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]},
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        "LifecycleConfiguration": {"Rules": []},
    }
    make(cloud, "Bucket", {"B": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    s3 = cloud.client("s3")
    encryption = s3.get_bucket_encryption(Bucket="typed")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert s3.get_bucket_versioning(Bucket="typed")["Status"] == "Enabled"
    assert encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert s3.get_public_access_block(Bucket="typed")["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    assert aws.backend("s3").buckets["typed"].notification_configuration.event_bridge is not None


def test_a_bucket_policy_denies_without_conditions_and_is_not_evaluated_with_them(cloud: Cloud) -> None:
    def policy(condition: dict[str, Any]) -> dict[str, Any]:
        statement = {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": "arn:aws:s3:::policied/*",
            **condition,
        }
        return {"Version": "2012-10-17", "Statement": [statement]}

    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "policied"}}
    transport = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    for stack, condition in (("SslOnly", transport), ("Nobody", {})):
        document = {"Bucket": "policied", "PolicyDocument": policy(condition)}
        resources = {"P": {"Type": "AWS::S3::BucketPolicy", "Properties": document}}
        if stack == "SslOnly":
            resources["B"] = bucket
            resources["P"]["DependsOn"] = "B"
        make(cloud, stack, resources)
        if stack == "SslOnly":
            cloud.client("s3").put_object(Bucket="policied", Key="a", Body=b"")
    with pytest.raises(ClientError, match="403"):
        cloud.client("s3").put_object(Bucket="policied", Key="b", Body=b"")


def test_bucket_notifications_of_cdk_reach_their_queue(cloud: Cloud) -> None:
    configuration = {
        "QueueConfigurations": [
            {"QueueArn": {"Fn::GetAtt": ["Q", "Arn"]}, "Events": ["s3:ObjectCreated:*"], "Id": "i"}
        ]
    }
    properties = {
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:never-run",
        "BucketName": {"Ref": "B"},
        "NotificationConfiguration": configuration,
        "Managed": True,
    }
    resources = {
        "B": {"Type": "AWS::S3::Bucket"},
        "Q": {"Type": "AWS::SQS::Queue"},
        "P": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Q"}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "s3.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": {"Fn::GetAtt": ["Q", "Arn"]},
                        }
                    ],
                },
            },
        },
        "N": {"Type": "Custom::S3BucketNotifications", "Properties": properties, "DependsOn": "P"},
    }
    out = make(cloud, "Notified", resources, Bucket={"Ref": "B"}, Queue={"Ref": "Q"})
    cloud.client("s3").put_object(Bucket=out["Bucket"], Key="told", Body=b"")
    messages = cloud.client("sqs").receive_message(QueueUrl=out["Queue"], MaxNumberOfMessages=10)["Messages"]
    assert any('"told"' in message["Body"] for message in messages)


def test_a_table_expires_items_and_recovers_to_points_in_time(cloud: Cloud) -> None:
    properties = {
        "TableName": "typed",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "DeletionProtectionEnabled": True,
    }
    make(cloud, "Table", {"T": {"Type": "AWS::DynamoDB::Table", "Properties": properties}})
    client = cloud.client("dynamodb")
    expiry = client.describe_time_to_live(TableName="typed")["TimeToLiveDescription"]
    backups = client.describe_continuous_backups(TableName="typed")["ContinuousBackupsDescription"]
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "until")
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert client.describe_table(TableName="typed")["Table"]["DeletionProtectionEnabled"]


def test_a_table_of_another_region_is_refused(cloud: Cloud) -> None:
    properties = {
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "Replicas": [{"Region": "eu-west-1"}],
    }
    with pytest.raises(StackFailed, match="the local cloud is one region, us-east-1"):
        make(cloud, "Far", {"T": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": properties}})


def test_a_bucket_loses_what_its_template_no_longer_says(cloud: Cloud) -> None:
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    encryption = [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
    settings = {
        "VersioningConfiguration": {"Status": "Enabled"},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": encryption},
        "CorsConfiguration": {"CorsRules": [rule]},
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    for properties in (settings, {}):
        bucket = {"Type": "AWS::S3::Bucket", "Properties": properties}
        name = make(cloud, "Bared", {"B": bucket}, Name={"Ref": "B"})["Name"]
    s3 = cloud.client("s3")
    for call in (
        s3.get_bucket_cors,
        s3.get_bucket_tagging,
        s3.get_public_access_block,
        s3.get_bucket_ownership_controls,
    ):
        with pytest.raises(ClientError, match=r"NoSuch|NotFound"):
            call(Bucket=name)
    notifications = s3.get_bucket_notification_configuration(Bucket=name)
    default = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert default["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"
    assert "EventBridgeConfiguration" not in notifications


def test_a_table_of_the_newer_kind_has_the_indexes_its_replica_names(cloud: Cloud) -> None:
    properties = {
        "TableName": "indexed",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("k", "by")],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by-by",
                "KeySchema": [{"AttributeName": "by", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        "Replicas": [{"Region": "us-east-1", "GlobalSecondaryIndexes": [{"IndexName": "by-by"}]}],
    }
    make(cloud, "Indexed", {"T": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": properties}})
    table = cloud.client("dynamodb").describe_table(TableName="indexed")["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by-by"]
