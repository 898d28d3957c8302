"""A quarter of a daily schedule, with a function and a machine that rests an hour, passes while one waits."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

NEW_YEAR = datetime(2013, 1, 1, tzinfo=UTC)
DAYS = 90


def test_each_day_fires_function_and_machine_once_and_every_machine_rests_its_hour(machines: Any) -> None:
    function = machines.function(
        "daily", "def handler(event, context):\n    print('{\"day\": \"' + event['time'] + '\"}')"
    )
    task = {"Type": "Task", "Resource": function, "ResultPath": None, "Next": "Rest"}
    machine = machines.make(
        "daily",
        {
            "Work": task,
            "Rest": {"Type": "Wait", "Seconds": 3600, "Next": "Done"},
            "Done": {"Type": "Succeed"},
        },
    )
    events = machines.cloud.client("events")
    rule = events.put_rule(Name="daily", ScheduleExpression="cron(0 6 * * ? *)")["RuleArn"]
    machines.cloud.client("lambda").add_permission(
        FunctionName="daily",
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    role = machines.role_for("events.amazonaws.com")
    events.put_targets(
        Rule="daily",
        Targets=[{"Id": "function", "Arn": function}, {"Id": "machine", "Arn": machine, "RoleArn": role}],
    )

    fired = machines.cloud.clock.advance_to(NEW_YEAR + timedelta(days=DAYS))

    assert Counter("Wait" if "end of a Wait" in what else "rule" for what in fired) == {
        "rule": DAYS,
        "Wait": DAYS,
    }
    found = list(machines.executions(machine))
    assert Counter(each["status"] for each in found) == {"SUCCEEDED": DAYS}
    six = NEW_YEAR + timedelta(hours=6)
    assert sorted((each["startDate"], each["stopDate"]) for each in found) == [
        (six + timedelta(days=day), six + timedelta(days=day, hours=1)) for day in range(DAYS)
    ]
    days = Counter(json.loads(line)["day"] for line in machines.printed("daily"))
    assert days == {f"{six + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}": 2 for day in range(DAYS)}
