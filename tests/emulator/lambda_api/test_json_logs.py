"""Functions that log in JSON: Lambda's lines and their own, by level."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

CODE = """
import logging
logging.getLogger().info("starting")

def handler(event, context):
    logging.getLogger().info("told %s", event)
    logging.getLogger().warning("careful")
    print("plain")
    if event == "fail":
        import os
        os._exit(3)
"""


def lines(workshop: Any, name: str) -> list[str]:
    found = workshop.cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return [event["message"] for event in found]


def system(messages: list[str]) -> list[Any]:
    return [json.loads(each) for each in messages if '"type": "platform.' in each]


def own(messages: list[str]) -> list[str]:
    return [json.loads(each)["message"] for each in messages if '"requestId"' in each and '"level"' in each]


def test_lines_are_json_with_the_runtimes_own_among_them(workshop: Any) -> None:
    workshop.function("spoken", CODE, LoggingConfig={"LogFormat": "JSON"})
    workshop.call("spoken", "x")
    written = lines(workshop, "spoken")
    events = system(written)
    assert [each["type"] for each in events] == ["platform.initStart", "platform.start", "platform.report"]
    assert events[1]["record"]["version"] == "$LATEST"
    record = events[2]["record"]
    assert record["status"] == "success"
    assert record["metrics"]["memorySizeMB"] == 128
    assert record["metrics"]["initDurationMs"] > 0
    assert own(written) == ["starting", "told x", "careful"]
    assert "plain" in written
    assert not any(each.startswith(("START", "END", "REPORT")) for each in written)


def test_levels_hold_back_what_is_below_them(workshop: Any) -> None:
    levels = {"LogFormat": "JSON", "ApplicationLogLevel": "WARN", "SystemLogLevel": "WARN"}
    workshop.function("terse", CODE, LoggingConfig=levels)
    workshop.call("terse", "x")
    assert (system(lines(workshop, "terse")), own(lines(workshop, "terse"))) == ([], ["careful"])
    workshop.call("terse", "fail")
    events = system(lines(workshop, "terse"))
    assert [each["type"] for each in events] == ["platform.runtimeDone", "platform.report"]
    assert (events[1]["record"]["status"], events[1]["record"]["errorType"]) == ("error", "Runtime.ExitError")


def test_levels_without_json_are_refused_as_in_lambda(workshop: Any) -> None:
    with pytest.raises(ClientError, match="LogFormat must be JSON"):
        workshop.function("mute", CODE, LoggingConfig={"SystemLogLevel": "WARN"})
