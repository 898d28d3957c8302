"""Answers the sample's HTTP API with what it was told."""

import json
from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Echo the request, or answer as asked by the path."""
    name = event.get("pathParameters", {}).get("name")
    if name == "broken":
        raise ValueError("asked to break")
    if name == "bytes":
        return {"statusCode": 200, "body": "AP8=", "isBase64Encoded": True, "cookies": ["a=1", "b=2"]}
    return {"statusCode": 201, "headers": {"X-Sample": "yes"}, "body": json.dumps(event)}
