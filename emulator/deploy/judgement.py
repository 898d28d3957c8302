"""What has to be done to a resource to bring it to what its template wants."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from emulator.deploy.failures import TemplateError
from emulator.deploy.intrinsics import Scope
from emulator.deploy.stacks import Change, Resource, Source, Stack
from emulator.deploy.surroundings import Surroundings, scope_of
from emulator.deploy.template import in_order
from emulator.resources.base import Made, Properties, ResourceType, Services
from emulator.resources.coverage import type_of

_NEVER = datetime.fromtimestamp(0, UTC)
_UNKNOWN = "{known after the change}"
"""No value of a resource that exists, so whatever it becomes part of counts as changed."""

Verdict = Literal["keep", "update", "replace"]


@dataclass(frozen=True)
class Judgement:
    """What to do with a resource, and the properties that ask for it."""

    verdict: Verdict
    changed: tuple[str, ...]


def judge(resource: Resource, kind: ResourceType, properties: Properties) -> Judgement:
    """Compare a resource with what is wanted of it.

    Parameters
    ----------
    resource
        As it is.
    kind
        The wanted type.
    properties
        The wanted properties, resolved.

    Returns
    -------
    Judgement
        Properties without effect here ask for nothing.
    """
    if kind.name != resource.type:
        return Judgement("replace", ())
    before = resource.made.properties
    changed = tuple(
        sorted(key for key in before.keys() | properties.keys() if before.get(key) != properties.get(key))
    )
    effective = set(changed) - set(kind.accepted)
    if not effective:
        return Judgement("keep", changed)
    named = kind.update is None or bool(effective & kind.replaced_by)
    replaced = named or kind.replaced_when(before, properties)
    return Judgement("replace" if replaced else "update", changed)


def properties_of(scope: Scope, declared: Any, kind: ResourceType, tags: Any) -> Properties:
    """Resolve a resource's properties; a stack's tags go to every resource that can carry tags.

    Parameters
    ----------
    scope
        Resolves.
    declared
        The resource in its template.
    kind
        Its type.
    tags
        The stack's tags.

    Returns
    -------
    dict
        The properties.
    """
    properties: Properties = scope.resolve(declared.get("Properties", {}))
    if not tags or "Tags" not in kind.honoured:
        return properties
    own = properties.get("Tags") or []
    if isinstance(own, dict):
        return {**properties, "Tags": {**tags, **own}}
    named = {tag["Key"] for tag in own}
    added = [{"Key": key, "Value": value} for key, value in tags.items() if key not in named]
    return {**properties, "Tags": [*own, *added]}


class _Unmade(dict[str, Any]):
    """Attributes of a resource that is yet to be made."""

    def __contains__(self, _name: object) -> bool:
        return True

    def __missing__(self, _name: str) -> str:
        return _UNKNOWN


def planned_changes(stack: Stack, source: Source, services: Services, exports: Any) -> list[Change]:
    """List what an update to another template would do, without doing it.

    Parameters
    ----------
    stack
        The stack as it is.
    source
        The wanted template, parameters and tags.
    services
        Clients of the cloud.
    exports
        Value by name, of all stacks.

    Returns
    -------
    list of Change
        In the order they would be made; removals last.
    """
    foreseen: dict[str, Resource] = dict(stack.resources)
    scope = scope_of(stack, source, Surroundings(foreseen, exports, services))
    changes = []
    kept = set()
    for name in in_order(source.template):
        declared = source.template["Resources"][name]
        if not scope.wanted(declared):
            continue
        kept.add(name)
        kind = type_of(declared["Type"])
        if kind is None:
            continue
        old = stack.resources.get(name)
        change = _planned(name, old, kind, lambda: properties_of(scope, declared, kind, source.tags))  # noqa: B023 - called at once
        if change is not None:
            changes.append(change)
            if old is None or change.replacement == "True":
                foreseen[name] = _unmade(name, kind)
    gone = [resource for name, resource in reversed(stack.resources.items()) if name not in kept]
    return changes + list(_removals(gone))


def _planned(
    name: str, old: Resource | None, kind: ResourceType, wanted: Callable[[], Properties]
) -> Change | None:
    if old is None:
        return Change("Add", name, None, kind.name, None, ())
    try:
        judged = judge(old, kind, wanted())
    except TemplateError:
        # Part of a value that is not known yet cannot be taken: what has it changes, how shows later.
        return Change("Modify", name, old.made.physical_id, kind.name, "Conditional", ())
    if judged.verdict == "keep":
        return None
    replaced = str(judged.verdict == "replace")
    return Change("Modify", name, old.made.physical_id, kind.name, replaced, judged.changed)


def _unmade(name: str, kind: ResourceType) -> Resource:
    """Stand in for a resource that is yet to be made: whoever refers to it changes with it."""
    return Resource(name, kind.name, Made(_UNKNOWN, _Unmade()), "", "Delete", "Delete", _NEVER)


def _removals(gone: Iterable[Resource]) -> Iterable[Change]:
    for resource in gone:
        yield Change("Remove", resource.logical_id, resource.made.physical_id, resource.type, None, ())
