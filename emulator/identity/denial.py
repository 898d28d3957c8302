"""What a caller hears who may not do what it asked for, in the form its protocol has."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from emulator.http_api.response import HttpResponse
from emulator.identity.policy import Need, Verdict

_JSON_ERROR = "AccessDeniedException"
_SQS_ERROR = "com.amazonaws.sqs#AccessDenied"
_DYNAMODB_ERROR = "com.amazon.coral.service#AccessDeniedException"


@dataclass(frozen=True)
class Denial:
    """A permission that a caller has not.

    Parameters
    ----------
    user
        Who asked, as AWS names a session of a role.
    need
        The permission.
    verdict
        Whether nothing allows it, or something denies it.
    policy_kind
        Which policies decided: identity-based ones, or the permissions boundary.
    """

    user: str
    need: Need
    verdict: Verdict
    policy_kind: str = "identity-based policy"

    def __str__(self) -> str:
        action = self.need.action
        reason = (
            f"with an explicit deny in {'an' if self.policy_kind[0] in 'aeiou' else 'a'} {self.policy_kind}"
            if self.verdict is Verdict.DENIED
            else f"because no {self.policy_kind} allows the {action} action"
        )
        asked = f"{action} on resource: {self.need.resource}"
        text = f"User: {self.user} is not authorized to perform: {asked} {reason}"
        if self.verdict is Verdict.NOT_ALLOWED:
            statement = {"Effect": "Allow", "Action": action, "Resource": self.need.resource}
            text += f". This statement would allow it: {json.dumps(statement)}"
        if not self.need.mapped:
            text += (
                ". The local cloud does not know which resource this operation is about, and asks for the "
                "permission on all; call with root's credentials, or add the operation to emulator/identity"
            )
        return text


def refusal(denial: Denial, service: str, environ: Mapping[str, Any]) -> HttpResponse:
    """Write the answer to a request that is denied.

    Parameters
    ----------
    denial
        What was missing.
    service
        Signing name of the service.
    environ
        WSGI environment, which tells the protocol.

    Returns
    -------
    HttpResponse
        The error as the service writes it.
    """
    request_id = str(uuid.uuid4())
    content_type = str(environ.get("CONTENT_TYPE", ""))
    if service == "s3":
        return _s3(str(denial), str(environ.get("REQUEST_METHOD")), request_id)
    if environ.get("HTTP_X_AMZ_TARGET"):
        return _json(str(denial), service, content_type, request_id)
    if content_type.startswith("application/x-www-form-urlencoded"):
        return _query(str(denial), service, request_id)
    body = json.dumps({"Message": str(denial)}).encode()
    headers = (
        ("content-type", "application/json"),
        ("x-amzn-errortype", _JSON_ERROR),
        ("x-amzn-requestid", request_id),
    )
    return HttpResponse(403, headers, body)


def _s3(text: str, method: str, request_id: str) -> HttpResponse:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
        f"<Message>{escape(text)}</Message><RequestId>{request_id}</RequestId></Error>"
    )
    headers = (("content-type", "application/xml"), ("x-amz-request-id", request_id))
    return HttpResponse(403, headers, b"" if method == "HEAD" else body.encode())


def _json(text: str, service: str, content_type: str, request_id: str) -> HttpResponse:
    kind = {"sqs": _SQS_ERROR, "dynamodb": _DYNAMODB_ERROR}.get(service, _JSON_ERROR)
    headers = [("content-type", content_type), ("x-amzn-requestid", request_id)]
    if service == "sqs":  # its clients still know the codes of the protocol it had before
        headers.append(("x-amzn-query-error", "AccessDenied;Sender"))
    body = {"__type": kind, "Message" if service == "dynamodb" else "message": text}
    return HttpResponse(400, tuple(headers), json.dumps(body).encode())


def _query(text: str, service: str, request_id: str) -> HttpResponse:
    code = "AuthorizationError" if service == "sns" else "AccessDenied"
    body = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return HttpResponse(403, (("content-type", "text/xml"), ("x-amzn-requestid", request_id)), body.encode())
