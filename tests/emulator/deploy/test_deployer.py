"""Assemblies deployed directly: what fails is told, what is gone from an assembly is named and left."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from emulator.cloud import Cloud
from emulator.errors import DeployFailed, Unsupported

Queues = dict[str, dict[str, Any]]


def assembly(directory: Path, **stacks: Queues) -> Path:
    """Write an assembly of stacks that hold queues."""
    directory.mkdir(exist_ok=True)
    artifacts = {}
    for name, queues in stacks.items():
        resources = {
            key: {"Type": "AWS::SQS::Queue", "Properties": properties} for key, properties in queues.items()
        }
        (directory / f"{name}.template.json").write_text(json.dumps({"Resources": resources}))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {"templateFile": f"{name}.template.json"},
        }
    (directory / "manifest.json").write_text(json.dumps({"version": "48.0.0", "artifacts": artifacts}))
    return directory


def stacks(cloud: Cloud) -> dict[str, str]:
    described = cloud.client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"]: stack["StackStatus"] for stack in described}


def test_a_stack_that_is_gone_from_its_assembly_is_named_and_left(
    cloud: Cloud, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.deploy(assembly(tmp_path / "out", Stays={"Q": {}}, Gone={"Q": {}}))
    with caplog.at_level(logging.WARNING, logger="emulator.deploy"):
        cloud.deploy(assembly(tmp_path / "out", Stays={"Q": {}}))
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("stack Gone is no longer in ")
    assert stacks(cloud) == {"Stays": "CREATE_COMPLETE", "Gone": "CREATE_COMPLETE"}


def test_a_stack_that_fails_is_told_with_its_resource_and_can_be_deployed_again(
    cloud: Cloud, tmp_path: Path
) -> None:
    with pytest.raises(
        DeployFailed, match=r"Failing is in ROLLBACK_COMPLETE: .*resource Q \(AWS::SQS::Queue\)"
    ):
        cloud.deploy(assembly(tmp_path / "out", Failing={"Q": {"QueueName": "bad name!"}}))
    cloud.deploy(assembly(tmp_path / "out", Failing={"Q": {"QueueName": "good-name"}}))
    with pytest.raises(DeployFailed, match="Failing is in UPDATE_ROLLBACK_COMPLETE"):
        cloud.deploy(assembly(tmp_path / "out", Failing={"Q": {"QueueName": "bad name!"}}))
    assert stacks(cloud)["Failing"] == "UPDATE_ROLLBACK_COMPLETE"


def test_one_stack_that_would_be_ignored_in_part_refuses_the_whole_assembly(
    cloud: Cloud, tmp_path: Path
) -> None:
    with pytest.raises(Unsupported, match="stack Odd, resource Q"):
        cloud.deploy(assembly(tmp_path / "out", Fine={"Q": {}}, Odd={"Q": {"Wings": 2}}))
    assert "Fine" not in stacks(cloud)
