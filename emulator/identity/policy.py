"""IAM policy documents, compiled once and asked often.

>>> policy = compile_policy('{"Statement": {"Effect": "Allow", "Action": "sqs:Send*", "Resource": "*"}}')
>>> decide(policy, Need("sqs:SendMessage", "arn:aws:sqs:us-east-1:1:q"))
<Verdict.ALLOWED: 'allowed'>
>>> decide(policy, Need("sqs:DeleteMessage", "arn:aws:sqs:us-east-1:1:q"))
<Verdict.NOT_ALLOWED: 'not allowed'>
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from emulator.identity.conditions import Context, hold, matcher


class Verdict(Enum):
    """What policies say to a need."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"
    DENIED = "denied"


@dataclass(frozen=True)
class Need:
    """One permission a request needs.

    Parameters
    ----------
    action
        Such as ``s3:GetObject``.
    resource
        ARN, or ``*`` for what belongs to no single resource.
    context
        Condition keys of this need alone, in lower case.
    mapped
        False when the local cloud does not know which resource the operation is about.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)
    mapped: bool = True


@dataclass(frozen=True)
class Statement:
    """A compiled statement; a pattern that is None holds a policy variable and cannot be matched here."""

    denies: bool
    actions: re.Pattern[str]
    all_but_actions: bool
    resources: re.Pattern[str] | None
    all_but_resources: bool
    conditions: Mapping[str, Mapping[str, Any]]

    def applies(self, need: Need, context: Context) -> bool:
        """Say whether the statement speaks about a need.

        What cannot be judged here, an unknown condition key or a policy variable, counts against the
        caller: an Allow does not apply, a Deny does.

        Parameters
        ----------
        need
            The permission.
        context
            Condition keys of the request, the need's own among them.

        Returns
        -------
        bool
            Whether it applies.
        """
        if (self.actions.fullmatch(need.action) is not None) == self.all_but_actions:
            return False
        covers = self._covers(need)
        if covers is False:
            return False
        holds = hold(self.conditions, context) if self.conditions else True
        if holds is False:
            return False
        return self.denies or (covers is True and holds is True)

    def _covers(self, need: Need) -> bool | None:
        if self.resources is None or (self.denies and not need.mapped):
            return None
        return (self.resources.fullmatch(need.resource) is not None) != self.all_but_resources


Policy = tuple[Statement, ...]


def compile_policy(document: str) -> Policy:
    """Compile a policy document.

    Parameters
    ----------
    document
        JSON.

    Returns
    -------
    tuple of Statement
        Its statements.
    """
    statements = json.loads(document).get("Statement", [])
    return tuple(_compile(entry) for entry in _listed(statements))


def decide(policy: Iterable[Statement], need: Need, context: Context | None = None) -> Verdict:
    """Decide as IAM does: a Deny that applies decides, then an Allow, and silence allows nothing.

    Parameters
    ----------
    policy
        Statements of all policies of the caller.
    need
        The permission.
    context
        Condition keys of the request, in lower case.

    Returns
    -------
    Verdict
        The decision.
    """
    values = {**(context or {}), **need.context}
    verdict = Verdict.NOT_ALLOWED
    for statement in policy:
        if (statement.denies or verdict is Verdict.NOT_ALLOWED) and statement.applies(need, values):
            if statement.denies:
                return Verdict.DENIED
            verdict = Verdict.ALLOWED
    return verdict


def _compile(entry: Mapping[str, Any]) -> Statement:
    resources = _listed(entry.get("NotResource", entry.get("Resource", [])))
    return Statement(
        denies=entry["Effect"] == "Deny",
        actions=matcher(_listed(entry.get("NotAction", entry.get("Action", []))), ignore_case=True),
        all_but_actions="NotAction" in entry,
        resources=None if any("${" in resource for resource in resources) else matcher(resources),
        all_but_resources="NotResource" in entry,
        conditions=entry.get("Condition") or {},
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
