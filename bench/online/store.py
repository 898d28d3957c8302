"""The online store on moto: a table of entities, read by ours, and raw as packed items."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import boto3
import numpy as np
import urllib3
from botocore.config import Config

from bench.online.values import FEATURES, N_ENTITIES, REGION, driver_names, numbers
from tidemill import Entity, FeatureView, Float, Source, String, Timestamp, col, count, latest, mean, rate
from tidemill import sum as total
from tidemill.aws.online import DynamoOnlineStore
from tidemill.expressions import Column, Columns, column
from tidemill.features.definitions import ViewDefinition, define
from tidemill.features.items import key_text
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.features.online import read_views
from tidemill.project.views import Feature

MOST_ENTITIES = 100
NOW = datetime(2026, 1, 2, tzinfo=UTC)
_READY_SECONDS = 30.0
_DAYS = 40
_WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def moto_server() -> Iterator[str]:
    """Run moto's server in a process of its own and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url)
            yield url
        finally:
            server.terminate()


def _wait_for(url: str) -> None:
    end = time.monotonic() + _READY_SECONDS
    with urllib3.PoolManager(retries=False) as http:
        while True:
            try:
                http.request("GET", f"{url}/moto-api/", timeout=5.0)
            except urllib3.exceptions.HTTPError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return


class Features:
    """One view of some entities, in DynamoDB on moto.

    Parameters
    ----------
    url
        Where moto answers.
    view
        The view, whose entity is a driver.
    rows
        The rows of its source.
    """

    def __init__(self, url: str, view: ViewDefinition, rows: Columns) -> None:
        session = boto3.Session("test", "test", region_name=REGION)
        config = Config(max_pool_connections=16, retries={"total_max_attempts": 1})
        self._client = session.client("dynamodb", endpoint_url=url, config=config)
        self._client.create_table(
            TableName=view.name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        )
        self._store = DynamoOnlineStore(view.name, client=self._client)
        self._view, self._names, self._rows = view, driver_names(), rows
        self._requests = {n_entities: self._asked(n_entities) for n_entities in (1, MOST_ENTITIES)}
        materialize(view, rows, sequence=1, store=self._store)

    def read(self, n_entities: int) -> Columns:
        """Read the features of the first entities as a prediction does, which has its request as columns."""
        columns, _ = read_views([self._view], *self._requests[n_entities], self._store, now=NOW)
        return columns

    def read_raw(self, n_entities: int) -> list[bytes]:
        """Read the same items by one BatchGetItem, and leave them packed."""
        keys = [{"key": {"S": key_text(self._view, [name])}} for name in self._names[:n_entities]]
        answer = self._client.batch_get_item(RequestItems={self._view.name: {"Keys": keys}})
        return [bytes(item["value"]["B"]) for item in answer["Responses"][self._view.name]]

    def computed(self, n_entities: int) -> Columns:
        """Compute the same features of the rows, as training does."""
        request, times = self._requests[n_entities]
        rows = {self._view.source: self._rows}
        return join_features({**request, "asked_at": times}, [self._view], rows, "asked_at")

    def _asked(self, n_entities: int) -> tuple[Columns, Column]:
        request = {"driver": column(String, self._names[:n_entities])}
        return request, column(Timestamp, [NOW] * n_entities)


def latest_values(url: str) -> Features:
    """Store ten numbers of a thousand drivers."""
    schema = {"driver": String, "at": Timestamp, **dict.fromkeys(FEATURES, Float)}
    source = Source("drives", schema, ["driver"], "at")
    view = FeatureView("drives", Entity("driver", ["driver"]), source, latest(*FEATURES), ttl="30d")
    rows = {
        "driver": column(String, driver_names()),
        "at": column(Timestamp, [_WRITTEN] * N_ENTITIES),
        **{name: column(Float, values) for name, values in numbers().items()},
    }
    return Features(url, define(view), rows)


def figures(url: str) -> Features:
    """Store figures over windows of a hundred drivers with twelve rows a day."""
    source = Source("trips", {"driver": String, "at": Timestamp, "km": Float}, ["driver"], "at")
    features: dict[str, Feature] = {
        "km_14d": mean("km", over="14d"),
        "km_sum_14d": total("km", over="14d"),
        "trips_28d": count(over="28d"),
        "far_rate_28d": rate(col("km") > 15, over="28d"),
    }
    view = FeatureView("trips", Entity("driver", ["driver"]), source, features)
    times = [NOW - timedelta(hours=2 * each, minutes=1) for each in range(12 * _DAYS)]
    drivers = [name for name in driver_names()[:MOST_ENTITIES] for _ in times]
    generator = np.random.default_rng(0)
    rows = {
        "driver": column(String, drivers),
        "at": column(Timestamp, times * MOST_ENTITIES),
        "km": column(Float, generator.gamma(2.0, 8.0, len(drivers)).round(1).tolist()),
    }
    return Features(url, define(view), rows)
