"""The layers a stack's functions stand on.

Each stack has layer versions of its own, made from the same assets: were they shared, every change
of the library would replace an export that other stacks import, which CloudFormation refuses.
"""

import shutil
from pathlib import Path

from aws_cdk import Annotations, Stack, Stage
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import ROOT, Config

RUNTIME = lambda_.Runtime.PYTHON_3_13
# Byte code inside an asset changes its hash each time somebody runs the code.
NOT_SHIPPED = ["**/__pycache__", "**/*.pyc"]
THIRD_PARTY = ("serve", "data", "train")


def architecture(config: Config) -> lambda_.Architecture:
    """Return what functions run on and layers are built for."""
    return lambda_.Architecture.ARM_64 if config.architecture == "arm64" else lambda_.Architecture.X86_64


def stage_projects(assembly: Path) -> Path:
    """Copy ``projects/`` into Lambda's layout for layers, inside the assembly, and return the copy."""
    staged = assembly / "projects-layer"
    shutil.rmtree(staged, ignore_errors=True)
    shutil.copytree(
        ROOT / "projects",
        staged / "python" / "projects",
        ignore=shutil.ignore_patterns("__pycache__", "*.pyc"),
    )
    return staged


class Layers(Construct):
    """Makes each layer once per stack, when the first function asks for it."""

    def __init__(self, scope: Construct, *, config: Config) -> None:
        super().__init__(scope, "Layers")
        self._config = config
        self._made: dict[str, lambda_.LayerVersion] = {}

    def named(self, *names: str) -> list[lambda_.ILayerVersion]:
        """Return layers by the names of their folders under ``layers/``, or ``projects``."""
        return [self._layer(name) for name in names]

    def _layer(self, name: str) -> lambda_.LayerVersion:
        if name not in self._made:
            self._made[name] = lambda_.LayerVersion(
                self,
                name.capitalize(),
                code=lambda_.Code.from_asset(str(self._folder(name)), exclude=NOT_SHIPPED),
                compatible_runtimes=[RUNTIME],
                compatible_architectures=[architecture(self._config)],
                description=f"Tidemill: {name}",
            )
        return self._made[name]

    def _folder(self, name: str) -> Path:
        if name == "projects":
            return stage_projects(_assembly(self))
        if name not in THIRD_PARTY:
            return ROOT / "layers" / name
        built = ROOT / "build" / "layers" / f"{name}-{self._config.architecture}"
        if self._config.built_layers and built.exists():
            return built
        if self._config.built_layers:
            Annotations.of(Stack.of(self)).add_warning_v2(
                f"tidemill:layer-not-built-{name}",
                f"layer {name} has no packages: run `make layers` before deploying into an AWS account",
            )
        return ROOT / "layers" / name


def _assembly(scope: Construct) -> Path:
    stage = Stage.of(scope)
    if stage is None:
        raise ValueError(f"{scope.node.path} belongs to no app, so its assembly has no folder")
    return Path(stage.outdir)
