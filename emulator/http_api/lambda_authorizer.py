"""Lambda authorizers of HTTP APIs: REQUEST type, payload format 2.0.

The function answers ``{"isAuthorized": ..., "context": ...}`` where simple responses are on, and an IAM
policy where they are not. An answer is kept for the authorizer's time to live, by its identity sources.
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html)
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from emulator.errors import EmulatorError
from emulator.http_api.integration import function_arn_of
from emulator.identity.policy import Need, Statement, Verdict, compile_policy, decide
from emulator.runtime.model import Invocation

Invoke = Callable[[str, dict[str, Any], str], Invocation]
"""Runs a function by ARN with an event, for the API, route or authorizer whose ARN comes last."""


@dataclass(frozen=True)
class Answer:
    """What an authorizer's function said of one route: let in or not, or an error of its own."""

    allowed: bool = False
    context: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class _Verdict:
    """An answer as it is kept: a plain yes or no, or a policy that each route is held against."""

    context: Mapping[str, Any]
    allowed: bool = False
    policy: tuple[Statement, ...] | None = None

    def of(self, route_arn: str) -> Answer:
        allowed = self.allowed
        if self.policy is not None:
            allowed = decide(self.policy, Need("execute-api:Invoke", route_arn)) is Verdict.ALLOWED
        return Answer(allowed, self.context)


class LambdaAuthorizers:
    """Asks functions who may call, and keeps what they say.

    Parameters
    ----------
    invoke
        Runs functions.
    now
        The cloud's time.
    """

    def __init__(self, invoke: Invoke, now: Callable[[], datetime]) -> None:
        self._invoke = invoke
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, ...], tuple[datetime, _Verdict]] = {}

    def ask(self, authorizer: Any, identity: list[str], event: Mapping[str, Any], route_arn: str) -> Answer:
        """Ask an authorizer, or remember what it said.

        Parameters
        ----------
        authorizer
            moto's authorizer.
        identity
            Values of its identity sources.
        event
            What the route's function would receive.
        route_arn
            ARN of API, stage, method and path.

        Returns
        -------
        Answer
            Whether the request goes on.
        """
        kept_for = timedelta(seconds=int(authorizer.auth_result_ttl or 0)) if identity else timedelta()
        key = (authorizer.id, *identity)
        with self._lock:
            asked_at, verdict = self._kept.get(key, (None, None))
        if verdict is None or asked_at is None or not asked_at <= self._now() < asked_at + kept_for:
            try:
                verdict = self._fresh(authorizer, identity, event, route_arn)
            except (EmulatorError, ValueError, TypeError, KeyError) as error:
                return Answer(error=f"{authorizer.name}: {error}")
            with self._lock:
                self._kept[key] = (self._now(), verdict)
        return verdict.of(route_arn)

    def _fresh(
        self, authorizer: Any, identity: list[str], event: Mapping[str, Any], route_arn: str
    ) -> _Verdict:
        left_out = {"body", "isBase64Encoded", "version"}
        told = {
            "version": "2.0",
            "type": "REQUEST",
            "routeArn": route_arn,
            "identitySource": identity or None,
            **{name: value for name, value in event.items() if name not in left_out},
        }
        invocation = self._invoke(
            function_arn_of(authorizer.authorizer_uri),
            told,
            f"{route_arn.partition('/')[0]}/authorizers/{authorizer.id}",
        )
        if invocation.function_error is not None:
            raise ValueError(f"the function failed: {invocation.payload.decode(errors='replace')[:200]}")
        answer = json.loads(invocation.payload)
        context = answer.get("context") or {}
        if authorizer.enable_simple_response:
            return _Verdict(context, allowed=answer["isAuthorized"] is True)
        return _Verdict(context, policy=compile_policy(json.dumps(answer["policyDocument"])))
