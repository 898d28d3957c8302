"""Puts CloudFormation's API in place of moto's, for as long as a cloud runs.

moto's own CloudFormation is a map of half-known types; of it remain the wire format and the place where
stacks are kept. The deployer, the CDK CLI and boto3 all end in the one `Formation`.
"""

import functools
import json
from collections.abc import Callable
from typing import Any

from moto.cloudformation.responses import CloudFormationResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.s3.models import FakeBucket

from emulator.deploy import api
from emulator.deploy.formation import Formation
from emulator.events.hooks import Hooks


def install(hooks: Hooks, formation: Formation) -> None:
    """Answer CloudFormation's operations from the stacks of a `Formation`.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    formation
        The stacks.
    """

    def call_action(response: Any) -> Any:
        try:
            result = ActionResult(api.answer(formation, response._get_action(), response.params))  # noqa: SLF001 - moto's
        except ServiceException as error:
            result = ActionResult(error)
        return response.serialized(result)

    hooks.replace(CloudFormationResponse, "call_action", call_action)
    hooks.replace(CloudFormationResponse, "RESPONSE_KEY_PATH_TO_TRANSFORMER", {})
    hooks.replace(FakeBucket, "get_permission", _unconditional_permission(FakeBucket.get_permission))


def _unconditional_permission(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Judge by the statements of a bucket policy without conditions: moto takes each condition as met."""

    def get_permission(bucket: Any, action: str, resource: str) -> Any:
        whole = bucket.policy
        if whole is None:
            return plain(bucket, action, resource)
        return plain(_PolicyOnly(_without_conditions(whole)), action, resource)

    return get_permission


class _PolicyOnly:
    """Stands in for a bucket where only its policy is asked for."""

    def __init__(self, policy: bytes) -> None:
        self.policy = policy


@functools.lru_cache(maxsize=64)
def _without_conditions(policy: bytes) -> bytes:
    document = json.loads(policy)
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    document["Statement"] = [statement for statement in statements if "Condition" not in statement]
    return json.dumps(document).encode()
