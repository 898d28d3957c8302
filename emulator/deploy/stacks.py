"""What a stack is: its resources, outputs, change sets, and the history of what was done to it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from emulator.deploy.template import Template
from emulator.resources.base import Made, ResourceType
from emulator.resources.coverage import type_of

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass
class Resource:
    """A resource that exists, with what its template said of its end."""

    logical_id: str
    type: str
    made: Made
    status: str
    deletion_policy: str
    replace_policy: str
    changed: datetime
    reason: str | None = None

    @property
    def kind(self) -> ResourceType:
        """The table's entry of its type."""
        kind = type_of(self.type)
        if kind is None:
            raise KeyError(self.type)
        return kind


@dataclass(frozen=True)
class Event:
    """One line of a stack's history."""

    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    time: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class Output:
    """One output, and the name it is exported by, if it is."""

    key: str
    value: str
    description: str | None
    export: str | None


@dataclass(frozen=True)
class Source:
    """What a stack is made from."""

    text: str
    template: Template
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """What a change set would do to one resource."""

    action: str
    logical_id: str
    physical_id: str | None
    type: str
    replacement: str | None
    properties: tuple[str, ...]


@dataclass
class ChangeSet:
    """Changes that wait to be executed."""

    id: str
    name: str
    kind: str
    source: Source
    changes: tuple[Change, ...]
    description: str | None
    made: datetime
    rollback: bool
    status: str = "CREATE_COMPLETE"
    execution_status: str = "AVAILABLE"
    reason: str | None = None


@dataclass
class Stack:
    """A stack. moto's CloudFormation keeps it by its id, so its state is kept with all other state."""

    stack_id: str
    name: str
    source: Source
    created: datetime
    status: str = "REVIEW_IN_PROGRESS"
    reason: str | None = None
    updated: datetime | None = None
    deleted: datetime | None = None
    description: str | None = None
    protected: bool = False
    rollback: bool = True
    assembly: str | None = None
    """Directory of the assembly it was deployed from, when it was."""
    resources: dict[str, Resource] = field(default_factory=dict)
    """By logical id, each after those it depends on."""
    outputs: list[Output] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    """Names of other stacks' exports that it uses."""
    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    """By name."""

    @property
    def exports(self) -> dict[str, str]:
        """Value by name of what other stacks can import."""
        return {output.export: output.value for output in self.outputs if output.export}

    def become(self, status: str, reason: str | None = None) -> None:
        """Take another status, and note it."""
        self.status, self.reason = status, reason
        self.note(self.name, self.stack_id, STACK_TYPE, status, reason)

    def note(
        self, logical_id: str, physical_id: str, kind: str, status: str, reason: str | None = None
    ) -> None:
        """Write a line of history; a resource that exists shows the status too."""
        now = datetime.now(UTC)
        if self.events:
            # Readers sort by the time, of which they see milliseconds.
            now = max(now, self.events[-1].time + timedelta(milliseconds=1))
        self.events.append(Event(logical_id, physical_id, kind, status, reason, now))
        resource = self.resources.get(logical_id)
        if resource is not None and resource.made.physical_id == physical_id:
            resource.status, resource.reason, resource.changed = status, reason, now

    def outputs_by_key(self) -> dict[str, str]:
        """Give the outputs' values."""
        return {output.key: output.value for output in self.outputs}


def policy(declared: Mapping[str, Any], name: str) -> str:
    """Say what a resource's template wants done with it at its end.

    Parameters
    ----------
    declared
        The resource in its template.
    name
        ``DeletionPolicy`` or ``UpdateReplacePolicy``.

    Returns
    -------
    str
        ``Delete``, ``Retain`` or ``RetainExceptOnCreate``.
    """
    return str(declared.get(name, "Delete"))
