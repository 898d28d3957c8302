"""What standard workflows do: states, data flow, errors, Maps, limits."""

import json
from typing import Any

import pytest

FAILING = "def handler(event, context):\n    raise ValueError('no')"
COUNTING = """
    def handler(event, context):
        if event["n"] == event.get("bad"):
            raise ValueError(str(event["n"]))
        return {"twice": 2 * event["n"], "n": event["n"]}
"""


def choosing(rule: dict[str, Any]) -> dict[str, Any]:
    """Give a machine whose output says whether a rule holds."""
    return {
        "Choose": {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"},
        "Yes": {"Type": "Pass", "Result": "yes", "End": True},
        "No": {"Type": "Pass", "Result": "no", "End": True},
    }


@pytest.mark.parametrize(
    ("operator", "reference", "holds", "fails"),
    [
        ("BooleanEquals", True, True, False),
        ("BooleanEqualsPath", "$.ref.true", True, False),
        ("IsBoolean", True, False, "x"),
        ("IsNull", True, None, 0),
        ("IsNumeric", True, 1.5, "1.5"),
        ("IsString", True, "x", 1),
        ("IsTimestamp", True, "2013-01-01T00:00:00Z", "new year"),
        ("NumericEquals", 5, 5, 6),
        ("NumericEqualsPath", "$.ref.five", 5, 6),
        ("NumericGreaterThan", 5, 6, 5),
        ("NumericGreaterThanPath", "$.ref.five", 6, 5),
        ("NumericGreaterThanEquals", 5, 5, 4),
        ("NumericGreaterThanEqualsPath", "$.ref.five", 5, 4),
        ("NumericLessThan", 5, 4, 5),
        ("NumericLessThanPath", "$.ref.five", 4, 5),
        ("NumericLessThanEquals", 5, 5, 6),
        ("NumericLessThanEqualsPath", "$.ref.five", 5, 6),
        ("StringEquals", "m", "m", "n"),
        ("StringEqualsPath", "$.ref.m", "m", "n"),
        ("StringGreaterThan", "m", "n", "m"),
        ("StringGreaterThanPath", "$.ref.m", "n", "m"),
        ("StringGreaterThanEquals", "m", "m", "l"),
        ("StringGreaterThanEqualsPath", "$.ref.m", "m", "l"),
        ("StringLessThan", "m", "l", "m"),
        ("StringLessThanPath", "$.ref.m", "l", "m"),
        ("StringLessThanEquals", "m", "m", "n"),
        ("StringLessThanEqualsPath", "$.ref.m", "m", "n"),
        ("StringMatches", "log-*.txt", "log-7.txt", "log-7.csv"),
        ("TimestampEquals", "2013-01-01T00:00:00Z", "2013-01-01T00:00:00Z", "2013-01-02T00:00:00Z"),
        ("TimestampEqualsPath", "$.ref.day", "2013-01-01T00:00:00Z", "2013-01-02T00:00:00Z"),
        ("TimestampGreaterThan", "2013-01-01T00:00:00Z", "2013-01-02T00:00:00Z", "2013-01-01T00:00:00Z"),
        ("TimestampGreaterThanPath", "$.ref.day", "2013-01-02T00:00:00Z", "2013-01-01T00:00:00Z"),
        (
            "TimestampGreaterThanEquals",
            "2013-01-01T00:00:00Z",
            "2013-01-01T00:00:00Z",
            "2012-12-31T00:00:00Z",
        ),
        ("TimestampGreaterThanEqualsPath", "$.ref.day", "2013-01-01T00:00:00Z", "2012-12-31T00:00:00Z"),
        ("TimestampLessThan", "2013-01-01T00:00:00Z", "2012-12-31T00:00:00Z", "2013-01-01T00:00:00Z"),
        ("TimestampLessThanPath", "$.ref.day", "2012-12-31T00:00:00Z", "2013-01-01T00:00:00Z"),
        ("TimestampLessThanEquals", "2013-01-01T00:00:00Z", "2013-01-01T00:00:00Z", "2013-01-02T00:00:00Z"),
        ("TimestampLessThanEqualsPath", "$.ref.day", "2013-01-01T00:00:00Z", "2013-01-02T00:00:00Z"),
    ],
)
def test_a_choice_compares_as_its_operator_says(
    shared: Any, operator: str, reference: Any, holds: Any, fails: Any
) -> None:
    referred = {"true": True, "five": 5, "m": "m", "day": "2013-01-01T00:00:00Z"}
    states = choosing({"Variable": "$.v", operator: reference})
    assert shared.run(states, {"v": holds, "ref": referred})["output"] == "yes"
    assert shared.run(states, {"v": fails, "ref": referred})["output"] == "no"


def test_choices_combine_and_without_a_match_the_execution_fails(shared: Any) -> None:
    rule = {"And": [{"Variable": "$.v", "IsPresent": True}, {"Not": {"Variable": "$.v", "NumericEquals": 1}}]}
    assert shared.run(choosing(rule), {"v": 2})["output"] == "yes"
    assert shared.run(choosing(rule), {})["output"] == "no"
    either = {"Or": [{"Variable": "$.v", "NumericEquals": 1}, {"Variable": "$.v", "NumericEquals": 2}]}
    states = choosing(either)
    del states["Choose"]["Default"]
    assert shared.run(states, {"v": 2})["output"] == "yes"
    assert shared.run(states, {"v": 3})["error"] == "States.NoChoiceMatched"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("States.Format('{} and {}', $.n, 'x')", "7 and x"),
        ("States.StringToJson($.text)", {"a": 1}),
        ("States.JsonToString($.list)", "[1,2,2]"),
        ("States.Array(1, 'x', $.n)", [1, "x", 7]),
        ("States.ArrayPartition($.list, 2)", [[1, 2], [2]]),
        ("States.ArrayContains($.list, 2)", True),
        ("States.ArrayRange(1, 7, 3)", [1, 4, 7]),
        ("States.ArrayGetItem($.list, 1)", 2),
        ("States.ArrayLength($.list)", 3),
        ("States.ArrayUnique($.list)", [1, 2]),
        ("States.Base64Encode('abc')", "YWJj"),
        ("States.Base64Decode('YWJj')", "abc"),
        ("States.Hash('abc', 'SHA-256')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("States.JsonMerge($.one, $.two, false)", {"a": 1, "b": 3}),
        ("States.MathAdd($.n, -2)", 5),
        ("States.StringSplit('a,b;c', ',;')", ["a", "b", "c"]),
        ("$$.StateMachine.Name", None),
    ],
)
def test_intrinsic_functions_compute_what_they_are_documented_to(
    shared: Any, expression: str, value: Any
) -> None:
    given = {"n": 7, "text": '{"a": 1}', "list": [1, 2, 2], "one": {"a": 1, "b": 2}, "two": {"b": 3}}
    found = shared.run({"Go": {"Type": "Pass", "Parameters": {"v.$": expression}, "End": True}}, given)
    assert found["output"]["v"] == (value if value is not None else found["stateMachineArn"].split(":")[-1])


def test_data_flows_through_input_path_parameters_selector_result_path_and_output_path(shared: Any) -> None:
    shared.function("doubling", COUNTING)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "InputPath": "$.inner",
        "Parameters": {"FunctionName": "doubling", "Payload": {"n.$": "$.n"}},
        "ResultSelector": {"answer.$": "$.Payload.twice", "status.$": "$.StatusCode"},
        "ResultPath": "$.result",
        "OutputPath": "$.result",
        "End": True,
    }
    assert shared.run({"Go": task}, {"inner": {"n": 4}})["output"] == {"answer": 8, "status": 200}


def test_variables_are_assigned_and_read_in_later_states(shared: Any) -> None:
    states = {
        "Set": {"Type": "Pass", "Assign": {"kept.$": "$.n"}, "Next": "Get"},
        "Get": {"Type": "Pass", "Parameters": {"v.$": "$kept"}, "End": True},
    }
    assert shared.run(states, {"n": 3})["output"] == {"v": 3}


@pytest.mark.parametrize("caught", ["States.ALL", "States.TaskFailed", "ValueError"])
def test_a_failing_function_is_caught_by_its_error_or_a_wider_name(shared: Any, caught: str) -> None:
    arn = shared.function(f"failing-{caught.replace('.', '-')}", FAILING)
    states = {
        "Try": {
            "Type": "Task",
            "Resource": arn,
            "Catch": [
                {"ErrorEquals": ["Other"], "Next": "Wrong"},
                {"ErrorEquals": [caught], "ResultPath": "$.error", "Next": "Caught"},
            ],
            "End": True,
        },
        "Wrong": {"Type": "Fail"},
        "Caught": {"Type": "Pass", "OutputPath": "$.error.Error", "End": True},
    }
    found = shared.run(states, {})
    assert (found["status"], found["output"]) == ("SUCCEEDED", "ValueError")


def test_runtime_errors_are_not_caught_by_all_and_fail_the_execution(shared: Any) -> None:
    states = {"Go": {"Type": "Pass", "Parameters": {"v.$": "$.missing"}, "End": True}}
    found = shared.run(states)
    assert (found["status"], found["error"]) == ("FAILED", "States.Runtime")
    assert "$.missing" in found["cause"]


def test_a_fail_state_gives_error_and_cause(shared: Any) -> None:
    found = shared.run({"No": {"Type": "Fail", "Error": "Broken", "CausePath": "$.why"}}, {"why": "it was"})
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Broken", "it was")


def test_branches_give_their_outputs_in_order_and_the_first_failure_is_the_state_s(shared: Any) -> None:
    def branch(state: dict[str, Any], name: str) -> dict[str, Any]:
        return {"StartAt": name, "States": {name: state}}

    one = branch({"Type": "Pass", "Result": 1, "End": True}, "One")
    two = branch({"Type": "Pass", "Result": 2, "End": True}, "Two")
    failing = branch({"Type": "Fail", "Error": "Broken"}, "Three")
    parallel = {"Type": "Parallel", "Branches": [one, two], "End": True}
    assert shared.run({"All": parallel})["output"] == [1, 2]
    caught = [{"ErrorEquals": ["Broken"], "Next": "Caught"}]
    states = {"All": {**parallel, "Branches": [one, failing], "Catch": caught}, "Caught": {"Type": "Succeed"}}
    assert shared.run(states)["output"]["Error"] == "Broken"


def mapping(function: str, **fields: Any) -> dict[str, Any]:
    """Give a Map over `$.items` that calls a function."""
    each = {"Type": "Task", "Resource": function, "End": True}
    return {
        "Map": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {"StartAt": "Each", "States": {"Each": each}},
            "ItemSelector": {"n.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index", "bad.$": "$.bad"},
            "End": True,
            **fields,
        }
    }


def test_a_map_calls_for_each_item_and_keeps_their_order(shared: Any) -> None:
    function = shared.function("map-order", COUNTING)
    found = shared.run(mapping(function, MaxConcurrency=2), {"items": [3, 1, 2], "bad": 9})
    assert [each["twice"] for each in found["output"]] == [6, 2, 4]
    assert shared.run(mapping(function), {"items": [], "bad": 9})["output"] == []


def test_a_failing_iteration_fails_the_map_and_can_be_retried_as_a_whole(shared: Any) -> None:
    function = shared.function("map-failing", COUNTING)
    retry = [{"ErrorEquals": ["ValueError"], "MaxAttempts": 1, "IntervalSeconds": 5}]
    execution = shared.start(
        shared.make("map-failing", mapping(function, Retry=retry)), {"items": [1, 2], "bad": 2}
    )
    assert shared.look(execution)["status"] == "RUNNING"
    shared.pass_time(seconds=5)
    found = shared.look(execution)
    assert (found["status"], found["error"]) == ("FAILED", "ValueError")
    assert shared.kinds(execution).count("MapIterationFailed") == 2


DISTRIBUTED = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}


def distributed(function: str, **fields: Any) -> dict[str, Any]:
    """Give a distributed Map that calls a function for each item."""
    made = mapping(function)
    made["Map"]["ItemProcessor"] |= DISTRIBUTED
    made["Map"] |= fields
    return made


@pytest.mark.parametrize(
    ("tolerated", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailureCount": 1}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 24}, "FAILED"),
        ({"ToleratedFailurePercentage": 25}, "SUCCEEDED"),
    ],
)
def test_a_distributed_map_tolerates_as_many_failures_as_it_says(
    shared: Any, tolerated: dict[str, Any], status: str
) -> None:
    function = shared.function(f"tolerating-{sum(tolerated.values())}-{len(tolerated)}", COUNTING)
    found = shared.run(distributed(function, **tolerated), {"items": [1, 2, 3, 4], "bad": 3})
    assert found["status"] == status
    if status == "FAILED":
        assert found["error"] == "States.ExceedToleratedFailureThreshold"


@pytest.mark.parametrize(
    ("key", "body", "config"),
    [
        ("items.json", '[{"n": 1}, {"n": 2}]', {"InputType": "JSON"}),
        ("items.csv", "n\n1\n2\n", {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}),
    ],
)
def test_a_distributed_map_reads_its_items_from_an_object(
    shared: Any, key: str, body: str, config: dict[str, str]
) -> None:
    bucket = f"items-{key.replace('.', '-')}"
    shared.cloud.client("s3").create_bucket(Bucket=bucket)
    shared.cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    each = {"Type": "Pass", "Parameters": {"got.$": "$.n"}, "End": True}
    found = shared.run(
        {
            "Map": {
                "Type": "Map",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": config,
                    "Parameters": {"Bucket": bucket, "Key": key},
                },
                "ItemProcessor": {**DISTRIBUTED, "StartAt": "Each", "States": {"Each": each}},
                "End": True,
            }
        }
    )
    assert [str(each["got"]) for each in found["output"]] == ["1", "2"]


def test_services_are_called_by_optimized_and_by_sdk_integrations(shared: Any) -> None:
    shared.cloud.client("s3").create_bucket(Bucket="written")
    shared.cloud.client("dynamodb").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    states = {
        "Put": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Parameters": {"TableName": "t", "Item": {"k": {"S.$": "$.key"}}},
            "ResultPath": None,
            "Next": "Write",
        },
        "Write": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
            "Parameters": {"Bucket": "written", "Key": "a", "Body": {"n": 1}},
            "ResultPath": None,
            "Next": "List",
        },
        "List": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
            "Parameters": {"Bucket": "written"},
            "ResultSelector": {"count.$": "$.KeyCount", "key.$": "$.Contents[0].Key"},
            "End": True,
        },
    }
    found = shared.run(states, {"key": "x"})
    assert (found["status"], found.get("output")) == ("SUCCEEDED", {"count": 1, "key": "a"})
    assert shared.cloud.client("dynamodb").get_item(TableName="t", Key={"k": {"S": "x"}})["Item"]


def test_payloads_over_256_kb_are_refused_or_fail_the_state(shared: Any) -> None:
    machine = shared.make("limits", {"Go": {"Type": "Pass", "End": True}})
    with pytest.raises(shared.states.exceptions.ClientError, match="262144"):
        shared.start(machine, "x" * 262_144)
    arn = shared.function("large", "def handler(event, context):\n    return 'x' * 262144")
    found = shared.run({"Go": {"Type": "Task", "Resource": arn, "End": True}})
    assert (found["status"], found["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_a_history_ends_at_25000_events(shared: Any) -> None:
    states = {"Go": {"Type": "Pass", "Next": "Rest"}, "Rest": {"Type": "Wait", "Seconds": 1, "Next": "Go"}}
    execution = shared.start(shared.make("endless", states))
    [running] = [run for run in shared.running() if run.exec_arn == execution]
    running.exec_worker.env.event_manager._event_id_gen._next_id = 24_998  # as if it had run for hours
    shared.pass_time(seconds=3)
    found = shared.look(execution)
    assert (found["status"], shared.kinds(execution)[-1]) == ("FAILED", "ExecutionFailed")
    assert "25000" in found["cause"]
    assert shared.history(execution)[-1]["id"] == 25_000


def test_a_running_execution_is_given_again_by_name_and_input_and_another_input_is_refused(
    shared: Any,
) -> None:
    machine = shared.make(
        "named", {"Rest": {"Type": "Wait", "Seconds": 60, "Next": "Done"}, "Done": {"Type": "Succeed"}}
    )
    first = shared.start(machine, {"a": 1}, name="same")
    assert shared.start(machine, {"a": 1}, name="same") == first
    assert len(list(shared.executions(machine))) == 1
    already = shared.states.exceptions.ExecutionAlreadyExists
    with pytest.raises(already):
        shared.start(machine, {"a": 2}, name="same")
    shared.pass_time(seconds=60)
    with pytest.raises(already):
        shared.start(machine, {"a": 1}, name="same")


def test_outputs_that_are_text_or_null_come_back_as_json(shared: Any) -> None:
    for value in ("text", None):
        execution = shared.start(
            shared.make(f"giving-{value}", {"Go": {"Type": "Pass", "Result": value, "End": True}})
        )
        described = shared.states.describe_execution(executionArn=execution)
        assert described["output"] == json.dumps(value)
