"""A request as the mapping to permissions sees it, and the ARNs of this account."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

from emulator import aws


@dataclass(frozen=True)
class AwsRequest:
    """One AWS request.

    Parameters
    ----------
    service
        Signing name of the service.
    operation
        The API's name of the operation, as `emulator.operations` reads it.
    region
        Region the signature names.
    path
        Decoded path.
    query
        Query string's parameters.
    headers
        Headers by lower-case name.
    body
        The request's body.
    """

    service: str
    operation: str
    region: str = aws.REGION
    path: str = "/"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """The operation's parameters: a JSON body's, or a form's."""
        if self.body[:1] == b"{":
            try:
                read = json.loads(self.body)
            except ValueError:
                return {}
            return read if isinstance(read, dict) else {}
        return dict(parse_qsl(self.body.decode("latin-1"), keep_blank_values=True))

    def text(self, name: str, default: str = "") -> str:
        """Give a parameter as text, or the default when it is absent or of another kind."""
        value = self.parameters.get(name)
        return value if isinstance(value, str) else default

    def arn(self, resource: str, service: str = "") -> str:
        """Write the ARN of a resource of this account and the request's region."""
        return f"arn:aws:{service or self.service}:{self.region}:{aws.ACCOUNT}:{resource}"


def read_request(
    service: str, operation: str, region: str, environ: Mapping[str, Any], body: bytes
) -> AwsRequest:
    """Read a request from its WSGI environment.

    Parameters
    ----------
    service, operation, region
        What is asked of whom, from the signature and the wire form.
    environ
        WSGI environment.
    body
        The request's body.

    Returns
    -------
    AwsRequest
        The request.
    """
    headers = {
        name[5:].replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    return AwsRequest(
        service=service,
        operation=operation,
        region=region,
        path=unquote(str(environ["RAW_URI"]).partition("?")[0])
        if environ.get("RAW_URI")
        else str(environ.get("PATH_INFO", "/")),
        query=dict(parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True)),
        headers=headers,
        body=body,
    )
