"""The CDK CLI from the npm registry against a local cloud: this repository's own stacks, first to last."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cdk_cli.readback import outputs_of, read_back

pytestmark = pytest.mark.cdk_cli

STACKS = ["TidemillData", "TidemillTraining", "TidemillServing", "TidemillMonitoring"]
Start = Callable[..., Any]
Cdk = Callable[..., str]


@dataclass(frozen=True)
class Deployed:
    """A cloud that the CLI has brought the stacks to, what it said, and what was there then."""

    cloud: Any
    bootstrap: str
    deploy: str
    resources: dict[str, Any]


@pytest.fixture(scope="module")
def deployed(start_cloud: Start, cdk: Cdk, assemblies: tuple[Path, Path]) -> Deployed:
    before, _ = assemblies
    cloud = start_cloud()
    said = cdk(cloud, "bootstrap", "aws://123456789012/us-east-1"), deploy(cdk, cloud, before)
    return Deployed(cloud, *said, read_back(cloud.client, STACKS))


def test_the_cli_and_the_direct_path_bring_a_cloud_to_the_same_state(
    start_cloud: Start, deployed: Deployed, assemblies: tuple[Path, Path]
) -> None:
    """Both ways make the same resources, as read back through the AWS APIs."""
    before, _ = assemblies
    direct = start_cloud("--assembly", str(before))
    there, here = deployed.resources, read_back(direct.client, STACKS)
    assert there.keys() == here.keys()
    for name, resource in there.items():
        assert resource == here[name], name


def test_the_cli_deploys_updates_and_destroys_and_leaves_only_what_is_retained(
    deployed: Deployed, cdk: Cdk, assemblies: tuple[Path, Path]
) -> None:
    """Bootstrap, deploy, deploy again, diff, an update, destroy: the CLI says what is true at each step."""
    before, after = assemblies
    cloud = deployed.cloud
    assert "bootstrapped" in deployed.bootstrap
    for stack in STACKS:
        for key, value in outputs_of(cloud.client, stack).items():
            assert f"{stack}.{key} = {value}" in deployed.deploy
    assert re.search(r"CREATE_COMPLETE +\| AWS::Lambda::Function", deployed.deploy)
    assert deploy(cdk, cloud, before).count("(no changes)") == len(STACKS)
    assert "Number of stacks with differences: 0" in cdk(cloud, "diff", "--app", str(before))

    foreseen = cdk(cloud, "diff", "--app", str(after))
    assert "Number of stacks with differences: 2" in foreseen
    assert re.search(r"\[\+\] AWS::SQS::Queue Added", foreseen)
    assert "Could not create a change set" not in foreseen
    printed = deploy(cdk, cloud, after)
    assert re.search(r"UPDATE_COMPLETE +\| AWS::Lambda::Function", printed)
    assert_changed(cloud)

    cdk(cloud, "destroy", "--all", "--force", "--app", str(after))
    assert_empty_but_for_what_is_retained(cloud)


def deploy(cdk: Cdk, cloud: Any, assembly: Path) -> str:
    options = ("--all", "--require-approval", "never", "--progress", "events")
    return cdk(cloud, "deploy", *options, "--app", str(assembly))


def assert_changed(cloud: Any) -> None:
    """Hold what runs now against what `apps.change` changed."""
    functions = {
        one["LogicalResourceId"].removesuffix(one["LogicalResourceId"][-8:]): one["PhysicalResourceId"]
        for stack in ("TidemillServing", "TidemillMonitoring")
        for one in cloud.client("cloudformation").list_stack_resources(StackName=stack)[
            "StackResourceSummaries"
        ]
        if one["ResourceType"] == "AWS::Lambda::Function"
    }
    predict = cloud.client("lambda").get_function_configuration(FunctionName=functions["PredictFunction"])
    assert predict["Environment"]["Variables"]["CHANGED"] == "yes"
    answer = cloud.client("lambda").invoke(FunctionName=functions["DecideRetrainFunction"])
    assert answer["Payload"].read() == b'{"changed": true}'
    queue = outputs_of(cloud.client, "TidemillMonitoring")["AddedQueue"]
    attributes = cloud.client("sqs").get_queue_attributes(
        QueueUrl=queue, AttributeNames=["VisibilityTimeout"]
    )["Attributes"]
    assert attributes["VisibilityTimeout"] == "77"


def assert_empty_but_for_what_is_retained(cloud: Any) -> None:
    """Look for anything of the stacks that is still there; buckets and tables are retained by policy."""
    stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks] == ["CDKToolkit"]
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert cloud.client("lambda").list_layers()["Layers"] == []
    assert "QueueUrls" not in cloud.client("sqs").list_queues()
    assert cloud.client("events").list_rules()["Rules"] == []
    assert cloud.client("sns").list_topics()["Topics"] == []
    assert cloud.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert cloud.client("apigatewayv2").get_apis()["Items"] == []
    assert cloud.client("logs").describe_log_groups()["logGroups"] == []
    assert cloud.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    roles = [role["RoleName"] for role in cloud.client("iam").list_roles()["Roles"]]
    assert [role for role in roles if not role.startswith("cdk-")] == []
    buckets = [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]
    assert sorted(name.split("-")[1] for name in buckets if name.startswith("tidemill")) == [
        "databuckete3889a50",
        "modelsbucketa3610ed4",
    ]
