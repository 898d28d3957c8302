"""Objects: notifications to a function, versions, conditional requests."""

from typing import Any

from tests.differential.scenario import Observation, Scenario, Target, failure, status_and_code
from tests.differential.template import ROLE, TELL, arn, function, permission, queue, ref

TELLS_OBJECTS = (
    TELL
    + """
def handler(event, context):
    for record in event["Records"]:
        tell({"name": record["eventName"], "key": record["s3"]["object"]["key"],
              "size": record["s3"]["object"].get("size"), "etag": record["s3"]["object"].get("eTag"),
              "fields": sorted(record), "s3": sorted(record["s3"]), "source": record["eventSource"]})
"""
)


def notification(target: Target) -> Observation:
    """Put one object that the filter lets through and one that it does not."""
    bucket = f"{target.name}-bucket"
    made = target.deploy(
        {
            "Role": ROLE,
            "Seen": queue(),
            "Teller": function(),
            "Permission": permission("Teller", "s3", SourceArn=f"arn:aws:s3:::{bucket}"),
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "DependsOn": ["Permission"],
                "Properties": {
                    "BucketName": bucket,
                    "NotificationConfiguration": {
                        "LambdaConfigurations": [
                            {
                                "Event": "s3:ObjectCreated:*",
                                "Function": arn("Teller"),
                                "Filter": {"S3Key": {"Rules": [{"Name": "suffix", "Value": ".csv"}]}},
                            }
                        ]
                    },
                },
            },
        },
        {"Seen": ref("Seen")},
        Teller=TELLS_OBJECTS,
    )
    s3 = target.client("s3")
    s3.put_object(Bucket=bucket, Key="in/a file.csv", Body=b"1,2\n")
    s3.put_object(Bucket=bucket, Key="in/a file.txt", Body=b"1,2\n")
    s3.copy_object(Bucket=bucket, Key="in/copy.csv", CopySource={"Bucket": bucket, "Key": "in/a file.csv"})
    seen = target.bodies(made["Seen"], 2)
    first: dict[str, Any] = seen[0] if seen else {}
    return {
        "events": sorted([each["name"], each["key"], each["size"], each["etag"]] for each in seen),
        "fields of a record": first.get("fields"),
        "fields of its s3": first.get("s3"),
        "source": first.get("source"),
    }


def versions(target: Target) -> Observation:
    """Overwrite and delete an object in a bucket that keeps versions, and ask with conditions."""
    bucket, s3 = f"{target.name}-bucket", target.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"first")
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"second")
    conditional = {
        "a write if nothing is there": status_and_code(
            lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x", IfNoneMatch="*")
        ),
        "a write if it is still the first": status_and_code(
            lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x", IfMatch=first["ETag"])
        ),
        "a write if it is still the second": status_and_code(
            lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"third", IfMatch=second["ETag"])
        ),
        "a read if it has changed": failure(
            lambda: s3.get_object(
                Bucket=bucket, Key="k", VersionId=first["VersionId"], IfNoneMatch=first["ETag"]
            )
        ).get("status"),
    }
    ranged = s3.get_object(Bucket=bucket, Key="k", Range="bytes=1-2")
    deleted = s3.delete_object(Bucket=bucket, Key="k")
    listed = s3.list_object_versions(Bucket=bucket)
    return {
        **conditional,
        "a range": [
            ranged["ResponseMetadata"]["HTTPStatusCode"],
            ranged["ContentRange"],
            ranged["Body"].read().decode(),
        ],
        "deleting leaves a marker": deleted.get("DeleteMarker"),
        "reading what is deleted": failure(lambda: s3.get_object(Bucket=bucket, Key="k")).get("code"),
        "reading the first version": s3.get_object(Bucket=bucket, Key="k", VersionId=first["VersionId"])[
            "Body"
        ]
        .read()
        .decode(),
        "versions and markers": [len(listed.get("Versions", [])), len(listed.get("DeleteMarkers", []))],
        "reading the marker": status_and_code(
            lambda: s3.get_object(Bucket=bucket, Key="k", VersionId=deleted["VersionId"])
        ),
        "removing a bucket that holds versions": failure(lambda: s3.delete_bucket(Bucket=bucket)).get("code"),
    }


LATE = [412, "PreconditionFailed"]
SCENARIOS = (
    Scenario(
        "A bucket's notification to a function",
        notification,
        {
            "events": [
                ["ObjectCreated:Copy", "in/copy.csv", 4, "3ecfad755fa825f7a17c5526ec44e651"],
                ["ObjectCreated:Put", "in/a+file.csv", 4, "3ecfad755fa825f7a17c5526ec44e651"],
            ],
            "fields of a record": [
                "awsRegion",
                "eventName",
                "eventSource",
                "eventTime",
                "eventVersion",
                "requestParameters",
                "responseElements",
                "s3",
                "userIdentity",
            ],
            "fields of its s3": ["bucket", "configurationId", "object", "s3SchemaVersion"],
            "source": "aws:s3",
        },
        (
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html",
        ),
    ),
    Scenario(
        "Versions and conditional requests",
        versions,
        {
            "a write if nothing is there": LATE,
            "a write if it is still the first": LATE,
            "a write if it is still the second": [],
            "a read if it has changed": 304,
            "a range": [206, "bytes 1-2/5", "hi"],
            "deleting leaves a marker": True,
            "reading what is deleted": "NoSuchKey",
            "reading the first version": "first",
            "versions and markers": [3, 1],
            "reading the marker": [405, "MethodNotAllowed"],
            "removing a bucket that holds versions": "BucketNotEmpty",
        },
        (
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
            "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html",
        ),
    ),
)
