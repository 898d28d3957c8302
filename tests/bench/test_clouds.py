"""Clouds for measuring: they say why they do not start or make a stack, and leave nothing behind."""

from collections.abc import Iterator

import psutil
import pytest

from bench.clouds import DidNotStart, LocalCloud, ours
from bench.emulator.app import App
from bench.stacks import BODY_BYTES, StackFailed, create_stack


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with ours() as running:
        yield running


def test_a_cloud_that_does_not_start_says_why() -> None:
    with pytest.raises(DidNotStart, match=r"nowhere holds no manifest\.json"), ours("--assembly", "nowhere"):
        pass


def test_a_cloud_ends_with_its_workers_and_its_log() -> None:
    with ours() as cloud:
        App.deployed(cloud).cloud.client("lambda").list_functions()
        processes, log = cloud.processes(), cloud.log
    assert not log.exists()
    assert not any(psutil.pid_exists(process.pid) for process in processes)


def test_a_stack_that_is_not_made_says_which_resource_failed(cloud: LocalCloud) -> None:
    bad = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "not a name!"}}
    with pytest.raises(
        StackFailed, match=r"ROLLBACK_COMPLETE: Bad \(AWS::SQS::Queue\): .*InvalidParameterValue"
    ):
        create_stack(cloud, "Failing", {"Resources": {"Bad": bad}})


def test_a_template_too_large_for_a_request_goes_by_a_bucket(cloud: LocalCloud) -> None:
    template = {
        "Metadata": {"Padding": "x" * BODY_BYTES},
        "Resources": {"Q": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {"Url": {"Value": {"Ref": "Q"}}},
    }
    assert "Large" in create_stack(cloud, "Large", template)["Url"]
