"""Writes how many orders there are in each state."""

import json
import os
from collections import Counter
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> None:
    """Count and write."""
    items = boto3.resource("dynamodb").Table(os.environ["TABLE"]).scan()["Items"]
    counts = Counter(item["status"] for item in items if "status" in item)
    key = f"reports/{event['kind']}/orders by status.json"
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=key, Body=json.dumps(counts))
