"""Feast's own client reads our features, as from a Feast server: a stock install, a remote online store."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bench.peers import FEAST
from tests.serving.feature_consumers import api, call

CLIENT = Path(__file__).parent / "programs" / "feast_client.py"
AT = datetime.fromisoformat("2013-01-02T12:00:00Z")

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Return what Feast's client read."""
    repository = tmp_path_factory.mktemp("feast")
    with serving() as url:
        command = [str(FEAST.program("python")), str(CLIENT), url, str(repository)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    read: dict[str, list[Any]] = json.loads(done.stdout.splitlines()[-1])
    return read


class Gateway(BaseHTTPRequestHandler):
    """Hands requests to the routing table as the gateway does."""

    features = api()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        status, answer = call(self.features, "POST", self.path, body=body, at=AT)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve the API on a free port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_feast_reads_values_and_nulls_for_each_entity(answers: dict[str, list[Any]]) -> None:
    assert answers["place"] == ["Oslo", "Bergen", "Rome"]
    assert answers["mean_1d"] == [2.0, None, None]
    assert answers["size"] == [3.0, None, None]
    assert answers["rows"] == [2, 0, None]
