"""Runs of distributed Maps: children are listed, and failures are written down as AWS writes them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

ITEMS = {"items": [1, 2, 3]}
CHILD = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    "StartAt": "Choose",
    "States": {
        "Choose": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericEquals": 2, "Next": "Fails"}],
            "Default": "Passes",
        },
        "Fails": {"Type": "Fail", "Error": "Bad", "Cause": "it was two"},
        "Passes": {"Type": "Pass", "End": True},
    },
}
MAP = {
    "Type": "Map",
    "ItemsPath": "$.items",
    "ItemSelector": {"n.$": "$$.Map.Item.Value"},
    "ItemProcessor": CHILD,
    "ToleratedFailureCount": 1,
    "Label": "Each",
    "End": True,
}


def run_of(shared: Any, execution_arn: str) -> Any:
    states = shared.cloud.client("stepfunctions")
    (run,) = states.list_map_runs(executionArn=execution_arn)["mapRuns"]
    return states.describe_map_run(mapRunArn=run["mapRunArn"])


def test_the_output_has_the_result_of_a_child_that_failed_in_its_place(shared: Any) -> None:
    found = shared.run({"Map": MAP}, ITEMS)
    first, failed, third = found["output"]
    assert (first, third) == ({"n": 1}, {"n": 3})
    assert failed["ExecutionArn"].endswith(f"/Each:{failed['Name']}")
    assert (failed["Status"], failed["Error"], failed["Cause"]) == ("FAILED", "Bad", "it was two")
    assert (failed["Input"], failed["InputDetails"]) == ('{"n": 2}', {"Included": True})
    assert failed["RedriveStatus"] == "REDRIVABLE"
    assert "Output" not in failed


def test_a_run_counts_its_items_and_lists_its_children(shared: Any) -> None:
    states = shared.cloud.client("stepfunctions")
    run = run_of(shared, shared.run({"Map": MAP}, ITEMS)["executionArn"])
    assert run["status"] == "SUCCEEDED"
    for counts in (run["itemCounts"], run["executionCounts"]):
        assert (counts["total"], counts["succeeded"], counts["failed"], counts["running"]) == (3, 2, 1, 0)
    children = states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert sorted(child["status"] for child in children) == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert {child["mapRunArn"] for child in children} == {run["mapRunArn"]}
    (failed,) = states.list_executions(mapRunArn=run["mapRunArn"], statusFilter="FAILED")["executions"]
    described = states.describe_execution(executionArn=failed["executionArn"])
    assert (described["error"], json.loads(described["input"])) == ("Bad", {"n": 2})
    pages = states.get_paginator("list_executions").paginate(
        mapRunArn=run["mapRunArn"], PaginationConfig={"PageSize": 2}
    )
    assert [len(page["executions"]) for page in pages] == [2, 1]
    with pytest.raises(ClientError, match="ResourceNotFound"):
        states.list_executions(mapRunArn=run["mapRunArn"] + "0")


def test_results_are_written_by_status_beside_a_manifest(shared: Any) -> None:
    s3 = shared.cloud.client("s3")
    s3.create_bucket(Bucket="results")
    writer = {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": "results", "Prefix": "all"},
    }
    found = shared.run({"Map": {**MAP, "ResultWriter": writer}}, ITEMS)

    def read(key: str) -> Any:
        return json.loads(s3.get_object(Bucket="results", Key=key)["Body"].read())

    run_id = found["output"]["MapRunArn"].rpartition(":")[2]
    assert found["output"]["ResultWriterDetails"] == {
        "Bucket": "results",
        "Key": f"all/{run_id}/manifest.json",
    }
    manifest = read(f"all/{run_id}/manifest.json")
    assert (manifest["DestinationBucket"], manifest["MapRunArn"]) == ("results", found["output"]["MapRunArn"])
    files = {status: [each["Key"] for each in keys] for status, keys in manifest["ResultFiles"].items()}
    assert files == {
        "FAILED": [f"all/{run_id}/FAILED_0.json"],
        "PENDING": [],
        "SUCCEEDED": [f"all/{run_id}/SUCCEEDED_0.json"],
    }
    succeeded, (failed,) = read(files["SUCCEEDED"][0]), read(files["FAILED"][0])
    assert [json.loads(child["Output"]) for child in succeeded] == [{"n": 1}, {"n": 3}]
    assert failed["Error"] == "Bad"
