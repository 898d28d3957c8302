"""Buckets' lifecycle rules end objects, versions, markers and uploads at their midnight."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.cloud import Cloud

MORNING = datetime(2014, 1, 15, 10, 30, tzinfo=UTC)


class Bucket:
    """A bucket of a template, on a clock that stands."""

    def __init__(self, cloud: Cloud, *rules: dict[str, Any], versioned: bool = False) -> None:
        self.cloud, self.s3 = cloud, cloud.client("s3")
        properties: dict[str, Any] = {
            "LifecycleConfiguration": {"Rules": [{"Status": "Enabled", **rule} for rule in rules]},
            "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        }
        if versioned:
            properties["VersioningConfiguration"] = {"Status": "Enabled"}
        template = {
            "Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": properties}},
            "Outputs": {"Name": {"Value": {"Ref": "B"}}},
        }
        formation = cloud.client("cloudformation")
        formation.create_stack(StackName="Buckets", TemplateBody=json.dumps(template))
        stack = formation.describe_stacks(StackName="Buckets")["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack["StackStatusReason"]
        self.name = stack["Outputs"][0]["OutputValue"]

    def put(self, key: str, body: bytes = b"", **arguments: Any) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=body, **arguments)

    def keys(self) -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def versions(self) -> tuple[int, int]:
        """Count versions and delete markers."""
        listed = self.s3.list_object_versions(Bucket=self.name)
        return len(listed.get("Versions", [])), len(listed.get("DeleteMarkers", []))

    def advance_to(self, moment: str) -> None:
        self.cloud.clock.advance_to(datetime.fromisoformat(f"{moment}Z"))

    def advance(self, **span: float) -> None:
        self.cloud.clock.advance_to(self.cloud.clock.now() + timedelta(**span))


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """Run a cloud of each test's own, since clocks do not go back."""
    with Cloud(port=0) as running:
        running.clock.set(MORNING)
        yield running


def test_objects_end_at_the_midnight_after_their_days(cloud: Cloud) -> None:
    bucket = Bucket(cloud, {"ExpirationInDays": 3, "Prefix": "tmp/"})
    bucket.put("tmp/a")
    bucket.put("kept")
    bucket.advance_to("2014-01-18T23:59:59")
    assert bucket.keys() == ["kept", "tmp/a"]
    bucket.put("tmp/later")
    bucket.advance_to("2014-01-19T00:00:00")
    assert bucket.keys() == ["kept", "tmp/later"]
    bucket.advance(days=90)
    assert bucket.keys() == ["kept"]
    assert cloud.clock.next_timer() is None  # no midnight is waited for without need


def test_a_jump_of_the_clock_ends_what_it_passed(cloud: Cloud) -> None:
    bucket = Bucket(cloud, {"ExpirationDate": "2014-02-01T00:00:00Z"})
    bucket.put("old")
    cloud.clock.set(datetime(2014, 3, 1, tzinfo=UTC))
    assert bucket.keys() == []


def test_tags_and_sizes_choose(cloud: Cloud) -> None:
    bucket = Bucket(
        cloud,
        {"ExpirationInDays": 1, "TagFilters": [{"Key": "keep", "Value": "no"}], "ObjectSizeGreaterThan": 1},
    )
    bucket.put("gone", b"abc", Tagging="keep=no&other=1")
    bucket.put("small", b"a", Tagging="keep=no")
    bucket.put("untagged", b"abc")
    bucket.advance(days=3)
    assert bucket.keys() == ["small", "untagged"]


def test_versions_end_by_when_they_were_followed_and_the_newest_of_them_stay(cloud: Cloud) -> None:
    rule = {"NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 1}}
    bucket = Bucket(cloud, rule, versioned=True)
    for _ in range(3):
        bucket.put("a")
        bucket.advance(days=1)
    assert bucket.versions() == (3, 0)
    bucket.advance_to("2014-01-19T23:59:59")
    assert bucket.versions() == (3, 0)
    bucket.advance_to("2014-01-20T00:00:00")  # the first was followed on the 16th, three days before
    assert bucket.versions() == (2, 0)
    bucket.advance(days=90)
    assert bucket.versions() == (2, 0)


def test_a_current_version_gets_a_marker_and_the_marker_goes_when_it_is_alone(cloud: Cloud) -> None:
    bucket = Bucket(
        cloud,
        {"ExpirationInDays": 1},
        {"NoncurrentVersionExpirationInDays": 2},
        versioned=True,
    )
    bucket.put("a")
    bucket.advance_to("2014-01-17T00:00:00")
    assert (bucket.keys(), bucket.versions()) == ([], (1, 1))
    bucket.advance_to("2014-01-20T00:00:00")
    assert bucket.versions() == (0, 0)


def test_uploads_that_are_not_completed_end(cloud: Cloud) -> None:
    bucket = Bucket(cloud, {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}})
    bucket.s3.create_multipart_upload(Bucket=bucket.name, Key="big")
    bucket.advance(days=7)
    assert len(bucket.s3.list_multipart_uploads(Bucket=bucket.name)["Uploads"]) == 1
    bucket.advance(days=1)
    assert "Uploads" not in bucket.s3.list_multipart_uploads(Bucket=bucket.name)


def test_eventbridge_is_told_that_a_lifecycle_ended(cloud: Cloud) -> None:
    bucket = Bucket(cloud, {"ExpirationInDays": 1})
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName="ended")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:ended"
    allowed = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(allowed)})
    events.put_rule(Name="ended", EventPattern=json.dumps({"detail-type": ["Object Deleted"]}))
    events.put_targets(Rule="ended", Targets=[{"Id": "q", "Arn": arn}])
    bucket.put("a")
    bucket.advance(days=2)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    event = json.loads(message["Body"])
    assert event["time"] == "2014-01-17T00:00:00Z"
    assert event["detail"]["reason"] == "Lifecycle Expiration"
    assert event["detail"]["deletion-type"] == "Permanently Deleted"
    assert event["detail"]["requester"] == "s3.amazonaws.com"


def test_rules_that_are_off_or_taken_back_end_nothing(cloud: Cloud) -> None:
    bucket = Bucket(cloud, {"ExpirationInDays": 1, "Status": "Disabled"}, {"ExpirationInDays": 2})
    bucket.put("a")
    bucket.advance_to("2014-01-17T12:00:00")
    assert bucket.keys() == ["a"]
    bucket.s3.delete_bucket_lifecycle(Bucket=bucket.name)
    bucket.advance(days=90)
    assert bucket.keys() == ["a"]
