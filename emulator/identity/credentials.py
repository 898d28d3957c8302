"""Credentials the local cloud hands out, and whom they stand for.

A role's credentials come from moto's own STS, so every part that looks an access key up there finds it.
"""

import threading
from dataclasses import dataclass

from emulator import aws

ROOT_ACCESS_KEY = "test"
ROOT_SECRET_KEY = "test"  # noqa: S105 - what users of local clouds type; it opens nothing
ROOT = "root"
UNSIGNED = "unsigned"


@dataclass(frozen=True)
class Credentials:
    """An access key, its secret, and the session token of a role's temporary key."""

    access_key: str
    secret_key: str
    session_token: str | None = None

    def as_environment(self) -> dict[str, str]:
        """Give the environment variables an AWS SDK reads.

        Returns
        -------
        dict of str
            ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and, when there is one, ``AWS_SESSION_TOKEN``.

        Examples
        --------
        >>> Credentials("test", "test").as_environment()
        {'AWS_ACCESS_KEY_ID': 'test', 'AWS_SECRET_ACCESS_KEY': 'test'}
        """
        environment = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        if self.session_token:
            environment["AWS_SESSION_TOKEN"] = self.session_token
        return environment


ROOT_CREDENTIALS = Credentials(ROOT_ACCESS_KEY, ROOT_SECRET_KEY)


@dataclass(frozen=True)
class Identity:
    """Whom an access key stands for.

    Parameters
    ----------
    principal
        ARN of the role or user, or ``root``.
    credentials
        The key's credentials.
    session
        The role's session the key was issued for.
    """

    principal: str
    credentials: Credentials
    session: str = ""

    @property
    def user(self) -> str:
        """The caller as AWS's messages name it: of a role, the session.

        Examples
        --------
        >>> Identity("arn:aws:iam::1:role/worker", ROOT_CREDENTIALS, "one").user
        'arn:aws:sts::1:assumed-role/worker/one'
        """
        if not self.session:
            return self.principal
        account, _, path = self.principal.split(":", 4)[4].partition(":")
        return f"arn:aws:sts::{account}:assumed-role/{path.rpartition('/')[2]}/{self.session}"


class IdentityStore:
    """Issues credentials of roles and finds the identity behind an access key; safe to use from threads.

    Parameters
    ----------
    region
        Region the roles' sessions name.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._lock = threading.Lock()
        self._by_session: dict[tuple[str, str], Credentials] = {}
        self._by_key: dict[str, Identity] = {ROOT_ACCESS_KEY: Identity(ROOT, ROOT_CREDENTIALS)}

    def of_role(self, role_arn: str, session: str) -> Credentials:
        """Give a role's credentials, the same ones for the same session name.

        Parameters
        ----------
        role_arn
            The role.
        session
            Who uses it, such as a function's name.

        Returns
        -------
        Credentials
            A temporary key that calls as ``role_arn``.
        """
        with self._lock:
            known = self._by_session.get((role_arn, session))
            if known:
                return known
            role = aws.backend("sts", self._region).assume_role(
                self._region, session[:64], role_arn, "", 43200, ""
            )
            made = Credentials(role.access_key_id, role.secret_access_key, role.session_token)
            self._by_session[role_arn, session] = made
            self._by_key[made.access_key] = Identity(role_arn, made, session[:64])
            return made

    def as_role(self, role_arn: str, session: str) -> Identity:
        """Give the identity of a role's session.

        Parameters
        ----------
        role_arn
            The role.
        session
            Who uses it.

        Returns
        -------
        Identity
            Whom the session's key stands for.
        """
        return self._by_key[self.of_role(role_arn, session).access_key]

    def find(self, access_key: str) -> Identity | None:
        """Find whom an access key stands for.

        Parameters
        ----------
        access_key
            Access key id of a signature.

        Returns
        -------
        Identity or None
            None when the local cloud never issued the key.
        """
        known = self._by_key.get(access_key)
        if known:
            return known
        role = aws.backend("sts", self._region).get_assumed_role_from_access_key(access_key)
        if role:
            made = Credentials(role.access_key_id, role.secret_access_key, role.session_token)
            return self._remember(Identity(role.role_arn, made, role.session_name))
        for user in list(aws.backend("iam").users.values()):
            for key in user.access_keys:
                if key.access_key_id == access_key:
                    return self._remember(Identity(user.arn, Credentials(access_key, key.secret_access_key)))
        return None

    def principal(self, access_key: str | None) -> str:
        """Name the principal of an access key for the meter.

        Parameters
        ----------
        access_key
            Access key id, or None for an unsigned request.

        Returns
        -------
        str
            The role's or user's ARN, ``root``, ``unsigned``, or ``unknown key …``.
        """
        if access_key is None:
            return UNSIGNED
        identity = self.find(access_key)
        return identity.principal if identity else f"unknown key {access_key}"

    def _remember(self, identity: Identity) -> Identity:
        with self._lock:
            self._by_key[identity.credentials.access_key] = identity
        return identity
