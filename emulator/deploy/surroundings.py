"""What a template sees of the world: its resources, other stacks' exports, parameter store and secrets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from emulator import aws
from emulator.deploy.failures import TemplateError
from emulator.deploy.intrinsics import Scope
from emulator.deploy.stacks import Resource, Source, Stack
from emulator.deploy.template import parameter_values
from emulator.resources.base import Services


@dataclass
class Surroundings:
    """Looks things up for one stack.

    Parameters
    ----------
    resources
        Those of the stack, as they are made.
    exports
        Value by name, of all stacks.
    services
        Clients of the cloud.
    """

    resources: Mapping[str, Resource]
    exports: Mapping[str, str]
    services: Services
    imports: set[str] = field(default_factory=set)
    """Exports that were asked for."""

    def ref(self, logical_id: str) -> Any:
        """Give the physical id of a resource; None when there is none of this name."""
        resource = self.resources.get(logical_id)
        return resource.made.physical_id if resource else None

    def attribute(self, logical_id: str, name: str) -> Any:
        """Give an attribute of a resource."""
        resource = self.resources.get(logical_id)
        if resource is None:
            raise TemplateError(f"Fn::GetAtt names {logical_id}, which the stack does not make")
        found = resource.made.attributes
        if name not in found:
            raise TemplateError(
                f"Fn::GetAtt asks {logical_id} ({resource.type}) for {name}; "
                f"it has {', '.join(sorted(found)) or 'none'}"
            )
        return found[name]

    def imported(self, name: str) -> str:
        """Give the value another stack exports."""
        if name not in self.exports:
            raise TemplateError(f"No export named {name} found. Deploy the stack that exports it first.")
        self.imports.add(name)
        return self.exports[name]

    def dynamic(self, service: str, reference: str) -> str:
        """Give what a dynamic reference stands for."""
        readers: Mapping[str, Callable[[str], str]] = {
            "ssm": self.stored,
            "ssm-secure": self.stored,
            "secretsmanager": self._secret,
        }
        if service not in readers:
            raise TemplateError(
                f"{{{{resolve:{service}:...}}}} is not known here; there are {', '.join(readers)}"
            )
        return readers[service](reference)

    def stored(self, name: str) -> str:
        """Read a value of the parameter store."""
        try:
            found = self.services.client("ssm").get_parameter(Name=name, WithDecryption=True)
        except (ClientError, BotoCoreError) as error:
            raise TemplateError(f"the parameter store holds no {name}; put it there first") from error
        return str(found["Parameter"]["Value"])

    def _secret(self, reference: str) -> str:
        secret, _, rest = reference.partition(":SecretString")
        parts = [*rest.split(":"), "", "", ""]
        key, stage, version = parts[1:4]
        optional = {name: value for name, value in (("VersionStage", stage), ("VersionId", version)) if value}
        try:
            found = self.services.client("secretsmanager").get_secret_value(SecretId=secret, **optional)
        except (ClientError, BotoCoreError) as error:
            raise TemplateError(f"there is no value of a secret {secret}; put it there first") from error
        text = str(found["SecretString"])
        return str(json.loads(text)[key]) if key else text


def scope_of(stack: Stack, source: Source, surroundings: Surroundings) -> Scope:
    """Make the scope that resolves a template's values.

    Parameters
    ----------
    stack
        The stack, for its name and id.
    source
        Template and parameters.
    surroundings
        What lies outside the template.

    Returns
    -------
    Scope
        With every parameter's value, the rules held against them.
    """
    services = surroundings.services
    values = parameter_values(source.template, source.parameters, surroundings.stored)
    pseudo = {
        "AWS::AccountId": services.account,
        "AWS::NotificationARNs": [],
        "AWS::Partition": aws.PARTITION,
        "AWS::Region": services.region,
        "AWS::StackId": stack.stack_id,
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com",
    }
    scope = Scope(source.template, {**pseudo, **values}, surroundings)
    scope.check_rules()
    return scope
