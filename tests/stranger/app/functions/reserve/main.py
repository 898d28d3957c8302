"""Reserves one line of an order; what lies deep in the shelves takes a second try."""

import os
from typing import Any

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


class Shelved(Exception):
    """It is there, but not at hand."""


class SoldOut(Exception):
    """There is none left."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Reserve, and count how often it was tried."""
    sku = event["line"]["sku"]
    if sku == "nothing":
        raise SoldOut(sku)
    tries: Any = table.update_item(
        Key={"id": f"tries#{event['id']}#{sku}"},
        UpdateExpression="ADD tries :one",
        ExpressionAttributeValues={":one": 1},
        ReturnValues="UPDATED_NEW",
    )["Attributes"]["tries"]
    if sku == "deep" and tries == 1:
        raise Shelved(sku)
    return {"sku": sku, "tries": int(tries)}
