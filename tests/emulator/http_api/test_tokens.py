"""Which tokens count, and when the issuer is asked for its keys."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from emulator.http_api.issuers import Issuers
from emulator.http_api.tokens import Keys, TokenRefused, verify_token
from tests.emulator.http_api.conftest import Issuer

NOW = datetime(2013, 3, 1, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


class Verifier:
    """Verifies the issuer's tokens at a time that the test sets."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer, self.now = issuer, NOW
        self.keys = Keys(Issuers("us-east-1").fetch, lambda: self.now)

    def claims(self, token: str) -> dict[str, Any]:
        return verify_token(
            token, keys=self.keys, issuer=self.issuer.url, audience=["shop", "desk"], now=self.now
        )


@pytest.fixture
def verifier(issuer: Issuer) -> Verifier:
    issuer.reads.clear()
    return Verifier(issuer)


def good(**claims: Any) -> dict[str, Any]:
    return {"sub": "ann", "aud": "shop", "exp": SECONDS + 60, **claims}


@pytest.mark.parametrize(
    "claims",
    [
        good(),
        good(aud=["other", "desk"]),
        good(nbf=SECONDS, iat=SECONDS),
        {"sub": "ann", "client_id": "shop", "exp": SECONDS + 60},
    ],
)
def test_a_token_of_the_issuer_for_the_audience_counts(verifier: Verifier, claims: dict[str, Any]) -> None:
    assert verifier.claims(verifier.issuer.token(claims))["sub"] == "ann"


@pytest.mark.parametrize("algorithm", ["RS384", "RS512"])
def test_every_rsa_signature_is_taken(verifier: Verifier, algorithm: str) -> None:
    key = RSAKey.generate_key(2048, {"kid": algorithm})
    verifier.issuer.keys[algorithm] = key
    token = verifier.issuer.token(good(), algorithm=algorithm, key=key, kid=algorithm)
    assert verifier.claims(token)["sub"] == "ann"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        (good(exp=SECONDS), "has expired"),
        ({"sub": "ann", "aud": "shop"}, "has expired"),
        (good(nbf=SECONDS + 1), "not valid yet"),
        (good(iat=SECONDS + 1), "issued in the future"),
        (good(exp="soon"), "exp is no time"),
        (good(aud="elsewhere"), "valid audience"),
        (good(aud="elsewhere", client_id="shop"), "valid audience"),
        ({"sub": "ann", "exp": SECONDS + 60}, "valid audience"),
        (good(iss="https://elsewhere.example"), "valid issuer"),
    ],
)
def test_a_token_whose_claims_do_not_fit_is_refused(
    verifier: Verifier, claims: dict[str, Any], why: str
) -> None:
    with pytest.raises(TokenRefused, match=why):
        verifier.claims(verifier.issuer.token(claims))


def test_a_token_that_another_key_signed_is_refused(verifier: Verifier) -> None:
    forged = verifier.issuer.token(good(), key=RSAKey.generate_key(2048))
    with pytest.raises(TokenRefused, match="signature"):
        verifier.claims(forged)


def test_a_token_whose_claims_were_changed_is_refused(verifier: Verifier) -> None:
    head, body, signature = verifier.issuer.token(good()).split(".")
    claims = {**json.loads(base64.urlsafe_b64decode(body + "==")), "sub": "root"}
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    with pytest.raises(TokenRefused, match="signature"):
        verifier.claims(f"{head}.{changed}.{signature}")


def test_no_signature_and_a_shared_secret_are_refused(verifier: Verifier) -> None:
    def part(document: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")

    for algorithm in ("none", "HS256"):
        unsigned = (
            f"{part({'alg': algorithm, 'kid': 'first'})}.{part({**good(), 'iss': verifier.issuer.url})}."
        )
        with pytest.raises(TokenRefused, match=f"signing method {algorithm}"):
            verifier.claims(unsigned)


@pytest.mark.parametrize("token", ["", "x", "a.b", "a.b.c", "..", "Bearer"])
def test_what_is_no_token_is_refused(verifier: Verifier, token: str) -> None:
    with pytest.raises(TokenRefused, match="decoded"):
        verifier.claims(token)


def test_keys_are_kept_for_two_hours_of_the_clock(verifier: Verifier) -> None:
    token = verifier.issuer.token(good(exp=SECONDS + 86400))
    for later in (timedelta(), timedelta(hours=2), timedelta(hours=3)):
        verifier.now = NOW + later
        verifier.claims(token)
    assert verifier.issuer.reads.count("/keys") == 2


def test_keys_are_read_again_when_a_token_names_an_unknown_one(verifier: Verifier) -> None:
    verifier.claims(verifier.issuer.token(good()))
    verifier.issuer.rotate()
    assert verifier.claims(verifier.issuer.token(good()))["sub"] == "ann"
    with pytest.raises(TokenRefused, match="no key third"):
        verifier.claims(verifier.issuer.token(good(), kid="third"))


def test_an_issuer_that_does_not_answer_refuses_its_tokens() -> None:
    keys = Keys(Issuers("us-east-1").fetch, lambda: NOW)
    for unreachable in (
        "http://localhost:1",
        "http://issuer.example",
        "https://cognito-idp.us-east-1.amazonaws.com/x",
    ):
        with pytest.raises(TokenRefused, match="cannot be read"):
            keys.find(unreachable, "first")
