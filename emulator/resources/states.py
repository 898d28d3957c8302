"""Step Functions: state machines, run by moto's interpreter of the Amazon States Language."""

import json
import re
from typing import Any

from emulator.resources.base import Made, Request, ResourceType, words
from emulator.resources.tagging import retag
from emulator.states.definition import check_definition

_SUBSTITUTION = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


def substitute(definition: str, values: dict[str, Any]) -> str:
    """Fill in ``DefinitionSubstitutions``, as CloudFormation does.

    Parameters
    ----------
    definition
        State machine definition with ``${Name}`` in places.
    values
        What stands for each name; other names stay as they are.

    Returns
    -------
    str
        The definition.

    Examples
    --------
    >>> substitute('{"Resource": "${Arn}"}', {"Arn": "arn:aws:lambda"})
    '{"Resource": "arn:aws:lambda"}'
    """
    return _SUBSTITUTION.sub(lambda found: str(values.get(found[1], found[0])), definition)


def _definition(request: Request) -> str:
    properties = request.properties
    if "DefinitionS3Location" in properties:
        location = properties["DefinitionS3Location"]
        body = request.client("s3").get_object(Bucket=location["Bucket"], Key=location["Key"])["Body"]
        text = body.read().decode()
    elif "Definition" in properties:
        text = json.dumps(properties["Definition"])
    else:
        text = properties["DefinitionString"]
    text = substitute(text, properties.get("DefinitionSubstitutions", {}))
    check_definition(text, request.name)
    return text


def _create_machine(request: Request) -> Made:
    properties = request.properties
    if properties.get("StateMachineType", "STANDARD") != "STANDARD":
        raise ValueError(
            f"state machine {request.name}: StateMachineType {properties['StateMachineType']} does not run "
            "here; make it STANDARD, or leave the machine out of the local cloud"
        )
    arn = request.client("stepfunctions").create_state_machine(
        name=request.name,
        definition=_definition(request),
        roleArn=properties["RoleArn"],
        tags=[{"key": key, "value": value} for key, value in request.tags().items()],
    )["stateMachineArn"]
    return Made(arn, {"Arn": arn, "Name": request.name})


def _update_machine(request: Request, made: Made) -> Made:
    request.client("stepfunctions").update_state_machine(
        stateMachineArn=made.physical_id,
        definition=_definition(request),
        roleArn=request.properties["RoleArn"],
    )
    retag(request, made.physical_id)
    return made


def _delete_machine(request: Request, made: Made) -> None:
    request.client("stepfunctions").delete_state_machine(stateMachineArn=made.physical_id)


TYPES = (
    ResourceType(
        "AWS::StepFunctions::StateMachine",
        honoured=words(
            "StateMachineName StateMachineType DefinitionString Definition DefinitionS3Location "
            "DefinitionSubstitutions RoleArn Tags"
        ),
        accepted={
            "LoggingConfiguration": "the execution history holds every event; no log is written",
            "TracingConfiguration": "nothing is traced",
        },
        attributes=words("Arn Name"),
        create=_create_machine,
        update=_update_machine,
        delete=_delete_machine,
        replaced_by=words("StateMachineName StateMachineType"),
        name_property="StateMachineName",
        generated_name_limit=80,
        note="standard machines in JSONPath; what a definition may say is listed below",
    ),
)
