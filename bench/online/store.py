"""The online store on moto: a table of entities, read by ours, and raw as packed items."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import boto3
import urllib3
from botocore.config import Config

from bench.online.values import FEATURES, N_ENTITIES, REGION, driver_names, numbers
from tidemill import Entity, FeatureView, Float, Source, String, Timestamp, latest
from tidemill.aws.online import DynamoOnlineStore
from tidemill.expressions import Column, Columns, column
from tidemill.features.definitions import ViewDefinition, define
from tidemill.features.items import key_text
from tidemill.features.materialization import materialize
from tidemill.features.online import read_views

TABLE = "features"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
_READY_SECONDS = 30.0
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
    """A thousand entities of ten numbers each, in DynamoDB on moto.

    Parameters
    ----------
    url
        Where moto answers.
    """

    def __init__(self, url: str) -> None:
        session = boto3.Session("test", "test", region_name=REGION)
        config = Config(max_pool_connections=16, retries={"total_max_attempts": 1})
        self._client = session.client("dynamodb", endpoint_url=url, config=config)
        self._client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        )
        self._store = DynamoOnlineStore(TABLE, client=self._client)
        self._view, self._names = view(), driver_names()
        materialize(self._view, _rows(), sequence=1, store=self._store)

    def read(self, n_entities: int) -> Columns:
        """Read the features of the first entities as a prediction does."""
        request = {"driver": column(String, self._names[:n_entities])}
        times = column(Timestamp, [NOW] * n_entities)
        columns, _ = read_views([self._view], request, times, self._store, now=NOW)
        return columns

    def read_raw(self, n_entities: int) -> list[bytes]:
        """Read the same items by one BatchGetItem, and leave them packed."""
        keys = [{"key": {"S": key_text(self._view, [name])}} for name in self._names[:n_entities]]
        answer = self._client.batch_get_item(RequestItems={TABLE: {"Keys": keys}})
        return [bytes(item["value"]["B"]) for item in answer["Responses"][TABLE]]


def view() -> ViewDefinition:
    """Return the view: the newest of ten numbers of a driver."""
    schema = {"driver": String, "at": Timestamp, **dict.fromkeys(FEATURES, Float)}
    source = Source("drives", schema, ["driver"], "at")
    return define(FeatureView("drives", Entity("driver", ["driver"]), source, latest(*FEATURES), ttl="30d"))


def _rows() -> dict[str, Column]:
    return {
        "driver": column(String, driver_names()),
        "at": column(Timestamp, [_WRITTEN] * N_ENTITIES),
        **{name: column(Float, values) for name, values in numbers().items()},
    }
