"""AWS Signature Version 4, checked by signing the same request again.

The signature is botocore's own: the request is rebuilt from the wire, signed with the secret the local
cloud issued for its access key, and both signatures are compared.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials as BotocoreCredentials

from emulator.identity.credentials import Identity, IdentityStore
from emulator.server import Environ

_TOLERATED_SKEW = timedelta(minutes=15)
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/"
    r"aws4_request,\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Claim:
    """What an ``Authorization`` header says: who signed, for which service, which headers, and how."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def read_claim(environ: Environ) -> Claim | None:
    """Read the signature a request carries.

    Parameters
    ----------
    environ
        WSGI environment.

    Returns
    -------
    Claim or None
        None when the request carries no Signature Version 4 header.
    """
    found = _AUTHORIZATION.match(str(environ.get("HTTP_AUTHORIZATION", "")))
    if not found:
        return None
    headers = tuple(found["headers"].split(";"))
    return Claim(found["key"], found["date"], found["region"], found["service"], headers, found["signature"])


def verify(environ: Environ, body: bytes, identities: IdentityStore, *, service: str) -> Identity | None:
    """Check the signature of a request.

    Parameters
    ----------
    environ
        WSGI environment as the client's request made it.
    body
        The request's body.
    identities
        Where access keys are known.
    service
        Service the signature must be for.

    Returns
    -------
    Identity or None
        Who signed; None when the request is unsigned, the key unknown, or the signature wrong.
    """
    claim = read_claim(environ)
    identity = identities.find(claim.access_key) if claim else None
    if claim is None or identity is None or claim.service != service:
        return None
    if "host" not in claim.signed_headers or not _token_matches(environ, identity):
        return None
    expected = _signature_of(environ, body, claim, identity)
    return identity if hmac.compare_digest(expected, claim.signature) else None


def _token_matches(environ: Environ, identity: Identity) -> bool:
    return environ.get("HTTP_X_AMZ_SECURITY_TOKEN") == identity.credentials.session_token


def _signature_of(environ: Environ, body: bytes, claim: Claim, identity: Identity) -> str:
    """Sign the request again, as its owner would; an empty string when it cannot be a true one."""
    credentials = identity.credentials
    request = AWSRequest(method=environ["REQUEST_METHOD"], url=_url_of(environ), data=body)
    for name in claim.signed_headers:
        request.headers[name] = _header(environ, name)
    declared_digest = request.headers.get("x-amz-content-sha256")
    if declared_digest is not None and declared_digest != hashlib.sha256(body).hexdigest():
        return ""
    timestamp = str(environ.get("HTTP_X_AMZ_DATE", ""))
    if not timestamp.startswith(claim.date) or not _is_fresh(timestamp):
        return ""
    request.context["timestamp"] = timestamp
    auth = _SignatureOfGivenHeaders(
        BotocoreCredentials(credentials.access_key, credentials.secret_key, credentials.session_token),
        claim.service,
        claim.region,
    )
    return str(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))


class _SignatureOfGivenHeaders(SigV4Auth):
    """Signs exactly the headers it is given: other SDKs sign some that botocore leaves out."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        headers = HTTPHeaders()
        for name, value in request.headers.items():
            headers[name.lower()] = value
        return headers


def _is_fresh(timestamp: str) -> bool:
    """Hold a signature's time against the wall clock: clients sign by that one, never by a virtual one."""
    try:
        signed_at = datetime.strptime(timestamp, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(datetime.now(UTC) - signed_at) <= _TOLERATED_SKEW


def _header(environ: Environ, name: str) -> str:
    if name in {"content-type", "content-length"}:
        return str(environ.get(name.upper().replace("-", "_"), ""))
    return str(environ.get("HTTP_" + name.upper().replace("-", "_"), ""))


def _url_of(environ: Environ) -> str:
    path = str(environ.get("RAW_URI") or quote(environ.get("PATH_INFO", "/"))).partition("?")[0]
    query = str(environ.get("QUERY_STRING", ""))
    return f"http://{environ['HTTP_HOST']}{path}" + (f"?{query}" if query else "")
