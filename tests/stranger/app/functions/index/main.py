"""Keeps the latest report beside the orders."""

import os
from typing import Any
from urllib.parse import unquote_plus

import boto3
from aws_lambda_powertools.utilities.data_classes import S3Event, event_source


@event_source(data_class=S3Event)
def handler(event: S3Event, _context: Any) -> None:
    """Note each report."""
    table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
    for record in event.records:
        key = unquote_plus(record.s3.get_object.key)
        body = boto3.client("s3").get_object(Bucket=event.bucket_name, Key=key)["Body"].read().decode()
        table.put_item(Item={"id": "report", "key": key, "body": body})
