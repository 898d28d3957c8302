"""Deliveries are tried again as long as it can help; what cannot succeed becomes a dead letter at once."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.core.exceptions import JsonRESTError

from emulator.events.clock import Clock
from emulator.events.deliveries import Deliveries
from emulator.events.targets import Delivery

START = datetime(2013, 1, 1, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/tests"
PRINT = """
    import json
    def handler(event, context):
        print(json.dumps({"event": event}))
"""


class Target:
    """A target that refuses a number of times, and a queue for dead letters."""

    def __init__(self, clock: Clock, errors: list[Exception]) -> None:
        self.clock = clock
        self.errors = errors
        self.attempts: list[float] = []
        self.letters: list[tuple[str, Mapping[str, str]]] = []

    def send(self, delivery: Delivery) -> None:
        """Take a delivery, or refuse it."""
        assert delivery.body == "{}"
        self.attempts.append((self.clock.now() - START).total_seconds())
        if self.errors:
            raise self.errors.pop(0)

    def bury(self, delivery: Delivery, attributes: Mapping[str, str]) -> None:
        """Take a dead letter."""
        self.letters.append((delivery.arn, attributes))


def deliver(errors: list[Exception], **policy: int) -> tuple[Clock, Target]:
    """Deliver to a target that refuses with these errors; let a day and a bit pass."""
    clock = Clock()
    clock.set(START)
    target = Target(clock, errors)
    deliveries = Deliveries(clock=clock, send=target.send, bury=target.bury)
    parameters = {"RetryPolicy": policy, "DeadLetterConfig": {"Arn": "letters"}}
    deliveries.deliver(Delivery("target", "{}", "rule", parameters))
    clock.advance_to(START + timedelta(hours=25))
    clock.close()
    return clock, target


def test_target_that_recovers_gets_the_event_after_growing_waits() -> None:
    _, target = deliver([OSError("busy")] * 4)
    assert target.attempts == [0, 1, 3, 7, 15]
    assert target.letters == []


def test_retries_end_with_their_number_and_the_letter_says_so() -> None:
    _, target = deliver([OSError("busy")] * 10, MaximumRetryAttempts=2)
    assert len(target.attempts) == 3
    ((arn, attributes),) = target.letters
    assert arn == "letters"
    assert attributes == {
        "RULE_ARN": "rule",
        "TARGET_ARN": "target",
        "ERROR_CODE": "UNKNOWN",
        "ERROR_MESSAGE": "busy",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": "2",
    }


def test_retries_end_with_the_age_of_the_event() -> None:
    _, target = deliver([OSError("busy")] * 200, MaximumEventAgeInSeconds=60)
    assert target.attempts == [0, 1, 3, 7, 15, 31]
    assert target.letters[0][1]["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"


def test_without_a_policy_retries_go_on_for_a_day() -> None:
    _, target = deliver([OSError("busy")] * 500)
    assert 23 * 3600 < target.attempts[-1] <= 24 * 3600
    assert len(target.attempts) <= 186
    assert len(target.letters) == 1


@pytest.mark.parametrize(
    ("error", "attempts", "code"),
    [
        (JsonRESTError("ThrottlingException", "slow down"), 1, "SDK_CLIENT_ERROR"),
        (JsonRESTError("ResourceNotFoundException", "gone"), 1, "NO_RESOURCE"),
    ],
)
def test_clients_mistakes_are_not_repeated(error: Exception, attempts: int, code: str) -> None:
    if "Throttling" in str(getattr(error, "error_type", "")):
        error.code = 429  # type: ignore[attr-defined]
        attempts, code = 3, "THROTTLING"
    _, target = deliver([error] * 3, MaximumRetryAttempts=2)
    assert len(target.attempts) == attempts
    assert target.letters[0][1]["ERROR_CODE"] == code


def rule(bench: Any, target: dict[str, Any]) -> None:
    """Put a rule with one target for events from `tests`."""
    bench("events").put_rule(Name="rule", EventPattern='{"source": ["tests"]}')
    answer = bench("events").put_targets(Rule="rule", Targets=[{"Id": "1"} | target])
    assert answer["FailedEntryCount"] == 0


def put(bench: Any) -> None:
    """Put an event."""
    bench("events").put_events(Entries=[{"Source": "tests", "DetailType": "Thing", "Detail": '{"n": 1}'}])


def letter(bench: Any, url: str) -> dict[str, str]:
    """Give the attributes of the one dead letter."""
    (message,) = bench("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}


def closed_queue(bench: Any) -> tuple[str, str]:
    """Make a queue that lets nobody in."""
    url = bench("sqs").create_queue(QueueName="closed")["QueueUrl"]
    return url, "arn:aws:sqs:us-east-1:123456789012:closed"


def test_rule_sends_only_to_a_queue_whose_policy_lets_it_in(bench: Any) -> None:
    letters_url, letters = bench.queue("letters")
    url, arn = closed_queue(bench)
    rule(bench, {"Arn": arn, "DeadLetterConfig": {"Arn": letters}})
    put(bench)
    assert bench.counts(url) == (0, 0)
    attributes = letter(bench, letters_url)
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert '"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/rule"' in attributes["ERROR_MESSAGE"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/other"}},
    }
    for source, expected in (("other", 0), ("rule", 1)):
        statement["Condition"] = {
            "ArnEquals": {"aws:SourceArn": f"arn:aws:events:us-east-1:123456789012:rule/{source}"}
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        bench("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        put(bench)
        assert bench.counts(url) == (expected, 0)


def test_rule_invokes_only_a_function_whose_policy_lets_it(bench: Any) -> None:
    letters_url, letters = bench.queue("letters")
    arn = bench.function("closed", PRINT)
    bench("lambda").remove_permission(FunctionName="closed", StatementId="rules")
    rule(bench, {"Arn": arn, "DeadLetterConfig": {"Arn": letters}})
    put(bench)
    bench.cloud.settle(10)
    assert bench.lines("closed") == []
    assert letter(bench, letters_url)["ERROR_CODE"] == "NO_PERMISSIONS"


def test_target_that_is_gone_becomes_a_dead_letter_at_once(bench: Any) -> None:
    letters_url, letters = bench.queue("letters")
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:gone"
    rule(bench, {"Arn": machine, "RoleArn": ROLE, "DeadLetterConfig": {"Arn": letters}})
    put(bench)
    attributes = letter(bench, letters_url)
    assert (attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == ("NO_RESOURCE", "0")
    assert "EXHAUSTED_RETRY_CONDITION" not in attributes


def test_state_machine_is_started_by_a_role_that_may(bench: Any) -> None:
    definition = json.dumps({"StartAt": "Yes", "States": {"Yes": {"Type": "Pass", "End": True}}})
    machine = bench("stepfunctions").create_state_machine(name="m", definition=definition, roleArn=ROLE)[
        "stateMachineArn"
    ]
    letters_url, letters = bench.queue("letters")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = bench("iam").create_role(RoleName="starter", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    rule(bench, {"Arn": machine, "RoleArn": role, "DeadLetterConfig": {"Arn": letters}})
    put(bench)
    assert "states:StartExecution" in letter(bench, letters_url)["ERROR_MESSAGE"]
    statement = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    bench("iam").put_role_policy(RoleName="starter", PolicyName="start", PolicyDocument=policy)
    put(bench)
    bench.cloud.settle(20)
    assert len(bench("stepfunctions").list_executions(stateMachineArn=machine)["executions"]) == 1


def test_every_kind_of_target_receives_the_event(bench: Any) -> None:
    queue_url, queue = bench.queue("plain")
    fifo_url, fifo = bench.queue("ordered.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    heard_url, heard = bench.queue("heard")
    topic = bench.topic("news")
    bench("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=heard, Attributes={"RawMessageDelivery": "true"}
    )
    function = bench.function("listener", PRINT)
    bench("logs").create_log_group(logGroupName="/events/all")
    for number, target in enumerate(
        [
            {"Arn": queue, "InputPath": "$.detail"},
            {"Arn": fifo, "InputPath": "$.detail", "SqsParameters": {"MessageGroupId": "g"}},
            {"Arn": topic, "InputPath": "$.detail"},
            {"Arn": function, "InputPath": "$.detail"},
            {"Arn": "arn:aws:logs:us-east-1:123456789012:log-group:/events/all", "InputPath": "$.detail"},
        ]
    ):
        bench("events").put_rule(Name=f"rule{number}", EventPattern='{"source": ["tests"]}')
        bench("events").put_targets(Rule=f"rule{number}", Targets=[{"Id": "1"} | target])
    put(bench)
    bench.cloud.settle(20)
    assert [bench.bodies(url) for url in (queue_url, fifo_url, heard_url)] == [[{"n": 1}]] * 3
    assert bench.lines("listener") == [{"event": {"n": 1}}]
    found = bench("logs").filter_log_events(logGroupName="/events/all")["events"]
    assert [json.loads(event["message"]) for event in found] == [{"n": 1}]


def test_invalid_pattern_is_refused_when_the_rule_is_put(bench: Any) -> None:
    client = bench("events")
    with pytest.raises(client.exceptions.InvalidEventPatternException, match="Unrecognized match type like"):
        client.put_rule(Name="bad", EventPattern='{"source": [{"like": "a"}]}')


def test_schedule_delivers_as_its_role_and_its_letter_tells_of_the_schedule(bench: Any) -> None:
    letters_url, letters = bench.queue("letters")
    url, arn = closed_queue(bench)
    bench("scheduler").create_schedule(
        Name="good",
        ScheduleExpression="at(2013-01-01T01:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": ROLE, "Input": '{"n": 1}'},
    )
    bench("scheduler").create_schedule(
        Name="lost",
        ScheduleExpression="at(2013-01-01T02:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": f"{arn}-not", "RoleArn": ROLE, "Input": "{}", "DeadLetterConfig": {"Arn": letters}},
    )
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(hours=3))
    assert bench.bodies(url) == [{"n": 1}]
    attributes = letter(bench, letters_url)
    assert attributes["SCHEDULE_ARN"].endswith(":schedule/default/lost")
    assert attributes["SCHEDULED_TIME"] == "2013-01-01T02:00:00Z"
    assert attributes["ERROR_CODE"] == "NO_RESOURCE"
    assert "RULE_ARN" not in attributes


def test_flexible_schedule_fires_within_its_window_and_at_the_same_moment_every_time(bench: Any) -> None:
    url, arn = bench.queue("fired")
    bench("scheduler").create_schedule(
        Name="flexible",
        ScheduleExpression="at(2013-01-01T01:00:00)",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30},
        Target={"Arn": arn, "RoleArn": ROLE, "Input": '{"at": "<aws.scheduler.scheduled-time>"}'},
    )
    ((_, moment),) = bench.cloud.router.planner.next_firings().items()
    due = datetime(2013, 1, 1, 1, tzinfo=UTC)
    assert due <= moment < due + timedelta(minutes=30)
    clock = bench.cloud.clock
    clock.advance_to(moment - timedelta(seconds=1))
    assert bench.counts(url) == (0, 0)
    clock.advance_to(moment)
    assert bench.bodies(url) == [{"at": "2013-01-01T01:00:00Z"}]


def test_completed_schedule_deletes_itself_when_it_says_so(bench: Any) -> None:
    _, arn = bench.queue("fired")
    for name, action in (("goes", "DELETE"), ("stays", "NONE")):
        bench("scheduler").create_schedule(
            Name=name,
            ScheduleExpression="at(2013-01-01T01:00:00)",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion=action,
            Target={"Arn": arn, "RoleArn": ROLE, "Input": "{}"},
        )
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(hours=2))
    assert [entry["Name"] for entry in bench("scheduler").list_schedules()["Schedules"]] == ["stays"]
