"""JSON Web Tokens as an HTTP API's JWT authorizer takes them.

A token counts when a key of its issuer signed it, and issuer, audience and times fit. The keys are the ones
the issuer names in its OpenID configuration; they are kept for two hours of the cloud's clock, and read again
when a token names a key that is not among them.
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html)
"""

import json
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

ALGORITHMS = ["RS256", "RS384", "RS512"]
_KEYS_ARE_KEPT = timedelta(hours=2)

FetchJson = Callable[[str], Any]
"""Gets a JSON document by its URL."""

Claims = dict[str, Any]


class TokenRefused(Exception):
    """A token does not count; the message says why, as ``www-authenticate`` tells it."""


class Keys:
    """The public keys of issuers.

    Parameters
    ----------
    fetch
        Gets a JSON document by its URL; raises `OSError` or `ValueError` when it cannot.
    now
        The cloud's time.
    """

    def __init__(self, fetch: FetchJson, now: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[datetime, KeySet]] = {}

    def find(self, issuer: str, key_id: str) -> Key:
        """Find a key of an issuer.

        Parameters
        ----------
        issuer
            URL under which the issuer's OpenID configuration lies.
        key_id
            The key's ``kid``.

        Returns
        -------
        Key
            The public key.

        Raises
        ------
        TokenRefused
            The issuer has no such key, or could not be asked.
        """
        with self._lock:
            read_at, keys = self._kept.get(issuer, (None, None))
            key = _key_of(keys, key_id)
            if key is None or read_at is None or not read_at <= self._now() <= read_at + _KEYS_ARE_KEPT:
                keys = self._read(issuer)
                self._kept[issuer] = (self._now(), keys)
                key = _key_of(keys, key_id)
        if key is None:
            raise TokenRefused(f"the issuer has no key {key_id}")
        return key

    def _read(self, issuer: str) -> KeySet:
        try:
            configuration = self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            return KeySet.import_key_set(self._fetch(configuration["jwks_uri"]))
        except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
            raise TokenRefused(f"the keys of {issuer} cannot be read: {error}") from error


def _key_of(keys: KeySet | None, key_id: str) -> Key | None:
    return next((key for key in keys.keys if key.kid == key_id), None) if keys else None


def verify_token(token: str, *, keys: Keys, issuer: str, audience: Collection[str], now: datetime) -> Claims:
    """Verify a token and give its claims.

    Parameters
    ----------
    token
        Without ``Bearer``.
    keys
        Finds the issuer's keys.
    issuer
        Whose tokens count.
    audience
        One of these must be in ``aud``, or be the ``client_id`` of a token without ``aud``.
    now
        The cloud's time.

    Returns
    -------
    dict
        The claims.

    Raises
    ------
    TokenRefused
        The token does not count.
    """
    try:
        signed = jws.extract_compact(token.encode())
        header, claims = signed.headers(), json.loads(signed.payload)
    except (JoseError, ValueError) as error:
        raise TokenRefused("the token cannot be decoded") from error
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused(f"signing method {header.get('alg')} is invalid")
    if not isinstance(claims, dict) or claims.get("iss") != issuer:
        raise TokenRefused("the token does not have a valid issuer")
    key = keys.find(issuer, str(header.get("kid")))
    try:
        jws.deserialize_compact(token.encode(), key, algorithms=ALGORITHMS)
    except JoseError as error:
        raise TokenRefused("the token does not have a valid signature") from error
    _check_audience(claims, audience)
    _check_times(claims, now.timestamp())
    return claims


def _check_audience(claims: Mapping[str, Any], audience: Collection[str]) -> None:
    named = claims.get("aud", claims.get("client_id"))
    if not any(entry in audience for entry in (named if isinstance(named, list) else [named])):
        raise TokenRefused("the token does not have a valid audience")


def _check_times(claims: Mapping[str, Any], now_seconds: float) -> None:
    """Hold ``exp``, ``nbf`` and ``iat`` against the clock; a token that never expires does not count."""
    times = {name: claims.get(name) for name in ("exp", "nbf", "iat")}
    for name, value in times.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise TokenRefused(f"the token's {name} is no time")
    if times["exp"] is None or times["exp"] <= now_seconds:
        raise TokenRefused("the token has expired")
    if times["nbf"] is not None and times["nbf"] > now_seconds:
        raise TokenRefused("the token is not valid yet")
    if times["iat"] is not None and times["iat"] > now_seconds:
        raise TokenRefused("the token was issued in the future")


def scopes_of(claims: Mapping[str, Any]) -> list[str]:
    """List a token's scopes.

    Parameters
    ----------
    claims
        Its claims.

    Returns
    -------
    list of str
        What ``scope`` or ``scp`` names.

    Examples
    --------
    >>> scopes_of({"scope": "email openid"})
    ['email', 'openid']
    """
    given = claims.get("scope", claims.get("scp", ""))
    return [str(entry) for entry in given] if isinstance(given, list) else str(given).split()


def claim_text(value: Any) -> str:
    """Write a claim as the event has it: every claim is a string there.

    Parameters
    ----------
    value
        The claim.

    Returns
    -------
    str
        Its text.

    Examples
    --------
    >>> claim_text(["admins", "readers"]), claim_text(True), claim_text(1384)
    ('[admins readers]', 'true', '1384')
    """
    if isinstance(value, list):
        return f"[{' '.join(claim_text(entry) for entry in value)}]"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
