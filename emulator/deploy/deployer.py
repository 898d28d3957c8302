"""Deploys an assembly: its files first, then each stack after those it depends on."""

from pathlib import Path
from typing import Any

from moto.cloudformation.exceptions import ValidationError

from emulator import aws
from emulator.deploy import assets, engine
from emulator.deploy.assembly import AssemblyStack, read_assembly
from emulator.errors import BadAssembly, DeployFailed, Unsupported
from emulator.resources.base import Services
from emulator.resources.coverage import problems

BOOTSTRAP_VERSION = "21"


class Deployer:
    """Creates and updates stacks.

    Parameters
    ----------
    services
        Clients and names of the cloud.
    sources
        Where the origin of each published zip is noted.
    """

    def __init__(self, services: Services, sources: assets.AssetSources) -> None:
        self._services = services
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
        return {stack.name: self._deploy_stack(stack) for stack in stacks}

    def _check(self, stacks: list[AssemblyStack]) -> None:
        found = [
            problem
            for stack in stacks
            for problem in problems(stack.name, engine.parse_template(stack.template()))
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

    def _deploy_stack(self, stack: AssemblyStack) -> dict[str, str]:
        backend = aws.backend("cloudformation", self._services.region)
        present = next((known for known in backend.stacks.values() if known.name == stack.name), None)
        try:
            if present is None:
                made = backend.create_stack(
                    stack.name, stack.template(), dict(stack.parameters), tags=dict(stack.tags)
                )
            else:
                made = self._update(present, stack)
        except ValidationError as error:
            raise DeployFailed(str(error.message)) from error
        return {output["OutputKey"]: str(output["OutputValue"]) for output in made.outputs or []}

    def _update(self, present: Any, stack: AssemblyStack) -> Any:
        present.update(stack.template(), parameters=dict(stack.parameters), tags=dict(stack.tags))
        engine.publish_outputs(present)
        return present

    def _fill(self, text: str) -> str:
        for name, value in (
            ("AWS::AccountId", self._services.account),
            ("AWS::Region", self._services.region),
            ("AWS::Partition", aws.PARTITION),
        ):
            text = text.replace(f"${{{name}}}", value)
        return text
