"""What a caller of an HTTP API receives for what the function answered.

An answer with ``statusCode`` is taken at its word; anything else is the body of a 200 in JSON; what cannot be
read is a 500, as API Gateway gives it.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class HttpResponse:
    """An answer: status, headers in order, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def message(status: int, text: str) -> HttpResponse:
    """Answer in API Gateway's own form.

    Parameters
    ----------
    status
        HTTP status.
    text
        Its message.

    Returns
    -------
    HttpResponse
        A JSON document with ``message``.

    Examples
    --------
    >>> message(403, "Forbidden").body
    b'{"message":"Forbidden"}'
    """
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    return HttpResponse(status, (("content-type", "application/json"),), body)


def read_answer(payload: bytes) -> HttpResponse:
    """Turn a function's answer into an HTTP response.

    Parameters
    ----------
    payload
        The function's answer, JSON.

    Returns
    -------
    HttpResponse
        What the caller receives.

    Examples
    --------
    >>> read_answer(b'{"statusCode": 201, "body": "made"}').body
    b'made'
    >>> read_answer(b'{"x": 1}').status
    200
    """
    try:
        answer = json.loads(payload)
    except ValueError:
        return message(500, "Internal Server Error")
    if isinstance(answer, dict) and "statusCode" in answer:
        try:
            return _explicit(answer)
        except (ValueError, TypeError, AttributeError, binascii.Error):
            return message(500, "Internal Server Error")
    body = answer if isinstance(answer, str) else json.dumps(answer, separators=(",", ":"))
    return HttpResponse(200, (("content-type", "application/json"),), body.encode())


def _explicit(answer: dict[str, Any]) -> HttpResponse:
    status = int(answer["statusCode"])
    if not 100 <= status <= 599:
        raise ValueError(f"statusCode is {status}")
    headers = [
        (str(name).lower(), _header_value(value)) for name, value in (answer.get("headers") or {}).items()
    ]
    headers += [("set-cookie", str(cookie)) for cookie in answer.get("cookies") or []]
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    content = answer.get("body")
    text = "" if content is None else content if isinstance(content, str) else json.dumps(content)
    body = base64.b64decode(text, validate=True) if answer.get("isBase64Encoded") else text.encode()
    kept = [(name, value) for name, value in headers if name not in {"content-length", "connection"}]
    return HttpResponse(status, tuple(kept), body)


def _header_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
