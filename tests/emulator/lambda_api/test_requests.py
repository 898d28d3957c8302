"""The invoke operation: kinds of invocation, limits, and what is refused."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

ECHO = "def handler(event, context): return event"


def test_a_dry_run_answers_204_and_runs_nothing(workshop: Any) -> None:
    workshop.function("dry", ECHO)
    answer = workshop.client.invoke(FunctionName="dry", InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert [each for each in workshop.cloud.pool.recent() if each.function_name == "dry"] == []


@pytest.mark.parametrize(("kind", "size"), [("RequestResponse", 6 * 1024 * 1024), ("Event", 1024 * 1024)])
def test_a_payload_over_the_limit_is_answered_413(workshop: Any, kind: str, size: int) -> None:
    name = f"large-{kind}"
    workshop.function(name, "def handler(event, context): return len(event)")
    fits = b'"' + b"x" * (size - 2) + b'"'
    assert workshop.client.invoke(FunctionName=name, InvocationType=kind, Payload=fits)["StatusCode"] < 300
    with pytest.raises(ClientError, match=f"limit {size} bytes") as refused:
        workshop.client.invoke(FunctionName=name, InvocationType=kind, Payload=fits + b" ")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    workshop.cloud.settle(30)


def test_a_payload_that_is_no_json_is_refused(workshop: Any) -> None:
    workshop.function("json", ECHO)
    with pytest.raises(ClientError, match="InvalidRequestContentException"):
        workshop.client.invoke(FunctionName="json", Payload=b"{no")


def test_a_tail_of_the_log_is_given_when_it_is_asked_for(workshop: Any) -> None:
    workshop.function("tail", ECHO)
    assert "LogResult" not in workshop.client.invoke(FunctionName="tail")
    assert workshop.client.invoke(FunctionName="tail", LogType="Tail")["LogResult"]


def test_function_urls_and_streamed_answers_are_refused_by_name(workshop: Any) -> None:
    workshop.function("url", ECHO)
    with pytest.raises(ClientError, match="does not answer lambda:CreateFunctionUrlConfig"):
        workshop.client.create_function_url_config(FunctionName="url", AuthType="NONE")
    with pytest.raises(ClientError, match="does not answer lambda:InvokeWithResponseStream"):
        workshop.client.invoke_with_response_stream(FunctionName="url")
