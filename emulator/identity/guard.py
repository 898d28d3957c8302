"""Holds callers against the policies of their roles.

Policies are compiled once per role and again when they have changed: the documents moto's IAM holds now
are compared with those that were compiled, which costs microseconds and misses no way to change them.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator import aws
from emulator.identity.credentials import Identity
from emulator.identity.denial import Denial
from emulator.identity.policy import Need, Statement, Verdict, compile_policy, decide

_ROLE_MARK = ":role/"
_BOUNDARY = "permissions boundary"

_Documents = tuple[tuple[str, ...], str | None]
"""A role's policies, and its permissions boundary."""


@dataclass(frozen=True)
class _Permissions:
    role: Any
    documents: _Documents
    allowed: tuple[Statement, ...]
    boundary: tuple[Statement, ...] | None


class Guard:
    """Says whether a role may do what is asked; safe to use from threads.

    Parameters
    ----------
    region
        The cloud's region.
    enforced
        Without it everybody may do everything.
    """

    def __init__(self, region: str, *, enforced: bool) -> None:
        self._context = {
            "aws:requestedregion": region,
            "aws:principalaccount": aws.ACCOUNT,
            "aws:resourceaccount": aws.ACCOUNT,
            "aws:principaltype": "AssumedRole",
            # The port speaks plain HTTP in the place of endpoints that speak HTTPS only.
            "aws:securetransport": "true",
        }
        self.enforced = enforced
        self._lock = threading.Lock()
        self._compiled: dict[str, _Permissions] = {}

    def guards(self, identity: Identity | None) -> bool:
        """Say whether a caller is held against policies: roles are, root and users are not.

        Parameters
        ----------
        identity
            Who calls; None for an unsigned request.

        Returns
        -------
        bool
            Whether to ask `check`.
        """
        return self.enforced and identity is not None and _ROLE_MARK in identity.principal

    def check(
        self, identity: Identity, needs: Iterable[Need], context: Mapping[str, str] | None = None
    ) -> Denial | None:
        """Look for the first permission a caller has not.

        Parameters
        ----------
        identity
            Who calls, a role.
        needs
            What the request needs.
        context
            Condition keys of this request, in lower case.

        Returns
        -------
        Denial or None
            None when everything is allowed.
        """
        permissions = self._permissions(identity.principal)
        values = {**self._context, "aws:principalarn": identity.principal, **(context or {})}
        for need in needs:
            verdict = decide(permissions.allowed, need, values)
            if verdict is not Verdict.ALLOWED:
                return Denial(identity.user, need, verdict)
            if permissions.boundary is not None:
                verdict = decide(permissions.boundary, need, values)
                if verdict is not Verdict.ALLOWED:
                    return Denial(identity.user, need, verdict, _BOUNDARY)
        return None

    def _permissions(self, role_arn: str) -> _Permissions:
        roles = aws.backend("iam").roles
        known = self._compiled.get(role_arn)
        if known and roles.get(known.role.id) is known.role:
            documents = _documents(known.role)
            if documents == known.documents:
                return known
        role = next((role for role in list(roles.values()) if role.arn == role_arn), None)
        if role is None:  # a role that was deleted, or never made, allows nothing
            return _Permissions(None, ((), None), (), None)
        made = _compile(role)
        with self._lock:
            self._compiled[role_arn] = made
        return made


def _documents(role: Any) -> _Documents:
    attached = tuple(_default_document(policy) for policy in tuple(role.managed_policies.values()))
    boundary = role.permissions_boundary_arn
    return (*role.policies.values(), *attached), _boundary_document(boundary) if boundary else None


def _default_document(policy: Any) -> str:
    version = next((version for version in policy.versions if version.is_default), policy.versions[-1])
    return str(version.document)


def _boundary_document(arn: str) -> str:
    policy = aws.backend("iam").managed_policies.get(arn)
    return _default_document(policy) if policy else "{}"


def _compile(role: Any) -> _Permissions:
    documents = _documents(role)
    policies, boundary = documents
    statements = tuple(statement for document in policies for statement in compile_policy(document))
    return _Permissions(role, documents, statements, None if boundary is None else compile_policy(boundary))
