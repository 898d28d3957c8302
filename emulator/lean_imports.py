"""Imports parts of moto without what the local cloud never uses of them: two thirds of its start.

- The state machine interpreter takes one enumeration from `moto.batch`, whose package imports EC2, and with
  it every instance type and region there is. The enumeration's own module needs nothing of that.
- Parameter Store asks EC2 which machines a command goes to; none runs here.
- moto's CloudFormation imports every service that has a resource type. Templates are deployed by
  `emulator.deploy`, through the services' public APIs, so its parser is never asked.

Whoever imports what is left out here gets it as ever.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import moto

__all__ = ["cloudformation_backends", "ssm_backends", "stepfunctions_parser_backends"]


@contextmanager
def _instead(module: ModuleType) -> Iterator[None]:
    """Let a module stand in for the one of its name, unless that is there already."""
    if module.__name__ in sys.modules:
        yield
        return
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        del sys.modules[module.__name__]


def _bare_package(name: str) -> ModuleType:
    """Make a package that finds its modules and runs nothing itself."""
    package = ModuleType(f"moto.{name}")
    package.__path__ = [str(Path(moto.__file__).parent / name)]
    return package


class _Later:
    """The backends of a service, imported when the first of them is asked for."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def __getitem__(self, account: str) -> Any:
        return getattr(importlib.import_module(self._module), self._name)[account]


def _later(name: str) -> ModuleType:
    """Make a package whose backends are imported when they are asked for."""
    package = ModuleType(f"moto.{name}")
    setattr(package, f"{name}_backends", _Later(package.__name__, f"{name}_backends"))
    return package


class _NeverAskedError(RuntimeError):
    """Something asked moto to deploy a template."""

    def __init__(self, *_arguments: object) -> None:
        super().__init__("templates are deployed by emulator.deploy; moto's own parser is not imported")


def _no_parser() -> ModuleType:
    """Make the names that moto's stacks mention."""
    parser = ModuleType("moto.cloudformation.parsing")
    for name in ("Export", "OutputMap", "ResourceMap"):
        setattr(parser, name, type(name, (_NeverAskedError,), {}))
    return parser


with _instead(_bare_package("batch")):
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends
with _instead(_no_parser()):
    from moto.cloudformation.models import cloudformation_backends
with _instead(_later("ec2")):
    from moto.ssm.models import ssm_backends
