"""Who may call a route: nobody in particular, a signer, the bearer of a token, or whom a function lets in.

Each kind answers with a `Leave`: what the event tells of the caller, or the refusal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from emulator.http_api.event import HttpRequest
from emulator.http_api.lambda_authorizer import LambdaAuthorizers
from emulator.http_api.response import HttpResponse, message
from emulator.http_api.sources import select
from emulator.http_api.tokens import Keys, TokenRefused, claim_text, scopes_of, verify_token

Authorize = Callable[[str], str | None]
"""Gives the ARN of who signed the request and may call ``stage/METHOD/path``, or None."""


@dataclass(frozen=True)
class Leave:
    """What an authorizer says: a refusal, or what the event's ``requestContext.authorizer`` holds."""

    refusal: HttpResponse | None = None
    authorizer: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Asked:
    """A request that has found its route, and the event its function would receive."""

    request: HttpRequest
    route: Any
    event: Mapping[str, Any]
    account: str
    route_arn: str
    signed_path: str


class Authorizers:
    """Asks a route's authorizer.

    Parameters
    ----------
    keys
        Finds the keys of token issuers.
    functions
        Asks Lambda authorizers.
    now
        The cloud's time.
    """

    def __init__(self, *, keys: Keys, functions: LambdaAuthorizers, now: Callable[[], datetime]) -> None:
        self._keys = keys
        self._functions = functions
        self._now = now

    def ask(self, api: Any, asked: Asked, authorize: Authorize) -> Leave:
        """Ask whether a request may go on.

        Parameters
        ----------
        api
            The API.
        asked
            The request.
        authorize
            Checks signatures; called for IAM routes only.

        Returns
        -------
        Leave
            The refusal, or what is known of the caller.
        """
        kind = asked.route.authorization_type or "NONE"
        if kind == "NONE":
            return Leave()
        if kind == "AWS_IAM":
            principal = authorize(asked.signed_path)
            if principal is None:
                return Leave(message(403, "Forbidden"))
            return Leave(authorizer={"iam": {"accountId": asked.account, "userArn": principal}})
        authorizer = api.authorizers.get(asked.route.authorizer_id)
        if authorizer is None:
            return Leave(message(500, "Internal Server Error"), error="the route's authorizer is gone")
        return self._token(authorizer, asked) if kind == "JWT" else self._function(authorizer, asked)

    def _token(self, authorizer: Any, asked: Asked) -> Leave:
        settings = {key[:1].lower() + key[1:]: value for key, value in authorizer.jwt_config.items()}
        found = select(authorizer.identity_source, asked.request, asked.event)
        if found is None:
            return _challenge(401, "Unauthorized", "Bearer", "no token was given")
        scheme, _, rest = found[0].partition(" ")
        token = rest.strip() if scheme.lower() == "bearer" and rest else found[0]
        try:
            claims = verify_token(
                token,
                keys=self._keys,
                issuer=str(settings["issuer"]),
                audience=settings.get("audience") or [],
                now=self._now(),
            )
        except TokenRefused as refused:
            told = f'Bearer scope="" error="invalid_token" error_description="{_quotable(str(refused))}"'
            return _challenge(401, "Unauthorized", told, str(refused))
        wanted, held = asked.route.authorization_scopes or [], scopes_of(claims)
        if wanted and not set(wanted) & set(held):
            reason = "the token has none of the scopes"
            told = (
                f'Bearer scope="{" ".join(wanted)}" error="insufficient_scope" error_description="{reason}"'
            )
            return _challenge(403, "Forbidden", told, reason)
        texts = {name: claim_text(value) for name, value in claims.items()}
        return Leave(authorizer={"jwt": {"claims": texts, "scopes": held if wanted else None}})

    def _function(self, authorizer: Any, asked: Asked) -> Leave:
        sources = authorizer.identity_source or []
        found = select(sources, asked.request, asked.event)
        if found is None:
            return Leave(message(401, "Unauthorized"), error="an identity source is missing")
        answer = self._functions.ask(authorizer, found, asked.event, asked.route_arn)
        if answer.error:
            return Leave(message(500, "Internal Server Error"), error=answer.error)
        if not answer.allowed:
            return Leave(message(403, "Forbidden"), error="the authorizer said no")
        return Leave(authorizer={"lambda": answer.context} if answer.context else {})


def _challenge(status: int, text: str, told: str, error: str) -> Leave:
    plain = message(status, text)
    headers = (*plain.headers, ("www-authenticate", told))
    return Leave(HttpResponse(status, headers, plain.body), error=error)


def _quotable(text: str) -> str:
    """Make a text fit into a header's quotes: a token's own header may be part of it."""
    return "".join(letter for letter in text if " " <= letter <= "~" and letter not in '"\\')
