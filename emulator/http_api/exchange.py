"""One request on its way through an API, and what the access log may say of it afterwards."""

import base64
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from emulator.http_api.event import HttpRequest, Place, context_time
from emulator.http_api.integration import Integrated
from emulator.http_api.response import HttpResponse


def _request_id() -> str:
    """Make an id such as ``Mc7UVioPPHcEKPA=``."""
    return base64.b64encode(os.urandom(11)).decode()


@dataclass
class Exchange:
    """What is known of a request; parts are filled in as it goes on."""

    request: HttpRequest
    place: Place
    arrived: datetime
    request_id: str = field(default_factory=_request_id)
    route_key: str = ""
    authorizer: Mapping[str, Any] = field(default_factory=dict)
    authorizer_error: str = ""
    integrated: Integrated | None = None
    integration_ms: int | None = None
    _began: float = field(default_factory=time.perf_counter)

    def log_values(self, response: HttpResponse) -> dict[str, Any]:
        """Give the access log's variables.

        Parameters
        ----------
        response
            What the caller received.

        Returns
        -------
        dict
            By the variable's name after ``$context.``.
        """
        return {
            "accountId": self.place.account,
            "apiId": self.place.api_id,
            "domainName": self.place.domain,
            "domainPrefix": self.place.api_id,
            "stage": self.place.stage,
            "requestId": self.request_id,
            "extendedRequestId": self.request_id,
            "requestTime": context_time(self.arrived),
            "requestTimeEpoch": int(self.arrived.timestamp() * 1000),
            "routeKey": self.route_key,
            "httpMethod": self.request.method,
            "path": self.request.path,
            "protocol": "HTTP/1.1",
            "identity.sourceIp": self.request.source_ip,
            "identity.userAgent": self.request.headers.get("user-agent"),
            "status": response.status,
            "responseLength": len(response.body),
            "dataProcessed": len(self.request.body) + len(response.body),
            "responseLatency": int((time.perf_counter() - self._began) * 1000),
            **self._of_authorizer(),
            **self._of_integration(),
            **self._of_refusal(response),
        }

    def _of_authorizer(self) -> dict[str, Any]:
        known = {"authorizer.error": self.authorizer_error}
        claims = (self.authorizer.get("jwt") or {}).get("claims") or {}
        known |= {f"authorizer.claims.{name}": value for name, value in claims.items()}
        known |= {
            f"authorizer.{name}": value for name, value in (self.authorizer.get("lambda") or {}).items()
        }
        signer = (self.authorizer.get("iam") or {}).get("userArn")
        return {**known, "identity.userArn": signer, "identity.caller": signer}

    def _of_integration(self) -> dict[str, Any]:
        if self.integrated is None:
            return {}
        own_status = None if self.integrated.error else self.integrated.response.status
        return {
            "integrationErrorMessage": self.integrated.error,
            "integration.error": self.integrated.error,
            "integrationLatency": self.integration_ms,
            "integration.latency": self.integration_ms,
            "integrationStatus": self.integrated.lambda_status,
            "integration.integrationStatus": self.integrated.lambda_status,
            "integration.status": own_status,
        }

    def _of_refusal(self, response: HttpResponse) -> dict[str, Any]:
        """Tell what the gateway itself answered, in place of the function."""
        if response.status < HTTPStatus.BAD_REQUEST or (self.integrated and not self.integrated.error):
            return {}
        text = json.loads(response.body)["message"]
        return {"error.message": text, "error.messageString": json.dumps(text)}
