"""Takes orders and shows them."""

import os
import time
import uuid
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError
from aws_lambda_powertools.metrics import MetricUnit

logger, metrics = Logger(), Metrics()
app = APIGatewayHttpResolver()
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


@app.post("/orders")
def place() -> tuple[dict[str, Any], int]:
    """Take an order."""
    order = app.current_event.json_body
    if not order.get("lines"):
        raise BadRequestError("an order needs lines")
    item = {
        "id": str(uuid.uuid4()),
        "customer": order["customer"],
        "lines": order["lines"],
        "status": "placed",
        "placed": int(time.time()),
    }
    table.put_item(Item=item, ConditionExpression="attribute_not_exists(id)")
    metrics.add_metric(name="OrdersPlaced", unit=MetricUnit.Count, value=1)
    logger.info("placed", order=item["id"])
    return {"id": item["id"]}, 201


@app.get("/orders/<order_id>")
def show(order_id: str) -> dict[str, Any]:
    """Show an order."""
    found = table.get_item(Key={"id": order_id}).get("Item")
    if found is None:
        raise NotFoundError(f"no order {order_id}")
    return {"id": found["id"], "status": found["status"]}


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId")
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer the API."""
    answer: dict[str, Any] = app.resolve(event, context)
    return answer
