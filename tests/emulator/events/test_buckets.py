"""Buckets tell EventBridge, queues and topics what happened to their objects, and nobody else."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

CLOSED = "arn:aws:sqs:us-east-1:123456789012:closed"


def change_objects(s3: Any) -> None:
    """Cause every kind of event once."""
    s3.put_object(Bucket="data", Key="a b.csv", Body=b"abc")
    s3.copy_object(Bucket="data", Key="copy", CopySource={"Bucket": "data", "Key": "a b.csv"})
    upload = s3.create_multipart_upload(Bucket="data", Key="parts")["UploadId"]
    part = s3.upload_part(Bucket="data", Key="parts", UploadId=upload, PartNumber=1, Body=b"1234")
    s3.complete_multipart_upload(
        Bucket="data",
        Key="parts",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    s3.put_object_tagging(Bucket="data", Key="copy", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    s3.delete_object_tagging(Bucket="data", Key="copy")
    s3.delete_object(Bucket="data", Key="copy")
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    s3.delete_object(Bucket="data", Key="a b.csv")
    version = s3.list_object_versions(Bucket="data", Prefix="a b")["Versions"][0]["VersionId"]
    s3.delete_object(Bucket="data", Key="a b.csv", VersionId=version)


def test_eventbridge_hears_of_every_kind_of_change(bench: Any) -> None:
    url, arn = bench.queue("heard")
    bench("events").put_rule(Name="all", EventPattern='{"source": ["aws.s3"]}')
    bench("events").put_targets(Rule="all", Targets=[{"Id": "1", "Arn": arn}])
    s3 = bench("s3")
    s3.create_bucket(Bucket="data")
    s3.put_bucket_notification_configuration(
        Bucket="data", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    change_objects(s3)
    events = bench.bodies(url)
    told = [(e["detail-type"], e["detail"].get("reason"), e["detail"]["object"]["key"]) for e in events]
    assert told == [
        ("Object Created", "PutObject", "a b.csv"),
        ("Object Created", "CopyObject", "copy"),
        ("Object Created", "CompleteMultipartUpload", "parts"),
        ("Object Tags Added", None, "copy"),
        ("Object Tags Deleted", None, "copy"),
        ("Object Deleted", "DeleteObject", "copy"),
        ("Object Deleted", "DeleteObject", "a b.csv"),
        ("Object Deleted", "DeleteObject", "a b.csv"),
    ]
    assert [e["detail"]["object"].get("size") for e in events] == [3, 3, 4, *[None] * 5]
    assert [e["detail"].get("deletion-type") for e in events[-3:]] == [
        "Permanently Deleted",
        "Delete Marker Created",
        "Permanently Deleted",
    ]
    assert "version-id" in events[-2]["detail"]["object"]
    assert {e["time"] for e in events} == {"2013-01-01T00:00:00Z"}


def test_queue_is_notified_of_what_it_asked_for(bench: Any) -> None:
    url, arn = bench.queue("heard")
    s3 = bench("s3")
    s3.create_bucket(Bucket="data")
    s3.put_bucket_notification_configuration(
        Bucket="data",
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "Id": "mine",
                    "QueueArn": arn,
                    "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".csv"}]}},
                }
            ]
        },
    )
    change_objects(s3)
    test_event, created, removed, _version = bench.bodies(url)
    assert (test_event["Event"], test_event["Bucket"]) == ("s3:TestEvent", "data")
    ((created,), (removed,)) = (created["Records"], removed["Records"])
    assert (created["eventName"], created["eventTime"]) == ("ObjectCreated:Put", "2013-01-01T00:00:00.000Z")
    assert created["s3"]["object"]["key"] == "a+b.csv"
    assert created["s3"]["object"]["size"] == 3
    assert created["s3"]["configurationId"] == "mine"
    assert removed["eventName"] == "ObjectRemoved:DeleteMarkerCreated"
    assert "size" not in removed["s3"]["object"]
    assert removed["s3"]["object"]["sequencer"] > created["s3"]["object"]["sequencer"]


def test_topic_passes_a_notification_on(bench: Any) -> None:
    url, arn = bench.queue("heard")
    topic = bench.topic("changes")
    bench("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    s3 = bench("s3")
    s3.create_bucket(Bucket="data")
    s3.put_bucket_notification_configuration(
        Bucket="data",
        NotificationConfiguration={
            "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:Put"]}]
        },
    )
    s3.put_object(Bucket="data", Key="a", Body=b"")
    messages = [json.loads(envelope["Message"]) for envelope in bench.bodies(url)]
    assert messages[0]["Event"] == "s3:TestEvent"
    assert messages[1]["Records"][0]["s3"]["object"]["key"] == "a"


def test_destination_that_does_not_let_the_bucket_in_is_refused(bench: Any) -> None:
    bench("sqs").create_queue(QueueName="closed")
    bench("s3").create_bucket(Bucket="data")
    with pytest.raises(ClientError, match="Unable to validate the following destination configurations"):
        bench("s3").put_bucket_notification_configuration(
            Bucket="data",
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": CLOSED, "Events": ["s3:ObjectCreated:*"]}]
            },
        )
