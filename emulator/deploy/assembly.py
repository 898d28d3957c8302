"""Reads what ``cdk synth`` wrote: stacks in the order of their dependencies, and the files they need."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal

from emulator.errors import BadAssembly

_STACK = "aws:cloudformation:stack"
_NESTED_ASSEMBLY = "cdk:cloud-assembly"


@dataclass(frozen=True)
class FileAsset:
    """A file or a directory that a stack needs in a bucket before it is deployed.

    Bucket and key may hold ``${AWS::AccountId}`` and its like.
    """

    source: Path
    packaging: Literal["zip", "file"]
    bucket: str
    key: str


@dataclass(frozen=True)
class AssemblyStack:
    """One stack of an assembly."""

    name: str
    template_path: Path
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    region: str | None
    bootstrap_parameter: str | None
    assets: tuple[FileAsset, ...]

    def template(self) -> str:
        """Read the template's text."""
        return self.template_path.read_text("utf-8")


def read_assembly(directory: Path) -> list[AssemblyStack]:
    """Read a cloud assembly, nested ones included.

    Parameters
    ----------
    directory
        What ``cdk synth`` wrote, usually ``cdk.out``.

    Returns
    -------
    list of AssemblyStack
        Each stack after those it depends on.

    Raises
    ------
    BadAssembly
        The directory is no assembly, names no stack, or names a file that is not there.
    """
    manifest_path = directory / "manifest.json"
    if not manifest_path.exists():
        raise BadAssembly(
            f"{directory} holds no manifest.json, so it is no cloud assembly; synthesize into it first"
        )
    artifacts: dict[str, dict[str, Any]] = json.loads(manifest_path.read_text("utf-8")).get("artifacts", {})
    stacks = list(_stacks_in_order(directory, artifacts))
    if not stacks:
        raise BadAssembly(f"the assembly {directory} holds no stack")
    return stacks


def _stacks_in_order(directory: Path, artifacts: dict[str, dict[str, Any]]) -> Iterator[AssemblyStack]:
    graph = {name: set(artifact.get("dependencies", [])) for name, artifact in artifacts.items()}
    for name in TopologicalSorter(graph).static_order():
        artifact = artifacts.get(name)
        if artifact is None:
            raise BadAssembly(f"the assembly {directory} depends on {name}, which it does not hold")
        if artifact["type"] == _STACK:
            yield _stack(directory, name, artifact, artifacts)
        elif artifact["type"] == _NESTED_ASSEMBLY:
            yield from read_assembly(directory / artifact["properties"]["directoryName"])


def _stack(
    directory: Path, name: str, artifact: dict[str, Any], artifacts: dict[str, dict[str, Any]]
) -> AssemblyStack:
    properties = artifact["properties"]
    region = str(artifact.get("environment", "")).rpartition("/")[2]
    manifests = [
        artifacts[dependency]["properties"]["file"]
        for dependency in artifact.get("dependencies", [])
        if artifacts[dependency]["type"] == "cdk:asset-manifest"
    ]
    return AssemblyStack(
        name=properties.get("stackName", name),
        template_path=_present(directory / properties["templateFile"]),
        parameters=properties.get("parameters", {}),
        tags=properties.get("tags", {}),
        region=None if region in {"", "unknown-region"} else region,
        bootstrap_parameter=properties.get("bootstrapStackVersionSsmParameter"),
        assets=tuple(asset for manifest in manifests for asset in _assets(directory, manifest)),
    )


def _assets(directory: Path, manifest: str) -> Iterator[FileAsset]:
    content = json.loads(_present(directory / manifest).read_text("utf-8"))
    if content.get("dockerImages"):
        images = ", ".join(content["dockerImages"])
        raise BadAssembly(
            f"{manifest} asks for container images ({images}); the local cloud runs zip functions only"
        )
    for asset in content.get("files", {}).values():
        source = asset["source"]
        if "path" not in source:
            raise BadAssembly(
                f"{manifest} has an asset made by a command ({source.get('executable')}), "
                "which is not run here"
            )
        for destination in asset["destinations"].values():
            yield FileAsset(
                source=_present(directory / source["path"]),
                packaging=source.get("packaging", "file"),
                bucket=destination["bucketName"],
                key=destination["objectKey"],
            )


def _present(path: Path) -> Path:
    if not path.exists():
        raise BadAssembly(f"the assembly names {path}, which is not there; synthesize it again")
    return path
