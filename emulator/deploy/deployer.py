"""Deploys an assembly: its files first, then each stack after those it depends on."""

import logging
from pathlib import Path

from emulator import aws
from emulator.deploy import assets
from emulator.deploy.assembly import AssemblyStack, read_assembly
from emulator.deploy.failures import TemplateError
from emulator.deploy.formation import Formation
from emulator.deploy.stacks import Source
from emulator.deploy.template import parse_template
from emulator.errors import BadAssembly, DeployFailed, Unsupported
from emulator.resources.base import Services
from emulator.resources.coverage import problems

BOOTSTRAP_VERSION = "21"
_DEPLOYED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_log = logging.getLogger(__name__)


class Deployer:
    """Creates and updates stacks.

    Parameters
    ----------
    formation
        The cloud's stacks.
    sources
        Where the origin of each published zip is noted.
    """

    def __init__(self, formation: Formation, sources: assets.AssetSources) -> None:
        self._formation = formation
        self._services: Services = formation.services
        self._sources = sources

    def deploy(self, directory: Path) -> dict[str, dict[str, str]]:
        """Deploy every stack of an assembly; those deployed already are updated.

        Parameters
        ----------
        directory
            A cloud assembly.

        Returns
        -------
        dict
            Outputs by stack name, then by output key.

        Raises
        ------
        Unsupported
            A template asks for what the local cloud does not model; nothing was made.
        DeployFailed
            A resource could not be made.
        BadAssembly
            The assembly cannot be used.
        """
        stacks = read_assembly(directory)
        self._check(stacks)
        self._bootstrap(stacks)
        assets.publish(
            list(dict.fromkeys(asset for stack in stacks for asset in stack.assets)),
            s3=self._services.client("s3"),
            fill=self._fill,
            sources=self._sources,
        )
        outputs = {stack.name: self._deploy_stack(stack, str(directory)) for stack in stacks}
        self._name_what_is_gone(str(directory), set(outputs))
        return outputs

    def _check(self, stacks: list[AssemblyStack]) -> None:
        found = [
            problem for stack in stacks for problem in problems(stack.name, parse_template(stack.template()))
        ]
        if found:
            raise Unsupported("\n".join(found))
        for stack in stacks:
            if stack.region not in {None, self._services.region}:
                raise BadAssembly(
                    f"stack {stack.name} is for region {stack.region}; the local cloud is "
                    f"{self._services.region}: leave the stack's env open, or synthesize with "
                    f"CDK_DEFAULT_REGION set to that"
                )

    def _bootstrap(self, stacks: list[AssemblyStack]) -> None:
        for name in {stack.bootstrap_parameter for stack in stacks if stack.bootstrap_parameter}:
            self._services.client("ssm").put_parameter(
                Name=name, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True
            )

    def _deploy_stack(self, wanted: AssemblyStack, assembly: str) -> dict[str, str]:
        text = wanted.template()
        source = Source(text, parse_template(text), dict(wanted.parameters), dict(wanted.tags))
        present = self._formation.named(wanted.name)
        try:
            if present is not None and present.status in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}:
                # What failed to be made can only be deleted; the CDK CLI does so before it tries again.
                self._formation.delete(present)
                present = None
            if present is None:
                stack = self._formation.create(wanted.name, source)
            elif self._formation.is_current(present, source):
                stack = present
            else:
                stack = self._formation.update(present, source)
        except TemplateError as error:
            raise DeployFailed(error.message) from error
        self._formation.wait(stack)
        if stack.status not in _DEPLOYED:
            raise DeployFailed(f"stack {stack.name} is in {stack.status}: {stack.reason}")
        stack.assembly = assembly
        return stack.outputs_by_key()

    def _name_what_is_gone(self, assembly: str, present: set[str]) -> None:
        """Name the stacks that the assembly has no more: like the CDK CLI, a deployment leaves them."""
        for stack in self._formation.stacks():
            if stack.assembly == assembly and stack.name not in present:
                _log.warning(
                    "stack %s is no longer in %s and stays as it is; CloudFormation's DeleteStack removes it",
                    stack.name,
                    assembly,
                )

    def _fill(self, text: str) -> str:
        for name, value in (
            ("AWS::AccountId", self._services.account),
            ("AWS::Region", self._services.region),
            ("AWS::Partition", aws.PARTITION),
        ):
            text = text.replace(f"${{{name}}}", value)
        return text
