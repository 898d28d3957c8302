"""What all functions have in common, and what work reaches which of them."""

from typing import Any

import pytest

from bench.machine import AS_DEPLOYED
from infra.config import ROOT
from tidemill.aws.metrics import NAMESPACE

QUEUES = {
    "Ingest": "ingest_upload",
    "Materialize": "materialize_commit",
    "Predictions": "record_predictions",
    "Decisions": "decide_retrain",
}


def test_functions_are_the_folders_under_functions(assembly: Any) -> None:
    folders = {path.name for path in (ROOT / "functions").iterdir() if path.name != "__pycache__"}
    assert set(assembly.functions()) == folders


def test_all_functions_run_alike(assembly: Any) -> None:
    for properties in assembly.functions().values():
        assert properties["Runtime"] == "python3.13"
        assert properties["Architectures"] == ["arm64"]
        assert properties["Handler"] == "handler.handler"
        assert properties["Environment"]["Variables"]["TIDEMILL_PROJECT"] == "flights"


def test_what_is_measured_as_deployed_is_deployed_so(assembly: Any) -> None:
    for properties in assembly.functions().values():
        assert AS_DEPLOYED.items() <= properties["Environment"]["Variables"].items()


def test_every_log_is_written_to_a_group_that_forgets(assembly: Any) -> None:
    assert all(group["RetentionInDays"] == 30 for group in assembly.properties("AWS::Logs::LogGroup"))
    for properties in assembly.functions().values():
        assert properties["LoggingConfig"]["LogGroup"]


def test_only_functions_with_declarations_carry_the_projects_layer(assembly: Any) -> None:
    def layers(name: str) -> list[str]:
        return [layer["Ref"] for layer in assembly.functions()[name]["Layers"]]

    assert not any("Projects" in layer for layer in layers("predict"))
    assert any("Projects" in layer for layer in layers("ingest_upload"))
    assert all("LayersTidemill" in layers(name)[0] for name in assembly.functions())


@pytest.mark.parametrize(("queue", "function"), QUEUES.items())
def test_a_queue_feeds_its_function_and_hears_which_messages_failed(
    assembly: Any, queue: str, function: str
) -> None:
    mappings = [
        mapping
        for mapping in assembly.properties("AWS::Lambda::EventSourceMapping")
        if mapping["EventSourceArn"]["Fn::GetAtt"][0].startswith(f"{queue}Work")
    ]
    (mapping,) = mappings
    consumer = assembly.resources("AWS::Lambda::Function")[mapping["FunctionName"]["Ref"]]["Properties"]
    assert consumer["Description"] == f"Tidemill: {function}"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    if function == "record_predictions":  # each batch is a commit: many messages share one
        assert mapping["BatchSize"] == 100
        assert mapping["MaximumBatchingWindowInSeconds"] == 30
    else:
        assert 1 <= mapping["BatchSize"] <= 10


def test_no_message_comes_again_while_it_is_worked_on(assembly: Any) -> None:
    queues, functions = assembly.resources("AWS::SQS::Queue"), assembly.resources("AWS::Lambda::Function")
    for mapping in assembly.properties("AWS::Lambda::EventSourceMapping"):
        queue = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
        consumer = functions[mapping["FunctionName"]["Ref"]]["Properties"]
        assert queue["VisibilityTimeout"] >= 6 * consumer["Timeout"]


def test_every_queue_ends_in_dead_letters_with_an_alarm(assembly: Any) -> None:
    queues = assembly.resources("AWS::SQS::Queue")
    alarmed = {
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in assembly.properties("AWS::CloudWatch::Alarm")
        for dimension in alarm["Dimensions"]
        if alarm["AlarmActions"] and alarm["Namespace"] == "AWS/SQS"
    }
    for name, queue in queues.items():
        if "DeadLetters" in name:
            assert name in alarmed
        else:
            assert queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] in alarmed


def test_people_are_told_of_what_the_monitor_counts_as_silent(assembly: Any) -> None:
    """An alarm on a metric of another name would be quiet for ever."""
    [alarm] = [
        each for each in assembly.properties("AWS::CloudWatch::Alarm") if each["Namespace"] == NAMESPACE
    ]
    assert (
        f'count_metric("{alarm["MetricName"]}"' in (ROOT / "functions/monitor_model/handler.py").read_text()
    )
    assert [each["Name"] for each in alarm["Dimensions"]] == ["Project"]
    assert alarm["TreatMissingData"] == "ignore"
    assert alarm["AlarmActions"]


def test_every_rule_keeps_what_it_can_not_deliver(assembly: Any) -> None:
    for rule in assembly.properties("AWS::Events::Rule"):
        assert all("DeadLetterConfig" in target for target in rule["Targets"])


def test_uploads_reach_the_ingest_queue_from_the_accounts_bus(assembly: Any) -> None:
    (rule,) = [
        r
        for r in assembly.properties("AWS::Events::Rule")
        if r.get("EventPattern", {}).get("source") == ["aws.s3"]
    ]
    assert "EventBusName" not in rule
    assert rule["EventPattern"]["detail"]["object"] == {"key": [{"prefix": "uploads/"}]}


def scheduled(assembly: Any) -> dict[str, Any]:
    rules = [r for r in assembly.properties("AWS::Events::Rule") if "ScheduleExpression" in r]
    return {rule["ScheduleExpression"]: rule for rule in rules}


def test_the_tables_upkeep_is_woken_weekly_and_told_the_events_own_time(assembly: Any) -> None:
    rules = scheduled(assembly)
    assert set(rules) == {"cron(0 2 * * ? *)", "cron(30 3 ? * SUN *)"}
    (target,) = rules["cron(30 3 ? * SUN *)"]["Targets"]
    assert target["InputTransformer"]["InputTemplate"] == '{"time":<time>}'
    assert "UpkeepDeadLetters" in str(target["DeadLetterConfig"])


def test_a_models_monitor_is_told_the_model_and_the_events_own_time(assembly: Any) -> None:
    rule = scheduled(assembly)["cron(0 2 * * ? *)"]
    transformer = rule["Targets"][0]["InputTransformer"]
    assert transformer["InputPathsMap"] == {"time": "$.time"}
    assert transformer["InputTemplate"] == '{"model":"late_arrival","time":<time>}'


def test_the_command_line_finds_what_it_needs_among_the_outputs(assembly: Any) -> None:
    outputs = {name for template in assembly.templates.values() for name in template.get("Outputs", {})}
    queues = {f"{queue}{end}" for queue in QUEUES for end in ("QueueUrl", "DeadLettersUrl")}
    expected = {
        "Project",
        "DataBucket",
        "ModelsBucket",
        "Database",
        "EventBus",
        "ExperimentsTable",
        "FeaturesTable",
        "TrainingStateMachine",
        "BackfillStateMachine",
        "NotificationTopic",
        "ApiEndpoint",
        "MonitorDeadLettersUrl",
        "UpkeepDeadLettersUrl",
    }
    assert (expected | queues) <= outputs
