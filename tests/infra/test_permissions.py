"""Least privilege: each function may do what its work needs, named by action and by resource."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

# Actions that AWS can not narrow to a resource, and the service that needs them.
WITHOUT_RESOURCE = {
    # Step Functions sets up the delivery of its own log; AWS documents "*" as the only resource.
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}
WRITES = ("Put", "Update", "Delete", "Create", "Send", "Start")


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allowed(assembly: Any) -> Iterator[dict[str, Any]]:
    for policy in assembly.properties("AWS::IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                yield statement


def actions(assembly: Any, function: str) -> set[str]:
    return {action for statement in assembly.statements(function) for action in listed(statement["Action"])}


def test_no_role_is_allowed_an_action_by_wildcard(assembly: Any) -> None:
    assert [s for s in allowed(assembly) if any("*" in action for action in listed(s["Action"]))] == []


def test_every_allowed_resource_is_named_unless_aws_can_not_narrow_the_action(assembly: Any) -> None:
    broad = [s for s in allowed(assembly) if "*" in listed(s["Resource"])]
    assert {action for s in broad for action in listed(s["Action"])} <= WITHOUT_RESOURCE


def test_no_role_carries_a_managed_policy(assembly: Any) -> None:
    assert [role for role in assembly.properties("AWS::IAM::Role") if "ManagedPolicyArns" in role] == []


def test_objects_are_reached_below_a_prefix_never_in_a_whole_bucket(assembly: Any) -> None:
    for statement in allowed(assembly):
        if any(action.startswith("s3:") and "Object" in action for action in listed(statement["Action"])):
            for resource in listed(statement["Resource"]):
                prefix = resource["Fn::Join"][1][-1]
                assert prefix not in ("/*", "*"), statement
                assert prefix.endswith("/*"), statement


def test_buckets_are_listed_below_the_prefixes_a_function_reaches(assembly: Any) -> None:
    for statement in allowed(assembly):
        if "s3:ListBucket" in listed(statement["Action"]):
            prefixes = statement["Condition"]["StringLike"]["s3:prefix"]
            assert "*" not in prefixes


def test_each_function_has_a_role_of_its_own(assembly: Any) -> None:
    roles = [json.dumps(properties["Role"]) for properties in assembly.functions().values()]
    assert len(set(roles)) == len(roles)


@pytest.mark.parametrize(
    "function", ["ingest_upload", "materialize_commit", "gather_rows", "record_predictions", "decide_retrain"]
)
def test_whoever_answers_messages_may_say_when_a_failed_one_comes_again(assembly: Any, function: str) -> None:
    assert {"sqs:ChangeMessageVisibility", "sqs:GetQueueUrl"} <= actions(assembly, function)


def test_predict_changes_nothing_but_its_own_log_and_the_prediction_log(assembly: Any) -> None:
    writes = {a for a in actions(assembly, "predict") if a.split(":")[1].startswith(WRITES)}
    assert writes == {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}


def test_only_uploads_predictions_and_upkeep_change_tables_and_only_pinning_tags_them(
    assembly: Any,
) -> None:
    writers = {name for name in assembly.functions() if "glue:UpdateTable" in actions(assembly, name)}
    assert writers == {"ingest_upload", "record_predictions", "pin_dataset", "keep_tables"}


def test_only_upkeep_goes_through_whole_tables_and_removes_anything_for_good(assembly: Any) -> None:
    for wanted in ("dynamodb:Scan", "dynamodb:DeleteItem", "s3:DeleteObjectVersion", "s3:ListBucketVersions"):
        assert {name for name in assembly.functions() if wanted in actions(assembly, name)} == {"keep_tables"}


def test_upkeep_removes_versions_of_nothing_but_indexes_of_keys(assembly: Any) -> None:
    purged = [s for s in assembly.statements("keep_tables") if s["Action"] == "s3:DeleteObjectVersion"]
    assert [json.dumps(statement["Resource"]).count("/keys/*") for statement in purged] == [1]


def test_upkeep_reads_what_models_need_and_can_not_change_it(assembly: Any) -> None:
    writes = [
        json.dumps(statement["Resource"])
        for statement in assembly.statements("keep_tables")
        if any(action.startswith(("s3:Put", "s3:Delete")) for action in listed(statement["Action"]))
    ]
    assert writes
    assert not any("ModelsBucket" in resource for resource in writes)


def test_only_the_retraining_decision_starts_training_and_who_needs_views_a_backfill(
    assembly: Any,
) -> None:
    machines: dict[str, list[str]] = {}
    for name in assembly.functions():
        for statement in assembly.statements(name):
            if "states:StartExecution" in listed(statement["Action"]):
                machines[name] = [json.dumps(resource) for resource in listed(statement["Resource"])]
    assert machines.keys() == {"decide_retrain", "materialize_commit", "pin_dataset", "keep_tables"}
    assert all("Training" in machine for machine in machines["decide_retrain"])
    assert all("Backfill" in machine for machine in machines["materialize_commit"])
    assert all("Backfill" in machine for name in ("pin_dataset", "keep_tables") for machine in machines[name])


@pytest.mark.parametrize("function", ["record_failure", "promote_model"])
def test_steps_that_only_write_documents_reach_no_bucket(assembly: Any, function: str) -> None:
    assert not {action for action in actions(assembly, function) if action.startswith("s3:")}


def test_a_function_is_told_of_exactly_what_it_may_reach(assembly: Any) -> None:
    variables = {
        "TIDEMILL_PREDICTIONS_QUEUE_URL": "sqs:SendMessage",
        "TIDEMILL_EVENT_BUS": "events:PutEvents",
        "TIDEMILL_DATABASE": "glue:GetTable",
        "TIDEMILL_TRAINING_STATE_MACHINE_ARN": "states:StartExecution",
        "TIDEMILL_EXPERIMENTS_TABLE": "dynamodb:GetItem",
        "TIDEMILL_DATA_BUCKET": "s3:GetObject",
    }
    for name, properties in assembly.functions().items():
        for variable, action in variables.items():
            if variable in properties["Environment"]["Variables"]:
                assert action in actions(assembly, name), (name, variable)
