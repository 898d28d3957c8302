"""Tells the bus of each new order."""

import json
import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

processor = BatchProcessor(event_type=EventType.DynamoDBStreams)
bus = boto3.client("events")


def announce(record: DynamoDBRecord) -> None:
    """Put one event."""
    order = record.dynamodb.new_image if record.dynamodb else {}
    if "lines" not in order:
        return
    detail = {"id": order["id"], "customer": order["customer"], "lines": order["lines"]}
    entry: Any = {
        "Source": "orders",
        "DetailType": "OrderPlaced",
        "Detail": json.dumps(detail, default=int),
        "EventBusName": os.environ["BUS"],
    }
    if bus.put_events(Entries=[entry])["FailedEntryCount"]:
        raise RuntimeError(f"order {order['id']} was not announced")


def handler(event: dict[str, Any], context: Any) -> Any:
    """Announce each record of a batch; those that fail come again."""
    return process_partial_response(
        event=event, record_handler=announce, processor=processor, context=context
    )
