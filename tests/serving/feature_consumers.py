"""Views with features online, and the API that consumers outside ask for them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tidemill import Entity, FeatureView, Float, Int, Source, String, Timestamp, count, latest, mean
from tidemill.expressions import column
from tidemill.features.definitions import define
from tidemill.features.materialization import materialize
from tidemill.memory.online import MemoryOnlineStore
from tidemill.serving.features_api import FeaturesApi

SOURCE = Source(
    "readings",
    {"place": String, "shelf": Int, "at": Timestamp, "x": Float, "size": Float, "seen_at": Timestamp},
    ["place"],
    "at",
)
PLACES = FeatureView(
    "places",
    Entity("place", ["place"]),
    SOURCE,
    {"mean_1d": mean("x", over="1d"), "rows": count(over="1d"), **latest("size", "seen_at")},
    ttl="2d",
)
SHELVES = FeatureView(
    "shelves", Entity("shelf", ["place", "shelf"]), SOURCE, {"shelf_rows": count(over="2d")}
)


def api() -> FeaturesApi:
    """Return the API over a store that has seen Oslo lately, and Bergen long ago."""
    rows = [
        ("Oslo", 1, "2013-01-02T09:00:00Z", 1.0, 2.0),
        ("Oslo", 2, "2013-01-02T10:00:00Z", 3.0, 3.0),
        ("Bergen", 1, "2012-12-30T10:00:00Z", 3.0, 4.0),
    ]
    times = column(Timestamp, [row[2] for row in rows])
    columns = {
        "place": column(String, [row[0] for row in rows]),
        "shelf": column(Int, [row[1] for row in rows]),
        "at": times,
        "seen_at": times,
        "x": column(Float, [row[3] for row in rows]),
        "size": column(Float, [row[4] for row in rows]),
    }
    store = MemoryOnlineStore()
    for view in (PLACES, SHELVES):
        materialize(view, columns, sequence=1, store=store)
    return FeaturesApi({view.name: define(view) for view in (PLACES, SHELVES)}, store)


def call(
    features: FeaturesApi,
    method: str,
    path: str,
    *,
    at: datetime,
    query: Mapping[str, str] | None = None,
    body: Any = None,
) -> tuple[int, Any]:
    """Send one request as the gateway does and return the status and the answered JSON."""
    event = {
        "rawPath": path,
        "queryStringParameters": dict(query or {}),
        "requestContext": {"http": {"method": method}, "timeEpoch": int(at.timestamp() * 1000)},
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }
    response = features.router().answer(event)
    return response["statusCode"], json.loads(response["body"])
