"""Stored data is encrypted, private, versioned or recoverable, and outlives its stack."""

from typing import Any

STATEFUL = {
    "AWS::S3::Bucket": "Retain",
    "AWS::DynamoDB::Table": "Retain",
    "AWS::Glue::Database": "RetainExceptOnCreate",
}


def test_deleting_a_stack_keeps_its_data(assembly: Any) -> None:
    for kind, policy in STATEFUL.items():
        assert assembly.resources(kind)
        for name, resource in assembly.resources(kind).items():
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (policy, "Retain"), name


def test_buckets_are_versioned_encrypted_and_closed_to_the_public(assembly: Any) -> None:
    for bucket in assembly.properties("AWS::S3::Bucket"):
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_every_bucket_queue_and_topic_refuses_plain_http(assembly: Any) -> None:
    guarded = {"AWS::S3::Bucket": "S3::BucketPolicy", "AWS::SQS::Queue": "SQS::QueuePolicy"}
    guarded["AWS::SNS::Topic"] = "SNS::TopicPolicy"
    for kind, policy_kind in guarded.items():
        refusing = [
            policy
            for policy in assembly.properties(f"AWS::{policy_kind}")
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Deny"
            and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        ]
        assert len(refusing) == len(assembly.resources(kind)), kind


def test_tables_can_be_restored_to_any_point_and_not_be_deleted_by_mistake(assembly: Any) -> None:
    for table in assembly.properties("AWS::DynamoDB::Table"):
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["DeletionProtectionEnabled"] is True
        assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_what_was_given_an_end_ends_in_both_tables(assembly: Any) -> None:
    tables = assembly.properties("AWS::DynamoDB::Table")
    ends = [table["TimeToLiveSpecification"] for table in tables]
    assert ends == [{"AttributeName": "expires_at", "Enabled": True}] * 2


def test_queues_are_encrypted(assembly: Any) -> None:
    assert all(queue["SqsManagedSseEnabled"] for queue in assembly.properties("AWS::SQS::Queue"))


def test_only_the_data_bucket_speaks_of_new_objects_and_natively(assembly: Any) -> None:
    buckets = assembly.resources("AWS::S3::Bucket")
    speaking = {
        name: bucket["Properties"]["NotificationConfiguration"]
        for name, bucket in buckets.items()
        if "NotificationConfiguration" in bucket["Properties"]
    }
    assert [name[:10] for name in speaking] == ["DataBucket"]
    assert list(speaking.values()) == [{"EventBridgeConfiguration": {"EventBridgeEnabled": True}}]
    assert assembly.resources("Custom::S3BucketNotifications") == {}
