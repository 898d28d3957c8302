"""Counts the words of uploaded files, told of by a queue or by a state machine."""

import json
import os
from typing import Any

import boto3
from sample_library import words  # type: ignore[import-not-found]  # the layer puts it on the path


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Count each file named by the event and keep the figure."""
    if "Records" in event:
        files = [json.loads(record["body"])["detail"] for record in event["Records"]]
        return {"counted": [count(each["bucket"]["name"], each["object"]["key"]) for each in files]}
    return {"words": count(event["bucket"], event["key"])}


def count(bucket: str, key: str) -> int:
    """Count one file."""
    text = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    found: int = words.count(text)
    table = boto3.client("dynamodb")
    table.put_item(TableName=os.environ["TABLE"], Item={"file": {"S": key}, "words": {"N": str(found)}})
    return found
