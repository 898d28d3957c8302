"""What is done to one stack: resources made, changed and removed in order, and put back after a failure.

A replaced resource is made anew before the old one is removed, and the old ones go last, when nothing can
fail any more that would need them. What fails is undone from the last step to the first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from emulator.deploy.failures import TemplateError
from emulator.deploy.judgement import judge, properties_of
from emulator.deploy.names import generated_name
from emulator.deploy.stacks import Output, Resource, Source, Stack, policy
from emulator.deploy.surroundings import Surroundings, scope_of
from emulator.deploy.template import in_order
from emulator.resources.base import Made, Properties, Request, ResourceType, Services
from emulator.resources.coverage import type_of

_FAILED = "CREATE_FAILED"
_KEEPING = "Retain"
_KEEPING_AT_THE_END = frozenset({"Retain", "RetainExceptOnCreate"})


class ResourceFailed(Exception):
    """A resource could not be made or changed; the stack's history says which and why."""


@dataclass(frozen=True)
class _Step:
    """Something done to a resource, and how to undo it."""

    logical_id: str
    undo: Callable[[], None]


class Operation:
    """One creation, update or deletion of a stack.

    Parameters
    ----------
    stack
        The stack; its status and history tell what happens.
    services
        Clients of the cloud.
    others
        Every other stack of the cloud.
    """

    def __init__(self, stack: Stack, services: Services, others: Callable[[], list[Stack]]) -> None:
        self._stack = stack
        self._services = services
        self._others = others
        self._steps: list[_Step] = []
        self._leftovers: list[Resource] = []

    def create(self) -> None:
        """Make every resource; after a failure remove them again, unless rollback is off."""
        stack = self._stack
        stack.become("CREATE_IN_PROGRESS", "User Initiated")
        try:
            self._apply(stack.source)
        except (ResourceFailed, TemplateError) as error:
            self._fail(_FAILED, "ROLLBACK", str(error))
            return
        stack.become("CREATE_COMPLETE")

    def update(self, source: Source) -> None:
        """Bring the stack to another template; after a failure bring it back, unless rollback is off."""
        stack = self._stack
        stack.updated = datetime.now(UTC)
        stack.become("UPDATE_IN_PROGRESS", "User Initiated")
        try:
            kept = self._apply(source)
        except (ResourceFailed, TemplateError) as error:
            self._fail("UPDATE_FAILED", "UPDATE_ROLLBACK", str(error))
            return
        stack.source = source
        stack.become("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        self._clean_up(kept)
        stack.become("UPDATE_COMPLETE")

    def delete(self, retained: frozenset[str] = frozenset()) -> None:
        """Remove every resource, the last made first.

        Parameters
        ----------
        retained
            Resources to leave, beside those whose template says so.
        """
        stack = self._stack
        stack.become("DELETE_IN_PROGRESS", "User Initiated")
        try:
            self._check_exports({})
        except TemplateError as error:
            stack.become("DELETE_FAILED", error.message)
            return
        failed = []
        for resource in reversed(list(stack.resources.values())):
            keep = resource.deletion_policy in _KEEPING_AT_THE_END or resource.logical_id in retained
            if keep:
                self._note(resource, "DELETE_SKIPPED")
            elif not self._remove(resource):
                failed.append(resource.logical_id)
                continue
            del stack.resources[resource.logical_id]
        if failed:
            stack.become(
                "DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]."
            )
            return
        stack.deleted, stack.outputs, stack.imports = datetime.now(UTC), [], set()
        stack.become("DELETE_COMPLETE")

    def _apply(self, source: Source) -> set[str]:
        """Make and change what the template has; give the ids of what it has."""
        stack = self._stack
        exports = {name: value for other in self._others() for name, value in other.exports.items()}
        surroundings = Surroundings(stack.resources, exports, self._services)
        scope = scope_of(stack, source, surroundings)
        present = set()
        order = in_order(source.template)
        for name in order:
            declared = source.template["Resources"][name]
            if scope.wanted(declared):
                present.add(name)
                kind = type_of(declared["Type"])
                assert kind is not None, "templates are held against the table before anything is made"  # noqa: S101
                with _Naming(self, name, kind):
                    properties = properties_of(scope, declared, kind, source.tags)
                    self._bring(name, declared, kind, properties)
        outputs = [
            Output(
                key,
                str(scope.resolve(about["Value"])),
                about.get("Description"),
                scope.resolve(about["Export"]["Name"]) if "Export" in about else None,
            )
            for key, about in source.template.get("Outputs", {}).items()
            if scope.wanted(about)
        ]
        self._check_exports({output.export: output.value for output in outputs if output.export})
        stack.outputs, stack.imports = outputs, surroundings.imports
        stack.description = source.template.get("Description")
        # What was there before may depend on what is new: removal goes by dependencies, not by age.
        gone = [name for name in stack.resources if name not in present]
        stack.resources = {name: stack.resources[name] for name in (*gone, *order) if name in stack.resources}
        return present

    def _bring(
        self, name: str, declared: Mapping[str, Any], kind: ResourceType, properties: Properties
    ) -> None:
        """Make one resource what its template wants it to be."""
        old = self._stack.resources.get(name)
        policies = policy(declared, "DeletionPolicy"), policy(declared, "UpdateReplacePolicy")
        if old is not None and old.status == _FAILED:
            self._unmake(old)  # half made, and left because nothing was to be rolled back
            old = None
        if old is None:
            self._make(name, kind, properties, policies)
            return
        verdict = judge(old, kind, properties).verdict
        if verdict == "replace":
            self._replace(old, kind, properties, policies)
        else:
            self._change(old, kind, properties, policies, calls=verdict == "update")

    def _make(
        self, name: str, kind: ResourceType, properties: Properties, policies: tuple[str, str]
    ) -> Resource:
        stack = self._stack
        stack.note(name, "", kind.name, "CREATE_IN_PROGRESS")
        given = properties.get(kind.name_property) if kind.name_property else None
        physical = str(given) if given else generated_name(kind, stack.name, name)
        request = self._request(name, physical, kind, properties)
        made = replace(kind.create(request), properties=properties)
        resource = Resource(name, kind.name, made, "CREATE_IN_PROGRESS", *policies, datetime.now(UTC))
        # From here on it is there: should finishing it fail, the way back removes it.
        stack.resources[name] = resource
        self._steps.append(_Step(name, lambda: self._unmake(resource)))
        kind.finish(request, made)
        self._note(resource, "CREATE_COMPLETE")
        return resource

    def _unmake(self, resource: Resource) -> None:
        if resource.deletion_policy == _KEEPING:
            self._note(resource, "DELETE_SKIPPED")
        elif not self._remove(resource):
            raise ResourceFailed(resource.logical_id)
        if self._stack.resources.get(resource.logical_id) is resource:
            del self._stack.resources[resource.logical_id]

    def _replace(
        self, old: Resource, kind: ResourceType, properties: Properties, policies: tuple[str, str]
    ) -> None:
        reason = "Requested update requires the creation of a new physical resource; hence creating one."
        self._note(old, "UPDATE_IN_PROGRESS", reason)
        self._steps.append(_Step(old.logical_id, lambda: self._take_back(old)))
        new = self._make(old.logical_id, kind, properties, policies)
        self._note(new, "UPDATE_COMPLETE")
        if new.made.physical_id != old.made.physical_id:
            self._leftovers.append(old)
        else:
            # Made over the old one, under its name: there is nothing to remove, now or on the way back.
            self._steps[-2:] = [_Step(old.logical_id, lambda: self._make_over(old))]

    def _make_over(self, old: Resource) -> None:
        request = self._request(old.logical_id, old.made.physical_id, old.kind, old.made.properties)
        old.kind.finish(request, old.kind.create(request))
        self._take_back(old)

    def _take_back(self, old: Resource) -> None:
        self._stack.resources[old.logical_id] = old
        self._note(old, "UPDATE_COMPLETE")

    def _change(
        self,
        old: Resource,
        kind: ResourceType,
        properties: Properties,
        policies: tuple[str, str],
        *,
        calls: bool,
    ) -> None:
        before, policies_before = old.made, (old.deletion_policy, old.replace_policy)

        def back() -> None:
            if calls and kind.update is not None:
                self._note(old, "UPDATE_IN_PROGRESS")
                name = before.physical_id
                request = self._request(old.logical_id, name, kind, before.properties)
                # What is made again on the way back, such as a stream, has another ARN than before.
                attributes = kind.update(request, old.made).attributes
                self._note(old, "UPDATE_COMPLETE")
                old.made = replace(before, attributes=attributes)
            else:
                old.made = before
            old.deletion_policy, old.replace_policy = policies_before

        self._steps.append(_Step(old.logical_id, back))
        if calls and kind.update is not None:
            self._note(old, "UPDATE_IN_PROGRESS")
            request = self._request(old.logical_id, before.physical_id, kind, properties)
            # A failed update may have gone half its way: the way back starts from what was wanted.
            old.made = replace(before, properties=properties)
            old.made = replace(kind.update(request, before), properties=properties)
            self._note(old, "UPDATE_COMPLETE")
            if old.made.physical_id != before.physical_id:
                # A custom resource may answer an update with another thing: the one before goes at the end.
                self._leftovers.append(replace(old, made=before))
        else:
            old.made = replace(before, properties=properties)
        old.deletion_policy, old.replace_policy = policies

    def _clean_up(self, kept: set[str]) -> None:
        """Remove what was replaced and what the template no longer has."""
        for resource in reversed(self._leftovers):
            self._drop(resource, resource.replace_policy)
        for resource in reversed(list(self._stack.resources.values())):
            if resource.logical_id not in kept:
                self._drop(resource, resource.deletion_policy)
                del self._stack.resources[resource.logical_id]

    def _drop(self, resource: Resource, wish: str) -> None:
        if wish in _KEEPING_AT_THE_END:
            self._note(resource, "DELETE_SKIPPED")
        else:
            self._remove(resource)

    def _remove(self, resource: Resource) -> bool:
        self._note(resource, "DELETE_IN_PROGRESS")
        try:
            request = self._request(
                resource.logical_id, resource.made.physical_id, resource.kind, resource.made.properties
            )
            resource.kind.delete(request, resource.made)
        except (ClientError, BotoCoreError, ValueError, KeyError) as error:
            self._note(resource, "DELETE_FAILED", _reason(error))
            return False
        self._note(resource, "DELETE_COMPLETE")
        return True

    def _fail(self, failed: str, back: str, reason: str) -> None:
        """Undo every step, the last first, and say how that went."""
        stack = self._stack
        if not stack.rollback:
            stack.become(failed, reason)
            return
        stack.become(f"{back}_IN_PROGRESS", reason)
        stuck = []
        for step in reversed(self._steps):
            try:
                step.undo()
            except (ResourceFailed, ClientError, BotoCoreError, ValueError, KeyError):
                stuck.append(step.logical_id)
        if stuck:
            reason = f"{reason} Left behind: [{', '.join(stuck)}]."
        stack.become(f"{back}_FAILED" if stuck else f"{back}_COMPLETE", reason)

    def _check_exports(self, coming: Mapping[str, str]) -> None:
        others = self._others()
        for name, value in self._stack.exports.items():
            users = sorted(other.name for other in others if name in other.imports)
            if users and name not in coming:
                raise TemplateError(f"Export {name} cannot be deleted as it is in use by {', '.join(users)}")
            if users and coming[name] != value:
                raise TemplateError(f"Cannot update export {name} as it is in use by {', '.join(users)}")
        for name in coming:
            owner = next((other.name for other in others if name in other.exports), None)
            if owner:
                raise TemplateError(f"Export with name {name} is already exported by stack {owner}")

    def _note(self, resource: Resource, status: str, reason: str | None = None) -> None:
        made: Made = resource.made
        self._stack.note(resource.logical_id, made.physical_id, resource.type, status, reason)

    def fail_resource(self, name: str, kind: ResourceType, error: BaseException) -> None:
        """Note which resource failed and why, and end the operation."""
        reason = _reason(error)
        old = self._stack.resources.get(name)
        status = _FAILED if old is None or old.status == "CREATE_IN_PROGRESS" else "UPDATE_FAILED"
        self._stack.note(name, old.made.physical_id if old else "", kind.name, status, reason)
        raise ResourceFailed(f"stack {self._stack.name}, resource {name} ({kind.name}): {reason}") from error

    def _request(self, logical_id: str, name: str, kind: ResourceType, properties: Properties) -> Request:
        stack = self._stack
        return Request(stack.name, logical_id, name, properties, self._services, stack.stack_id, kind.name)


class _Naming:
    """Names the resource on whatever fails inside."""

    def __init__(self, operation: Operation, name: str, kind: ResourceType) -> None:
        self._operation, self._name, self._kind = operation, name, kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, (ClientError, BotoCoreError, ValueError, KeyError, TemplateError)):
            self._operation.fail_resource(self._name, self._kind, error)


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"property {error} is required"
    return error.message if isinstance(error, TemplateError) else str(error)
