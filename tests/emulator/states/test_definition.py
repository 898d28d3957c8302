"""A definition that would not do here what it does in AWS is refused, by machine, state and field."""

import json
from typing import Any

import pytest

from emulator.states.definition import DefinitionError, check_definition

PASS = {"Type": "Pass", "End": True}


def check(state: dict[str, Any], **fields: Any) -> None:
    """Check a machine of one state."""
    check_definition(json.dumps({"StartAt": "Go", "States": {"Go": state}, **fields}), "m")


def task(resource: str, **fields: Any) -> dict[str, Any]:
    """Give a task."""
    return {"Type": "Task", "Resource": resource, "End": True, **fields}


def integration(name: str) -> str:
    """Give the ARN of an integration."""
    return f"arn:aws:states:::{name}"


EACH = {"StartAt": "Each", "States": {"Each": PASS}}


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        ({**PASS, "Type": "Loop"}, "no state type Loop"),
        ({**PASS, "Retries": 1}, "the field Retries is none of a Pass state"),
        ({**PASS, "QueryLanguage": "JSONata"}, "JSONata is not run here; write it with JSONPath"),
        ({**PASS, "Output": "{% 1 %}"}, "the field Output belongs to JSONata"),
        ({"Type": "Pass", "Next": "Gone"}, "Next names Gone, which is no state beside it; known: Go"),
        ({**PASS, "Parameters": {"a": {"b.$": "States.Sum($.n)"}}}, "no intrinsic function States.Sum"),
        (
            {"Type": "Choice", "Choices": [{"Variable": "$.v", "NumericIs": 1, "Next": "Go"}]},
            "Choices has no operator NumericIs",
        ),
        ({"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "Go"}]}, "belongs to JSONata"),
        (task("arn:aws:states:us-east-1:1:activity:a"), "neither a function's ARN nor an integration's"),
        (task(integration("glue:startJobRun.sync")), "the integration glue:startJobRun does not run here"),
        (task(integration("batch:submitJob.sync")), "the integration batch:submitJob does not run here"),
        (task(integration("ecs:runTask.waitForTaskToken")), "the integration ecs:runTask does not run here"),
        (task(integration("sqs:sendMessage.sync")), "sqs:sendMessage cannot be waited for by .sync"),
        (
            task(integration("sqs:sendMessage"), Parameters={"Body": "x"}),
            "sqs:sendMessage has no parameter Body",
        ),
        (task(integration("aws-sdk:braket:getJob")), "the local cloud has no such service"),
        (task(integration("aws-sdk:s3:paintObject")), "the integration aws-sdk:s3:paintObject does not run"),
        (task(integration("aws-sdk:s3:getObject.sync")), "use .waitForTaskToken, or poll"),
        (
            task(integration("lambda:invoke"), Retry=[{"ErrorEquals": ["A"], "Pause": 1}]),
            "the field Pause of Retry",
        ),
        (
            {"Type": "Map", "ItemProcessor": EACH, "ItemBatcher": {}, "End": True},
            "ItemBatcher is not done here",
        ),
        (
            {"Type": "Map", "ItemProcessor": EACH, "Label": "x", "End": True},
            "Label needs the Mode DISTRIBUTED",
        ),
    ],
)
def test_what_does_not_run_here_is_named_with_machine_and_state(
    state: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(DefinitionError, match=r"^state machine m, state Go: ") as refused:
        check(state)
    assert complaint in str(refused.value)


def test_states_inside_a_map_or_branch_are_looked_at_too() -> None:
    inner = {"StartAt": "Deep", "States": {"Deep": {**PASS, "Odd": 1}}}
    with pytest.raises(DefinitionError, match="state Deep: the field Odd"):
        check({"Type": "Parallel", "Branches": [EACH, inner], "End": True})


def test_a_machine_s_own_fields_are_looked_at() -> None:
    with pytest.raises(DefinitionError, match="state machine m: the field Retry"):
        check(PASS, Retry=[])
    with pytest.raises(DefinitionError, match="state machine m: JSONata"):
        check(PASS, QueryLanguage="JSONata")
    with pytest.raises(DefinitionError, match="no JSON"):
        check_definition("{", "m")
    with pytest.raises(DefinitionError, match="StartAt names Gone"):
        check_definition('{"StartAt": "Gone", "States": {}}', "m")


def test_text_that_looks_like_a_function_is_left_alone_where_nothing_calls_it() -> None:
    check({**PASS, "Parameters": {"text": "States.Sum(1)"}})


def test_the_api_refuses_such_a_machine_and_its_update(machines: Any) -> None:
    machine = machines.make("good", {"Go": PASS})
    bad = json.dumps({"StartAt": "Go", "States": {"Go": {**PASS, "Odd": 1}}})
    refused = machines.states.exceptions.InvalidDefinition
    with pytest.raises(refused, match="state Go: the field Odd"):
        machines.states.create_state_machine(name="bad", definition=bad, roleArn=machines.role)
    with pytest.raises(refused, match="state Go: the field Odd"):
        machines.states.update_state_machine(stateMachineArn=machine, definition=bad)


def test_a_deployment_stops_at_such_a_machine_and_names_it(machines: Any) -> None:
    resource: dict[str, Any] = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "StateMachineName": "glueing",
            "RoleArn": machines.role,
            "Definition": {"StartAt": "Go", "States": {"Go": task(integration("glue:startJobRun.sync"))}},
        },
    }
    assert "state machine glueing, state Go: the integration glue:startJobRun" in machines.refusal(resource)
    resource["Properties"] |= {
        "StateMachineType": "EXPRESS",
        "Definition": {"StartAt": "Go", "States": {"Go": PASS}},
    }
    assert "StateMachineType EXPRESS does not run here" in machines.refusal(resource)
