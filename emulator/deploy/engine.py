"""Puts the resource map under moto's CloudFormation, for as long as a cloud runs.

moto offers no seam here, so its module's names are replaced and put back. The deployer, the CDK CLI
(change sets) and boto3 (create, update) all end in the same few functions.
"""

import functools
import json
from collections.abc import Callable
from typing import Any

import yaml  # type: ignore[import-untyped]
from moto.cloudformation import models
from moto.cloudformation.utils import yaml_tag_constructor
from moto.s3.models import FakeBucket

from emulator.deploy.resource_map import LocalResources, refuse_uncovered
from emulator.events.hooks import Hooks
from emulator.resources.base import Services


def install(hooks: Hooks, services: Services) -> None:
    """Let moto's CloudFormation make resources through the coverage table.

    Parameters
    ----------
    hooks
        Remembers what was replaced.
    services
        What resource types may use.
    """
    hooks.replace(models, "ResourceMap", functools.partial(LocalResources, services=services))
    hooks.replace(models.Stack, "parse_template", staticmethod(parse_template))
    hooks.replace(models.ChangeSet, "_parse_template", _parse_change_set)
    hooks.replace(models.ChangeSet, "apply", _apply_change_set)
    backend = models.CloudFormationBackend
    for name in ("create_stack", "create_change_set"):
        hooks.replace(backend, name, _forgetting_failures(getattr(backend, name)))
    hooks.replace(FakeBucket, "get_permission", _unconditional_permission(FakeBucket.get_permission))


def parse_template(template: str) -> dict[str, Any]:
    """Read a template; JSON first, since reading it as YAML takes seconds.

    Parameters
    ----------
    template
        JSON or YAML.

    Returns
    -------
    dict
        The template.
    """
    try:
        parsed: dict[str, Any] = json.loads(template)
    except json.JSONDecodeError:
        yaml.add_multi_constructor("", yaml_tag_constructor)
        parsed = yaml.load(template, Loader=yaml.Loader)  # noqa: S506 - moto's tags need the full loader
    return parsed


def _parse_change_set(change_set: Any) -> None:
    change_set.template_dict = parse_template(change_set.template)
    refuse_uncovered(change_set.stack_name, change_set.template_dict)


def _apply_change_set(change_set: Any) -> None:
    stack = change_set.stack
    try:
        stack.resource_map.update(change_set.template_dict, change_set.parameters)
    except Exception as error:
        if change_set.change_set_type == "CREATE":
            stack.resource_map.undo(error)
            stack.status = "ROLLBACK_COMPLETE"
        raise
    stack.template, stack.template_dict = change_set.template, change_set.template_dict
    stack.parameters = change_set.parameters
    publish_outputs(stack)


def publish_outputs(stack: Any) -> None:
    """Show a changed stack's outputs and exports.

    Parameters
    ----------
    stack
        moto's stack, its resources already changed.
    """
    stack.output_map = stack._create_output_map()  # noqa: SLF001 - what moto's own update does
    exports = models.cloudformation_backends[stack.account_id][stack.region_name].exports
    for export in stack.exports:
        exports[export.name] = export


def _forgetting_failures(plain_create: Callable[..., Any]) -> Callable[..., Any]:
    def create(backend: Any, *arguments: Any, **named: Any) -> Any:
        known = set(backend.stacks)
        try:
            return plain_create(backend, *arguments, **named)
        except Exception:
            for stack_id in [stack_id for stack_id in backend.stacks if stack_id not in known]:
                del backend.stacks[stack_id]
            raise

    return create


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
