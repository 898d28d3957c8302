"""What AWS's own services may do on somebody's behalf: deliver events, by a role or by the target's policy.

A service acts with the role it was given, held against that role's policies like any caller; without one,
the target's own policy has to let the service in, as a rule's queue has a policy that names
`events.amazonaws.com`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator import aws
from emulator.identity.credentials import IdentityStore
from emulator.identity.guard import Guard
from emulator.identity.policy import Need, Verdict, compile_policy, decide

RULES = "events.amazonaws.com"
SCHEDULER = "scheduler.amazonaws.com"
FUNCTIONS = "lambda.amazonaws.com"
BUCKETS = "s3.amazonaws.com"
TOPICS = "sns.amazonaws.com"

_ACTIONS = {
    "events": "events:PutEvents",
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "states": "states:StartExecution",
}
_BY_ROLE_ALONE = frozenset({"states"})
_POLICIES = frozenset({"sqs", "sns"})


@dataclass(frozen=True)
class Sending:
    """A service about to deliver to a target.

    Parameters
    ----------
    service
        The principal, such as `events.amazonaws.com`.
    source_arn
        The rule or schedule it acts for.
    target_arn
        The target.
    role_arn
        The role it was given.
    """

    service: str
    source_arn: str
    target_arn: str
    role_arn: str | None = None

    @property
    def target_service(self) -> str:
        """Of the target's ARN."""
        return self.target_arn.split(":")[2]


class ServiceAccess:
    """Says whether a service may deliver; safe to use from threads.

    Parameters
    ----------
    guard
        Knows what roles may do, and whether policies are enforced at all.
    identities
        Knows roles' sessions.
    may_invoke
        Holds functions' policies against a function, a principal and its source: gives the refusal.
    """

    def __init__(
        self,
        guard: Guard,
        identities: IdentityStore,
        *,
        may_invoke: Callable[[str, str, str], str | None],
    ) -> None:
        self._guard = guard
        self._identities = identities
        self._may_invoke = may_invoke

    def refusal(self, sending: Sending) -> str | None:
        """Look for the permission a delivery lacks.

        Parameters
        ----------
        sending
            Who delivers what where.

        Returns
        -------
        str or None
            What is missing and the statement that would allow it; None when the delivery is allowed.
        """
        action = _ACTIONS.get(sending.target_service)
        if not self._guard.enforced or action is None:
            return None
        if sending.role_arn:
            return self._refusal_of_role(sending.role_arn, sending, action)
        if sending.service == SCHEDULER or sending.target_service in _BY_ROLE_ALONE:
            return f"{sending.source_arn} delivers to {sending.target_arn} without a role; give it a RoleArn"
        if sending.target_service == "lambda":
            return self._may_invoke(sending.target_arn, sending.service, sending.source_arn)
        if sending.target_service in _POLICIES:
            return _refusal_of_policy(_policy_of(sending), sending, action)
        return None

    def _refusal_of_role(self, role_arn: str, sending: Sending, action: str) -> str | None:
        session = sending.source_arn.rpartition("/")[2]
        denial = self._guard.check(
            self._identities.as_role(role_arn, session), [Need(action, sending.target_arn)]
        )
        return None if denial is None else str(denial)


def lets_in(policy: str | Mapping[str, Any], service: str, need: Need, context: Mapping[str, str]) -> bool:
    """Say whether a resource's policy lets a service do something.

    Parameters
    ----------
    policy
        The policy, as a structure or as text; empty for none.
    service
        The principal, such as `events.amazonaws.com`.
    need
        Action and resource.
    context
        Condition keys, in lower case, such as `aws:sourcearn`.

    Returns
    -------
    bool
        Whether a statement allows it and none denies it.

    Examples
    --------
    >>> policy = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
    ...     "Action": "sqs:SendMessage", "Resource": "*"}]}
    >>> lets_in(policy, "events.amazonaws.com", Need("sqs:SendMessage", "arn:aws:sqs:us-east-1:1:q"), {})
    True
    >>> lets_in(policy, "scheduler.amazonaws.com", Need("sqs:SendMessage", "arn:aws:sqs:us-east-1:1:q"), {})
    False
    """
    document = json.loads(policy or "{}") if isinstance(policy, str) else policy
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    spoken_to = [entry for entry in listed if _names(entry.get("Principal"), service)]
    compiled = compile_policy(json.dumps({"Statement": spoken_to}))
    return decide(compiled, need, context) is Verdict.ALLOWED


def _names(principal: Any, service: str) -> bool:
    if isinstance(principal, Mapping):
        if principal.get("AWS") == "*":
            return True
        principal = principal.get("Service", [])
    return service in principal if isinstance(principal, list) else principal in {service, "*"}


def _policy_of(sending: Sending) -> str:
    _, _, service, region, _, name = sending.target_arn.split(":", 5)
    backend = aws.backend(service, region)
    if service == "sns":
        topic = backend.topics.get(sending.target_arn)
        return "" if topic is None else str(topic.policy)
    queue = backend.queues.get(name)
    return "" if queue is None else str(queue.policy or "")


def _refusal_of_policy(policy: str, sending: Sending, action: str) -> str | None:
    account = sending.source_arn.split(":")[4] or aws.ACCOUNT  # a bucket's ARN names none
    context = {
        "aws:sourcearn": sending.source_arn,
        "aws:sourceaccount": account,
        "aws:securetransport": "true",
    }
    if lets_in(policy, sending.service, Need(action, sending.target_arn), context):
        return None
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": sending.service},
        "Action": action,
        "Resource": sending.target_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": sending.source_arn}},
    }
    return (
        f"{sending.service} is not authorized to perform: {action} on resource: {sending.target_arn} because "
        f"the resource's policy does not allow it. This statement would: {json.dumps(statement)}"
    )
