"""What a resource type is: its properties, and how one is made, changed and removed.

A type's properties fall into three kinds. *Honoured* ones do here what they do in AWS. *Accepted* ones are
taken and have no effect here, each with its reason. Any other is refused before anything is made.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Properties = dict[str, Any]


@dataclass
class Made:
    """A resource that exists: its physical id, what ``Fn::GetAtt`` answers, what it was made with."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    properties: Properties = field(default_factory=dict)


class Clients(Protocol):
    """Gives boto3 clients of the local cloud's own endpoint."""

    def __call__(self, service: str) -> Any:
        """Give the client of a service."""


@dataclass(frozen=True)
class Services:
    """What resource types may use: clients, where HTTP APIs answer, and where unpacked code lies."""

    client: Clients
    endpoint: str
    account: str
    region: str
    work_dir: Path

    def api_url(self, api_id: str) -> str:
        """Where an HTTP API answers."""
        return f"{self.endpoint}/_api/{api_id}"


@dataclass(frozen=True)
class Request:
    """One resource to be made or changed, every intrinsic of its properties resolved."""

    stack: str
    logical_id: str
    name: str
    properties: Properties
    services: Services
    stack_id: str = ""
    type: str = ""

    def client(self, service: str) -> Any:
        """Give the boto3 client of a service."""
        return self.services.client(service)

    def tags(self) -> dict[str, str]:
        """Give the resource's tags as a mapping; CloudFormation writes them as a list or as a mapping."""
        tags = self.properties.get("Tags") or {}
        if isinstance(tags, Mapping):
            return {str(key): str(value) for key, value in tags.items()}
        return {str(tag["Key"]): str(tag["Value"]) for tag in tags}

    def pick(self, *names: str) -> Properties:
        """Take those of the named properties that are set."""
        return {name: self.properties[name] for name in names if name in self.properties}


Create = Callable[[Request], Made]
Update = Callable[[Request, Made], Made]
Finish = Callable[[Request, Made], None]
Delete = Callable[[Request, Made], None]


def _nothing_more(_request: Request, _made: Made) -> None:
    """Leave a resource as the call that makes it has made it."""


def _never(_before: Properties, _wanted: Properties) -> bool:
    """Leave it to the names of what changes whether a resource is replaced."""
    return False


@dataclass(frozen=True)
class ResourceType:
    """One type of CloudFormation resource.

    Parameters
    ----------
    name
        Such as ``AWS::SQS::Queue``.
    honoured
        Properties that do here what they do in AWS. A name with a dot (``Targets.Arn``) lists what may stand
        inside a property; where none does, the whole property is honoured.
    accepted
        Properties without effect here, with the reason.
    attributes
        What ``Fn::GetAtt`` can ask for.
    answers_anything
        Whether ``Fn::GetAtt`` can ask for anything, since the answer of some call decides what there is.
    create, update, delete
        Make, change and remove one. Without `update`, any change replaces the resource.
    finish
        Set what the call that makes one does not take. Kept apart from `create`, so that a resource is known,
        and can be removed, when this fails.
    replaced_by
        Properties whose change replaces the resource, as in AWS.
    replaced_when
        Says from the properties before and after whether the resource is replaced beside that.
    name_property
        The property that names the resource, when one does.
    generated_name_limit
        Longest generated name.
    note
        What a reader of the table should know.
    """

    name: str
    honoured: frozenset[str]
    create: Create
    delete: Delete
    accepted: Mapping[str, str] = field(default_factory=dict)
    attributes: frozenset[str] = frozenset()
    answers_anything: bool = False
    finish: Finish = _nothing_more
    update: Update | None = None
    replaced_by: frozenset[str] = frozenset()
    replaced_when: Callable[[Properties, Properties], bool] = _never
    name_property: str | None = None
    generated_name_limit: int = 64
    note: str = ""


def words(text: str) -> frozenset[str]:
    """Split a list of names written as text.

    Parameters
    ----------
    text
        Names, separated by white space.

    Returns
    -------
    frozenset of str
        The names.

    Examples
    --------
    >>> sorted(words("Name  Arn"))
    ['Arn', 'Name']
    """
    return frozenset(text.split())


def lower_first(value: Any) -> Any:
    """Spell a CloudFormation structure as the services that write ``camelCase`` do.

    Parameters
    ----------
    value
        Properties as a template spells them.

    Returns
    -------
    Any
        The same structure, each key's first letter in lower case.

    Examples
    --------
    >>> lower_first({"AllowOrigins": ["*"]})
    {'allowOrigins': ['*']}
    """
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: lower_first(item) for key, item in value.items()}
    if isinstance(value, list):
        return [lower_first(item) for item in value]
    return value


def policy_text(document: Any) -> str:
    """Write a policy document as the text that APIs take.

    Parameters
    ----------
    document
        A policy as a structure, or as text already.

    Returns
    -------
    str
        The policy as JSON.
    """
    return document if isinstance(document, str) else json.dumps(document)


def nothing(request: Request, made: Made) -> None:
    """Remove nothing: the resource ends with the one it belongs to."""
