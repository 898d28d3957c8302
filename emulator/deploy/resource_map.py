"""A stack's resources: made in dependency order, changed by what really changed, removed in reverse.

It stands where moto's own map stood. What differs: every type comes from the one coverage table, a template
with anything else in it is refused before the first resource, a change is found by comparing *resolved*
properties (so whoever refers to a replaced resource is updated too), and what fails leaves nothing behind.
"""

import re
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import ResourceMap, clean_json

from emulator import aws
from emulator.resources.base import Made, Properties, Request, ResourceType, Services
from emulator.resources.coverage import RESOURCE_TYPES, problems

_RETAINING = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})
_SUFFIX_ALPHABET = string.ascii_uppercase + string.digits


class Resource:
    """A made resource, in the shape moto's CloudFormation API lists."""

    def __init__(self, kind: ResourceType, logical_id: str, made: Made) -> None:
        self.kind = kind
        self.made = made
        self.type = self.cf_resource_type = kind.name
        self.logical_resource_id = logical_id
        self.status = "CREATE_COMPLETE"

    @property
    def physical_resource_id(self) -> str:
        """What ``Ref`` answers."""
        return self.made.physical_id

    def get_cfn_attribute(self, name: str) -> Any:
        """Give what ``Fn::GetAtt`` asks for."""
        return self.made.attributes[name]

    def is_created(self) -> bool:
        """Tell moto that it exists: making one is never left half done."""
        return True


class LocalResources(ResourceMap):
    """moto's map of a stack, made by the types of the coverage table.

    Parameters
    ----------
    services
        What resource types may use.
    stack_id, stack_name
        The stack.
    arguments
        As moto hands them in.
    """

    def __init__(
        self, stack_id: str, stack_name: str, *arguments: Any, services: Services, **named: Any
    ) -> None:
        self._services = services
        self._stack_name = stack_name
        self._making: list[str] = []
        self._made_in_order: list[str] = []
        super().__init__(stack_id, stack_name, *arguments, **named)
        # A stack made by a change set is given no exports; all stacks of the region share these.
        self.cross_stack_resources = aws.backend("cloudformation", self._region_name).exports

    def load(self) -> None:
        """Read mappings, parameters and conditions; refuse what the local cloud would ignore."""
        refuse_uncovered(self._stack_name, self._template)
        super().load()

    def validate_outputs(self) -> None:
        """Check nothing more: the coverage table did."""

    def __getitem__(self, key: str) -> Any:
        if key not in self._parsed_resources:
            declared = self._resource_json_map.get(key)
            if declared is None:
                raise KeyError(key)
            condition = declared.get("Condition")
            if condition and not self.lazy_condition_map[condition]:
                return None
            self._parsed_resources[key] = self._create(key, declared)
            self._made_in_order.append(key)
        return self._parsed_resources[key]

    def create(self, template: dict[str, Any]) -> bool:
        """Make every resource; on a failure remove those already made and say what failed."""
        self._template = template
        self._resource_json_map = template["Resources"]
        self._make_all(self._resource_json_map)
        return True

    def creation_complete(self) -> bool:
        """Tell whether every resource exists: `create` returns only when they do."""
        return True

    def update(self, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
        """Bring the stack to another template.

        Parameters
        ----------
        template
            The wanted template.
        parameters
            Its parameters; None keeps the present ones.
        """
        refuse_uncovered(self._stack_name, template)
        before = dict(self._resource_json_map)
        existing = {name: self._parsed_resources[name] for name in before if name in self._parsed_resources}
        for name in existing:
            del self._parsed_resources[name]
        self._template = template
        if parameters:
            self.input_parameters = parameters
        self._resource_json_map = template["Resources"]
        self.load_mapping()
        self.load_parameters()
        self.load_conditions()
        self._existing = existing
        self._replaced: list[Resource] = []
        try:
            self._make_all(self._resource_json_map, undo=False)
        finally:
            del self._existing
            for name, resource in existing.items():
                self._parsed_resources.setdefault(name, resource)
        for resource in self._replaced:
            self._remove(resource)
        for name in reversed([n for n in existing if n not in self._resource_json_map]):
            resource = self._parsed_resources.pop(name)
            if before[name].get("DeletionPolicy") not in _RETAINING:
                self._remove(resource)

    def existing(self) -> list[Resource]:
        """List the resources that exist now, in the template's order."""
        found = [self._parsed_resources.get(name) for name in self._resource_json_map]
        return [resource for resource in found if isinstance(resource, Resource)]

    def delete(self) -> None:
        """Remove the stack's resources, last made first; retained ones stay."""
        for name in self._existing_in_reverse():
            resource = self._parsed_resources.pop(name)
            if self._resource_json_map[name].get("DeletionPolicy") not in _RETAINING:
                self._remove(resource)

    def undo(self, reason: Exception) -> None:
        """Remove everything after a failure; what cannot be removed is told beside the failure itself.

        Parameters
        ----------
        reason
            The failure, which is told of what was left behind.
        """
        for name in self._existing_in_reverse():
            try:
                self._remove(self._parsed_resources.pop(name))
            except ValidationError as error:
                reason.add_note(f"left behind: {error.message}")

    def _existing_in_reverse(self) -> list[str]:
        made = [name for name in self._made_in_order if name in self._parsed_resources]
        return list(reversed([name for name in dict.fromkeys(made) if name in self._resource_json_map]))

    def _make_all(self, names: Iterable[str], *, undo: bool = True) -> None:
        try:
            for name in names:
                _ = self[name]
        except Exception as error:
            if undo:
                self.undo(error)
            raise

    def _create(self, name: str, declared: Mapping[str, Any]) -> Resource:
        if name in self._making:
            circle = " → ".join([*self._making[self._making.index(name) :], name])
            raise ValidationError(message=f"stack {self._stack_name}: resources depend in a circle: {circle}")
        self._making.append(name)
        try:
            for dependency in _as_list(declared.get("DependsOn", [])):
                _ = self[dependency]
            properties = clean_json(declared.get("Properties", {}), self)
        finally:
            self._making.pop()
        kind = RESOURCE_TYPES[declared["Type"]]
        old = getattr(self, "_existing", {}).get(name)
        with _naming(self._stack_name, name, kind.name):
            if old is None or old.kind is not kind:
                if old is not None:
                    self._replaced.append(old)
                return Resource(kind, name, self._new(kind, name, properties))
            return self._change(old, properties)

    def _new(self, kind: ResourceType, name: str, properties: Properties) -> Made:
        made = kind.create(self._request(name, self._name_for(kind, name, properties), properties))
        return replace(made, properties=properties)

    def _change(self, old: Resource, properties: Properties) -> Resource:
        before = old.made.properties
        changed = {key for key in before.keys() | properties.keys() if before.get(key) != properties.get(key)}
        if not changed or changed <= set(old.kind.accepted):
            old.made.properties = properties
            return old
        if old.kind.update is not None and not changed & old.kind.replaced_by:
            request = self._request(old.logical_resource_id, old.physical_resource_id, properties)
            made = replace(old.kind.update(request, old.made), properties=properties)
            return Resource(old.kind, old.logical_resource_id, made)
        made = self._new(old.kind, old.logical_resource_id, properties)
        if made.physical_id != old.physical_resource_id:
            self._replaced.append(old)
        return Resource(old.kind, old.logical_resource_id, made)

    def _remove(self, resource: Resource) -> None:
        with _naming(self._stack_name, resource.logical_resource_id, resource.kind.name):
            request = self._request(
                resource.logical_resource_id, resource.physical_resource_id, resource.made.properties
            )
            resource.kind.delete(request, resource.made)

    def _request(self, logical_id: str, name: str, properties: Properties) -> Request:
        return Request(self._stack_name, logical_id, name, properties, self._services)

    def _name_for(self, kind: ResourceType, logical_id: str, properties: Properties) -> str:
        given = properties.get(kind.name_property) if kind.name_property else None
        return str(given) if given else generated_name(kind, self._stack_name, logical_id)


def refuse_uncovered(stack: str, template: Mapping[str, Any]) -> None:
    """Refuse a template that asks for what the local cloud would ignore.

    Parameters
    ----------
    stack
        The stack's name.
    template
        Its template; an empty one, which a change set begins with, passes.

    Raises
    ------
    ValidationError
        As CloudFormation's API reports it, with every problem found.
    """
    found = problems(stack, template) if template else []
    if found:
        raise ValidationError(message="\n".join(found))


class _naming:  # noqa: N801 - a context manager, used as a verb
    """Names stack, resource and type on whatever fails inside."""

    def __init__(self, stack: str, resource: str, kind: str) -> None:
        self._where = f"stack {stack}, resource {resource} ({kind})"

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, (ClientError, BotoCoreError, ValueError, KeyError)):
            reason = f"property {error} is required" if isinstance(error, KeyError) else str(error)
            raise ValidationError(message=f"{self._where}: {reason}") from error


def generated_name(kind: ResourceType, stack: str, logical_id: str) -> str:
    """Name a resource that its template leaves unnamed, as CloudFormation does: stack, id, random suffix.

    Parameters
    ----------
    kind
        The resource's type, for the length a name may have.
    stack, logical_id
        What the name is made of.

    Returns
    -------
    str
        A fresh name.
    """
    suffix = "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(12))
    room = kind.generated_name_limit - len(suffix) - 2
    half = room // 2
    id_part = logical_id if len(logical_id) <= room - min(len(stack), half) else logical_id[: room - half]
    name = f"{stack[: room - len(id_part)]}-{id_part}-{suffix}"
    if kind.name == "AWS::S3::Bucket":
        return re.sub(r"[^a-z0-9.-]", "-", name.lower())
    return name


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
