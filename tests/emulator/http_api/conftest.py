"""A token issuer of the tests' own."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey


class Issuer:
    """Signs tokens, and serves the documents that say with which keys."""

    def __init__(self) -> None:
        self.keys = {"first": RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})}
        self.reads: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.reads.append(self.path)
                body = json.dumps(issuer.document(self.path)).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}"

    def document(self, path: str) -> Any:
        if path.endswith("openid-configuration"):
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        return {"keys": [key.as_dict(private=False) for key in self.keys.values()]}

    def rotate(self) -> None:
        """Sign with another key from now on."""
        self.keys = {"second": RSAKey.generate_key(2048, {"kid": "second", "use": "sig", "alg": "RS256"})}

    def token(
        self, claims: dict[str, Any], *, algorithm: str = "RS256", key: RSAKey | None = None, kid: str = ""
    ) -> str:
        """Sign claims, with its own key or as somebody else would."""
        own_id, own = next(iter(self.keys.items()))
        header = {"alg": algorithm, "kid": kid or own_id}
        return str(jwt.encode(header, {"iss": self.url, **claims}, key or own, algorithms=[algorithm]))


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()
