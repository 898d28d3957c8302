"""Events reach their targets: from S3, buses and schedules, to functions, queues and state machines."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

ROLE = "arn:aws:iam::123456789012:role/tests"
PRINT = """
    import json
    def handler(event, context):
        print(json.dumps(event if isinstance(event, dict) else {"event": event}))
        return event
"""
FAIL = """
    def handler(event, context):
        print('{"attempt": 1}')
        raise ValueError("no")
"""


def rule(
    bench: Any, name: str, target: dict[str, Any], *, pattern: dict[str, Any] | None = None, **more: Any
) -> None:
    """Put a rule with one target."""
    arguments = more | ({"EventPattern": json.dumps(pattern)} if pattern else {})
    bench("events").put_rule(Name=name, **arguments)
    bus = {"EventBusName": more["EventBusName"]} if "EventBusName" in more else {}
    bench("events").put_targets(Rule=name, Targets=[{"Id": "1", **target}], **bus)


def put(bench: Any, detail: dict[str, Any], **more: Any) -> None:
    """Put an event."""
    entry = {"Source": "tests", "DetailType": "Thing", "Detail": json.dumps(detail)} | more
    bench("events").put_events(Entries=[entry])


def test_upload_reaches_a_function_through_rule_and_queue_with_s3s_fields(bench: Any) -> None:
    bench.function("ingest", PRINT)
    url, arn = bench.queue("uploads")
    bench("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="ingest")
    s3 = bench("s3")
    s3.create_bucket(Bucket="data-bucket")
    s3.put_bucket_versioning(Bucket="data-bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket="data-bucket", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    rule(
        bench,
        "uploads",
        {"Arn": arn},
        pattern={
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": ["data-bucket"]}, "object": {"key": [{"prefix": "uploads/"}]}},
        },
    )
    first = s3.put_object(Bucket="data-bucket", Key="uploads/a b.csv", Body=b"abc")
    s3.put_object(Bucket="data-bucket", Key="elsewhere/c.csv", Body=b"abc")
    s3.put_object(Bucket="data-bucket", Key="uploads/a b.csv", Body=b"abcd")
    bench.cloud.settle(20)
    events = [json.loads(record["body"]) for line in bench.lines("ingest") for record in line["Records"]]
    events.sort(key=lambda event: event["detail"]["object"]["sequencer"])
    assert [event["detail"]["object"]["size"] for event in events] == [3, 4]
    event = events[0]
    assert (event["detail-type"], event["source"]) == ("Object Created", "aws.s3")
    assert event["time"] == "2013-01-01T00:00:00Z"
    assert event["resources"] == ["arn:aws:s3:::data-bucket"]
    assert event["detail"]["bucket"] == {"name": "data-bucket"}
    assert event["detail"]["reason"] == "PutObject"
    assert event["detail"]["object"]["key"] == "uploads/a b.csv"
    assert event["detail"]["object"]["etag"] == first["ETag"].strip('"')
    assert event["detail"]["object"]["version-id"] == first["VersionId"]
    assert events[0]["id"] != events[1]["id"]
    assert bench.counts(url) == (0, 0)


def test_rule_reaches_a_function_with_its_input(bench: Any) -> None:
    arn = bench.function("listener", PRINT)
    rule(bench, "whole", {"Arn": arn}, pattern={"detail": {"kind": ["whole"]}})
    rule(bench, "part", {"Arn": arn, "InputPath": "$.detail"}, pattern={"detail": {"kind": ["part"]}})
    rule(bench, "off", {"Arn": arn}, pattern={"source": ["tests"]}, State="DISABLED")
    put(bench, {"kind": "whole"})
    put(bench, {"kind": "part"}, Time=datetime.fromisoformat("2012-06-01T10:00:00+00:00"))
    put(bench, {"kind": "other"})
    bench.cloud.settle(20)
    seen = sorted(bench.lines("listener"), key=len)
    assert seen[0] == {"kind": "part"}
    assert seen[1]["time"] == "2013-01-01T00:00:00Z"
    assert (seen[1]["detail"], seen[1]["detail-type"]) == ({"kind": "whole"}, "Thing")
    assert len(seen) == 2


def test_event_passes_from_bus_to_bus_and_to_a_topics_queue(bench: Any) -> None:
    url, queue_arn = bench.queue("end")
    topic = bench.topic("news")
    bench("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"}
    )
    second = bench("events").create_event_bus(Name="second")["EventBusArn"]
    rule(bench, "hop", {"Arn": second}, pattern={"source": ["tests"]})
    rule(bench, "tell", {"Arn": topic}, pattern={"source": ["tests"]}, EventBusName="second")
    put(bench, {"n": 1})
    (event,) = bench.bodies(url)
    assert (event["detail"], event["source"]) == ({"n": 1}, "tests")


def test_what_cannot_be_delivered_becomes_a_dead_letter(bench: Any) -> None:
    url, letters = bench.queue("letters")
    missing = "arn:aws:sqs:us-east-1:123456789012:missing"
    rule(
        bench,
        "lost",
        {"Arn": missing, "DeadLetterConfig": {"Arn": letters}},
        pattern={"source": ["tests"]},
    )
    put(bench, {"n": 1})
    (message,) = bench("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    assert message["MessageAttributes"]["TARGET_ARN"]["StringValue"] == missing


def test_schedules_fire_in_order_on_the_virtual_clock(bench: Any) -> None:
    arn = bench.function("daily", PRINT, Environment={"Variables": {}})
    rule(bench, "at-six", {"Arn": arn, "Input": '{"rule": "six"}'}, ScheduleExpression="cron(0 6 * * ? *)")
    rule(bench, "every", {"Arn": arn}, ScheduleExpression="rate(12 hours)")
    bench("scheduler").create_schedule(
        Name="once",
        ScheduleExpression="at(2013-01-01T07:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": ROLE, "Input": '{"at": "<aws.scheduler.scheduled-time>"}'},
    )
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(days=2))
    seen = [line.get("rule") or line.get("at") or line["time"] for line in bench.lines("daily")]
    assert seen == [
        "six",
        "2013-01-01T07:00:00Z",
        "2013-01-01T12:00:00Z",
        "2013-01-02T00:00:00Z",
        "six",
        "2013-01-02T12:00:00Z",
        "2013-01-03T00:00:00Z",
    ]
    event = bench.lines("daily")[2]
    assert (event["detail-type"], event["source"], event["detail"]) == ("Scheduled Event", "aws.events", {})
    bench("events").disable_rule(Name="at-six")
    bench("events").remove_targets(Rule="every", Ids=["1"])
    bench("events").delete_rule(Name="every")
    clock.advance_to(clock.now() + timedelta(days=2))
    assert len(bench.lines("daily")) == 7


def test_on_the_wall_a_schedule_fires_by_itself(bench_on_the_wall: Any) -> None:
    bench = bench_on_the_wall
    arn = bench.function("soon", PRINT)
    due = datetime.now(UTC) + timedelta(seconds=2)
    bench("scheduler").create_schedule(
        Name="once",
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": ROLE, "Input": '{"fired": true}'},
    )
    deadline = time.monotonic() + 15
    while not bench.lines("soon") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert bench.lines("soon") == [{"fired": True}]


def test_jumping_the_clock_fires_nothing(bench: Any) -> None:
    arn = bench.function("daily", PRINT)
    rule(bench, "every", {"Arn": arn}, ScheduleExpression="rate(1 day)")
    clock = bench.cloud.clock
    clock.set(clock.now() + timedelta(days=30))
    bench.cloud.settle(5)
    assert bench.lines("daily") == []
    clock.advance_to(clock.now() + timedelta(days=1))
    assert [line["time"] for line in bench.lines("daily")] == ["2013-02-01T00:00:00Z"]


def test_rule_starts_a_state_machine_whose_map_calls_functions(bench: Any) -> None:
    arn = bench.function("square", "def handler(event, context):\n    return {'n': event['n'] ** 2}\n")
    definition = {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "INLINE"},
                    "StartAt": "Square",
                    "States": {
                        "Square": {
                            "Type": "Task",
                            "Resource": "arn:aws:states:::lambda:invoke",
                            "Parameters": {"FunctionName": arn, "Payload.$": "$"},
                            "OutputPath": "$.Payload",
                            "End": True,
                        }
                    },
                },
                "Next": "Sum",
            },
            "Sum": {
                "Type": "Pass",
                "Parameters": {"at.$": "$$.Execution.StartTime", "squares.$": "$[*].n"},
                "End": True,
            },
        },
    }
    machine = bench("stepfunctions").create_state_machine(
        name="squares", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    transformer = {
        "InputPathsMap": {"items": "$.detail.items"},
        "InputTemplate": '{"items": <items>}',
    }
    rule(
        bench,
        "go",
        {"Arn": machine, "RoleArn": ROLE, "InputTransformer": transformer},
        pattern={"source": ["tests"]},
    )
    put(bench, {"items": [{"n": number} for number in range(1, 6)]})
    bench.cloud.settle(60)
    (execution,) = bench("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    found = bench("stepfunctions").describe_execution(executionArn=execution["executionArn"])
    assert found["status"] == "SUCCEEDED"
    assert json.loads(found["output"]) == {"at": "2013-01-01T00:00:00.000Z", "squares": [1, 4, 9, 16, 25]}
    assert found["startDate"] == found["stopDate"] == bench.cloud.clock.now()


def test_executions_without_a_name_can_be_started_twice_and_failures_count_as_over(bench: Any) -> None:
    definition = {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "E", "Cause": "because"}}}
    machine = bench("stepfunctions").create_state_machine(
        name="never", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    for _ in range(2):
        bench("stepfunctions").start_execution(stateMachineArn=machine)
    bench.cloud.settle(20)
    found = bench("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert [entry["status"] for entry in found] == ["FAILED", "FAILED"]


def test_of_many_callers_with_one_name_one_starts_the_execution(bench: Any) -> None:
    definition = {"StartAt": "Yes", "States": {"Yes": {"Type": "Pass", "End": True}}}
    client = bench("stepfunctions")
    machine = client.create_state_machine(name="once", definition=json.dumps(definition), roleArn=ROLE)[
        "stateMachineArn"
    ]

    def start(number: int) -> bool:
        try:
            client.start_execution(stateMachineArn=machine, name="run", input=json.dumps({"n": number}))
        except client.exceptions.ExecutionAlreadyExists:
            return False
        return True

    with ThreadPoolExecutor(8) as callers:
        assert sum(callers.map(start, range(8))) == 1


def test_asynchronous_event_is_tried_three_times_and_then_reported(bench: Any) -> None:
    url, letters = bench.queue("letters")
    url_of_failures, failures = bench.queue("failures")
    arn = bench.function("unlucky", FAIL, DeadLetterConfig={"TargetArn": letters})
    bench("lambda").put_function_event_invoke_config(
        FunctionName="unlucky", DestinationConfig={"OnFailure": {"Destination": failures}}
    )
    answer = bench("lambda").invoke(FunctionName="unlucky", InvocationType="Event", Payload=b'{"n": 1}')
    assert answer["StatusCode"] == 202
    bench.cloud.settle(20)
    assert len(bench.lines("unlucky")) == 1
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=61))
    assert len(bench.lines("unlucky")) == 2
    clock.advance_to(clock.now() + timedelta(minutes=10))
    assert len(bench.lines("unlucky")) == 3
    assert bench.bodies(url) == [{"n": 1}]
    (report,) = bench.bodies(url_of_failures)
    assert report["requestContext"]["condition"] == "RetriesExhausted"
    assert report["requestContext"]["approximateInvokeCount"] == 3
    assert report["requestContext"]["functionArn"].startswith(arn)
    assert report["requestPayload"] == {"n": 1}
    assert report["responsePayload"]["errorMessage"] == "no"


def test_lambda_api_tells_errors_logs_and_refusals_as_lambda_does(bench: Any) -> None:
    bench.function("unlucky", FAIL)
    answer = bench("lambda").invoke(FunctionName="unlucky", LogType="Tail", Payload=b"{}")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"].read())["errorType"] == "ValueError"
    assert re.search(r"[A-Za-z0-9+/=]{20}", answer["LogResult"])
    client = bench("lambda")
    large = json.dumps("x" * (1024 * 1024)).encode()
    with pytest.raises(client.exceptions.RequestTooLargeException, match="Event invocation type"):
        client.invoke(FunctionName="unlucky", InvocationType="Event", Payload=large)


def test_settling_waits_for_a_chain_of_everything(bench: Any) -> None:
    """A function sends to a queue whose function puts an event whose rule invokes a third, twenty times."""
    url, arn = bench.queue("middle")
    bench.function(
        "first",
        """
        import boto3, os
        sqs = boto3.client("sqs")
        def handler(event, context):
            sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody="on")
        """,
        Environment={"Variables": {"QUEUE": url}},
    )
    bench.function(
        "second",
        """
        import boto3
        events = boto3.client("events")
        def handler(event, context):
            for record in event["Records"]:
                events.put_events(Entries=[{"Source": "chain", "DetailType": "d", "Detail": "{}"}])
        """,
    )
    last = bench.function("last", PRINT)
    bench("lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="second", BatchSize=3)
    rule(bench, "chain", {"Arn": last}, pattern={"source": ["chain"]})
    for _ in range(20):
        bench("lambda").invoke(FunctionName="first", InvocationType="Event", Payload=b"{}")
    bench.cloud.settle(60)
    assert len(bench.lines("last")) == 20
