"""Where the documents of token issuers come from: user pools of this cloud, or the network."""

import json
import urllib.request
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from moto.cognitoidp import models as pool_models
from moto.cognitoidp.responses import CognitoIdpJsonWebKeyResponse

from emulator import aws
from emulator.events.hooks import Hooks

_TIMEOUT_SECONDS = 1.5
"""API Gateway's own limit for an issuer's answer."""


def install(hooks: Hooks, epoch_seconds: Callable[[], float]) -> None:
    """Have user pools date their tokens by the cloud's clock, which the tokens are held against.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    epoch_seconds
        The cloud's time.
    """
    hooks.replace(pool_models, "time", SimpleNamespace(time=epoch_seconds))


class Issuers:
    """Gets the OpenID configuration and the keys of issuers.

    A user pool of this cloud is known by the URL it has in AWS, which nobody answers here: its documents are
    read where the pool is kept. Any other issuer is asked at its URL.

    Parameters
    ----------
    region
        The cloud's region.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._host = f"cognito-idp.{region}.amazonaws.com"

    def fetch(self, url: str) -> Any:
        """Get a JSON document.

        Parameters
        ----------
        url
            Where it is.

        Returns
        -------
        Any
            What it holds.

        Raises
        ------
        OSError
            Nobody answers there in 1.5 s, or not with the document.
        ValueError
            The document is no JSON, or the URL is neither HTTPS nor on this machine.
        """
        parts = urlsplit(url)
        if parts.hostname == self._host:
            return self._of_pool(*parts.path.strip("/").split("/", 1))
        if parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1"}:
            raise ValueError(f"{url} is not HTTPS; plain HTTP is taken from localhost alone")
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - the scheme was just looked at
            return json.load(answer)

    def _of_pool(self, pool: str, document: str = "") -> Any:
        if pool not in aws.backend("cognito-idp", self._region).user_pools:
            raise ValueError(f"there is no user pool {pool} in this cloud")
        if document == ".well-known/openid-configuration":
            issuer = f"https://{self._host}/{pool}"
            return {"issuer": issuer, "jwks_uri": f"{issuer}/.well-known/jwks.json"}
        return json.loads(CognitoIdpJsonWebKeyResponse.json_web_key)
