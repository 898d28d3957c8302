"""Requests are signed, connections kept, and the API's own words reach the caller."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import boto3
import pytest

from tidemill.client.http_api import HttpApi
from tidemill.errors import InvalidRequest, NotFound, Unavailable


class Recorder(BaseHTTPRequestHandler):
    """Answers by path, and keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        """Answer with the status the path ends with."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append({"path": self.path, "headers": dict(self.headers), "body": body})
        status = int(self.path.split("/")[2]) if "answer" in self.path else 200
        answer = {"detail": f"said {status}"} if status >= 400 else {"model": "m", "predictions": []}
        data = b"no JSON" if "plain" in self.path else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[HttpApi]:
    """Serve the recorder."""
    Recorder.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    session = boto3.Session(
        aws_access_key_id="AKID", aws_secret_access_key="secret", region_name="eu-central-1"
    )
    api = HttpApi(f"http://127.0.0.1:{server.server_port}/", session)
    yield api
    api.close()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_request_is_signed_for_the_api_gateway(api: HttpApi) -> None:
    """The authorisation names key, region and service as AWS checks them."""
    api.predict("late_arrival", [{"origin": "JFK"}])
    [request] = Recorder.seen
    assert request["path"] == "/models/late_arrival/predict"
    assert json.loads(request["body"]) == {"rows": [{"origin": "JFK"}]}
    authorization = request["headers"]["Authorization"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKID/")
    assert "/eu-central-1/execute-api/aws4_request" in authorization


def test_a_version_is_asked_by_its_own_path(api: HttpApi) -> None:
    """The frozen model of the demo is a version, not an alias."""
    api.predict("late_arrival", [{}], version=3)
    assert Recorder.seen[0]["path"] == "/models/late_arrival/versions/3/predict"


@pytest.mark.parametrize(("status", "error"), [(400, InvalidRequest), (404, NotFound), (503, Unavailable)])
def test_a_refusal_is_an_error_with_the_apis_own_words(
    api: HttpApi, status: int, error: type[Exception]
) -> None:
    """The problem document's detail is what the caller reads."""
    with pytest.raises(error, match=f"said {status}"):
        api.call("POST", f"/answer/{status}", {})


def test_a_failure_without_json_is_shown_as_it_came(api: HttpApi) -> None:
    """A gateway's plain text is better than nothing."""
    with pytest.raises(Unavailable, match="no JSON"):
        api.call("POST", "/answer/502/plain", {})
