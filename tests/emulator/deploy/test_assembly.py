"""Reading a cloud assembly: order, files, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from emulator.deploy.assembly import read_assembly
from emulator.errors import BadAssembly


def write_assembly(directory: Path, artifacts: dict[str, Any], files: dict[str, Any]) -> Path:
    (directory / "manifest.json").write_text(json.dumps({"version": "1", "artifacts": artifacts}))
    for name, content in files.items():
        (directory / name).write_text(json.dumps(content))
    return directory


def stack(*dependencies: str, template: str = "t.json", **properties: Any) -> dict[str, Any]:
    return {
        "type": "aws:cloudformation:stack",
        "dependencies": list(dependencies),
        "properties": {"templateFile": template, **properties},
    }


def test_each_stack_comes_after_those_it_depends_on(tmp_path: Path) -> None:
    assembly = write_assembly(tmp_path, {"A": stack("B"), "B": stack("C"), "C": stack()}, {"t.json": {}})
    assert [each.name for each in read_assembly(assembly)] == ["C", "B", "A"]


def test_a_stack_is_called_by_its_stack_name(tmp_path: Path) -> None:
    assembly = write_assembly(tmp_path, {"A": stack(stackName="Shop")}, {"t.json": {}})
    assert read_assembly(assembly)[0].name == "Shop"


def test_a_stack_brings_the_assets_its_manifest_lists(tmp_path: Path) -> None:
    (tmp_path / "asset.1").mkdir()
    listed = {
        "files": {
            "1": {
                "source": {"path": "asset.1", "packaging": "zip"},
                "destinations": {"here": {"bucketName": "b-${AWS::Region}", "objectKey": "1.zip"}},
            }
        }
    }
    artifacts = {
        "A.assets": {"type": "cdk:asset-manifest", "properties": {"file": "A.assets.json"}},
        "A": stack("A.assets"),
    }
    assembly = write_assembly(tmp_path, artifacts, {"t.json": {}, "A.assets.json": listed})
    (asset,) = read_assembly(assembly)[0].assets
    assert (asset.source, asset.packaging, asset.key) == (tmp_path / "asset.1", "zip", "1.zip")


def test_a_directory_without_manifest_is_refused_and_the_way_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadAssembly, match=r"no manifest\.json.*synthesize"):
        read_assembly(tmp_path)


def test_an_assembly_without_stacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadAssembly, match="holds no stack"):
        read_assembly(write_assembly(tmp_path, {}, {}))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadAssembly, match=r"t\.json, which is not there"):
        read_assembly(write_assembly(tmp_path, {"A": stack()}, {}))


def test_container_images_are_refused(tmp_path: Path) -> None:
    artifacts = {
        "A.assets": {"type": "cdk:asset-manifest", "properties": {"file": "A.assets.json"}},
        "A": stack("A.assets"),
    }
    files: dict[str, Any] = {"t.json": {}, "A.assets.json": {"dockerImages": {"abc": {}}}}
    with pytest.raises(BadAssembly, match="container images"):
        read_assembly(write_assembly(tmp_path, artifacts, files))
