"""`tidemill up --state`: the deployed system and its data are there again, and go on."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.glue import GlueCatalog

from cli.local_cloud import start_detached, stop
from tidemill.client.endpoint import LocalCloud, endpoint_of

pytestmark = pytest.mark.end_to_end

ROWS = pa.table({"n": pa.array([1, 2, 3], pa.int64())})


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[[], LocalCloud]]:
    """Give what brings the system up on one and the same state."""
    running: list[LocalCloud] = []

    def start() -> LocalCloud:
        running.append(start_detached(0, tmp_path / "tidemill", tmp_path / "state"))
        return running[-1]

    yield start
    for cloud in running:
        stop(cloud.pid)


def catalog_of(cloud: LocalCloud) -> GlueCatalog:
    endpoint = endpoint_of(cloud)
    return GlueCatalog("kept", client=endpoint.client("glue"), **endpoint.file_properties())


def physical_ids(cloud: LocalCloud) -> dict[tuple[str, str], str]:
    formation = endpoint_of(cloud).client("cloudformation")
    return {
        (stack["StackName"], resource["LogicalResourceId"]): resource["PhysicalResourceId"]
        for stack in formation.describe_stacks()["Stacks"]
        for resource in formation.describe_stack_resources(StackName=stack["StackName"])["StackResources"]
    }


def last_changes(cloud: LocalCloud) -> dict[str, Any]:
    functions = endpoint_of(cloud).client("lambda").get_paginator("list_functions")
    return {f["FunctionName"]: f["LastModified"] for page in functions.paginate() for f in page["Functions"]}


def test_a_table_is_appended_to_after_a_restart_and_nothing_is_deployed_anew(
    up: Callable[[], LocalCloud],
) -> None:
    first = up()
    endpoint_of(first).client("s3").create_bucket(Bucket="lake")
    catalog = catalog_of(first)
    catalog.create_namespace("kept")
    table = catalog.create_table("kept.numbers", schema=ROWS.schema, location="s3://lake/numbers")
    table.append(ROWS)
    table.append(ROWS)
    before = [snapshot.snapshot_id for snapshot in table.snapshots()]
    made = (physical_ids(first), last_changes(first))
    stop(first.pid)

    second = up()
    assert (physical_ids(second), last_changes(second)) == made
    table = catalog_of(second).load_table("kept.numbers")
    assert [snapshot.snapshot_id for snapshot in table.snapshots()] == before
    table.append(ROWS)
    assert table.scan().to_arrow().num_rows == 9
    assert table.scan(snapshot_id=before[0]).to_arrow().num_rows == 3
    versions = endpoint_of(second).client("glue").get_table_versions(DatabaseName="kept", TableName="numbers")
    assert len(versions["TableVersions"]) == 4
