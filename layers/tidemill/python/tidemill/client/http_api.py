"""The system's HTTP API, called as any caller in the account would: signed with SigV4."""

import json
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError
from botocore.httpsession import URLLib3Session

from tidemill.errors import InvalidRequest, NotFound, Unavailable

SIGNED_SERVICE = "execute-api"


class HttpApi:
    """Signed requests to one deployed HTTP API over connections that are kept.

    Parameters
    ----------
    url
        The API's address, the output ``ApiEndpoint``.
    session
        Whose credentials sign.
    """

    def __init__(self, url: str, session: boto3.Session) -> None:
        self._url = url.rstrip("/")
        self._session = session
        self._http = URLLib3Session(timeout=60)

    def predict(
        self, model: str, rows: Sequence[dict[str, Any]], *, version: int | None = None
    ) -> dict[str, Any]:
        """Return the API's answer for rows of request columns.

        Parameters
        ----------
        model
            The model's name.
        rows
            One object a row, at most 1,000.
        version
            Ask this version; by default the one in service, and then the prediction is recorded.

        Raises
        ------
        InvalidRequest, NotFound
            If the API refuses the request; the message is the API's own.
        Unavailable
            If the API fails.
        """
        at = f"/models/{model}/predict" if version is None else f"/models/{model}/versions/{version}/predict"
        answer: dict[str, Any] = self.call("POST", at, {"rows": list(rows)})
        return answer

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request and return the JSON it answers; raises as ``predict`` does."""
        status, content = self.send(method, path, None if body is None else json.dumps(body).encode())
        if status < 400:
            return json.loads(content)
        detail = _problem_detail(content)
        if status == 404:
            raise NotFound(detail)
        if status < 500:
            raise InvalidRequest(detail)
        raise Unavailable(f"{method} {path} answered {status}: {detail}; see `tidemill status`")

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send one signed request and return status and body as they come."""
        credentials = self._session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        headers = {"content-type": "application/json"}
        request = AWSRequest(method=method, url=self._url + path, data=body, headers=headers)
        region = self._session.region_name
        SigV4Auth(credentials.get_frozen_credentials(), SIGNED_SERVICE, region).add_auth(request)
        response = self._http.send(request.prepare())
        return response.status_code, response.content


def _problem_detail(content: bytes) -> str:
    try:
        problem = json.loads(content)
    except ValueError:
        return content[:200].decode(errors="replace")
    if not isinstance(problem, dict):
        return str(problem)
    return str(problem.get("detail") or problem.get("message") or problem)
