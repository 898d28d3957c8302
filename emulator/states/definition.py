"""Holds a definition against what runs here, before a machine is made of it.

The interpreter leaves out what it does not know: parameters it does not pass on, tolerances it does not
count, a JSONata expression. Here each of these refuses the machine, and the message names machine, state and
field, and says what to do.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import Resource
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_factory import (
    state_task_service_for,
)

from emulator.states import support
from emulator.states.graph import inner_machines

_FUNCTION = re.compile(r"States\.\w+(?=\s*\()")
_LAMBDA = re.compile(r"arn:[\w-]+:lambda:[^:]*:[^:]*:function:.+")
_SERVICE = re.compile(r"arn:[\w-]+:states:::([\w-]+(?::[\w-]+)*?)(?:\.(sync:2|[\w]+))?")
_JSONATA_FIELDS = frozenset({"Arguments", "Output", "Items", "Condition"})


class DefinitionError(ValueError):
    """A definition says something that does not run here; the message says what, where, and what to do."""


def check_definition(text: str, machine: str) -> None:
    """Refuse a definition that would not do here what it does in AWS.

    Parameters
    ----------
    text
        The definition.
    machine
        Its name, for the message.

    Raises
    ------
    DefinitionError
        Something in it does not run here.

    Examples
    --------
    >>> states = {"Go": {"Type": "Pass", "Nxt": "Go", "End": True}}
    >>> check_definition(json.dumps({"StartAt": "Go", "States": states}), "m")
    Traceback (most recent call last):
    emulator.states.definition.DefinitionError: state machine m, state Go: the field Nxt is none of a Pass ...
    """
    try:
        definition = json.loads(text)
    except ValueError as error:
        raise DefinitionError(f"state machine {machine}: the definition is no JSON: {error}") from error
    for place, complaint in _of_machine(definition):
        where = f"state machine {machine}" + (f", state {place}" if place else "")
        raise DefinitionError(f"{where}: {complaint}")


Complaints = Iterator[tuple[str, str]]


def _of_machine(machine: Mapping[str, Any]) -> Complaints:
    for field in machine.keys() - support.MACHINE_FIELDS:
        yield "", f"the field {field} is none of a machine; take it out"
    if machine.get("QueryLanguage", "JSONPath") != "JSONPath":
        yield "", _no_jsonata(machine["QueryLanguage"])
    states = machine.get("States") or {}
    if machine.get("StartAt") not in states:
        yield "", f"StartAt names {machine.get('StartAt')}, which is no state of it; known: {_list(states)}"
    for name, state in states.items():
        for complaint in _of_state(state, states):
            yield name, complaint
        for inner in inner_machines(state):
            yield from _of_machine(inner)


def _of_state(state: Mapping[str, Any], states: Mapping[str, Any]) -> Iterator[str]:
    kind = state.get("Type")
    if kind not in support.FIELDS:
        yield f"there is no state type {kind}; known: {_list(support.FIELDS)}"
        return
    if state.get("QueryLanguage", "JSONPath") != "JSONPath":
        yield _no_jsonata(state["QueryLanguage"])
    yield from _of_fields(state)
    yield from _of_targets(state, states)
    yield from _of_functions(state)
    for choice in state.get("Choices", ()):
        yield from _of_choice(choice)
    if kind == "Task":
        yield from _of_task(state)
    if kind == "Map":
        yield from _of_map(state)


def _of_fields(state: Mapping[str, Any]) -> Iterator[str]:
    kind = state["Type"]
    known = support.FIELDS[kind] | (support.DISTRIBUTED_FIELDS if kind == "Map" else frozenset())
    for field in state.keys() - known:
        if field in _JSONATA_FIELDS:
            yield f"the field {field} belongs to JSONata; {_no_jsonata('JSONata')}"
        elif field == "ItemBatcher":
            yield "ItemBatcher is not done here: items come one by one; batch them before the Map"
        else:
            yield f"the field {field} is none of a {kind} state here; known: {_list(known)}"
    for entries, fields in (("Retry", support.RETRIER_FIELDS), ("Catch", support.CATCHER_FIELDS)):
        for entry in state.get(entries, ()):
            for field in entry.keys() - fields:
                yield f"the field {field} of {entries} is not known; known: {_list(fields)}"


def _of_targets(state: Mapping[str, Any], states: Mapping[str, Any]) -> Iterator[str]:
    named = [("Next", state), ("Default", state)]
    named += [("Next", entry) for entry in (*state.get("Catch", ()), *state.get("Choices", ()))]
    for field, holder in named:
        if field in holder and holder[field] not in states:
            yield f"{field} names {holder[field]}, which is no state beside it; known: {_list(states)}"


def _of_functions(state: Mapping[str, Any]) -> Iterator[str]:
    beside = {
        key: value for key, value in state.items() if key not in ("Branches", "ItemProcessor", "Iterator")
    }
    for expression in _expressions(beside):
        for function in _FUNCTION.findall(expression):
            if function not in support.FUNCTIONS:
                yield f"there is no intrinsic function {function}; known: {_list(support.FUNCTIONS)}"


def _expressions(part: Any) -> Iterator[str]:
    """Find the strings in which functions are called: the values of keys that end in `.$`."""
    if isinstance(part, list):
        for entry in part:
            yield from _expressions(entry)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key.endswith(".$") and isinstance(value, str):
                yield value
            yield from _expressions(value)


def _of_choice(rule: Mapping[str, Any]) -> Iterator[str]:
    if "Condition" in rule:
        yield f"the field Condition belongs to JSONata; {_no_jsonata('JSONata')}"
    parts = [*rule.get("And", ()), *rule.get("Or", ()), *([rule["Not"]] if "Not" in rule else ())]
    for part in parts:
        yield from _of_choice(part)
    for name in (
        rule.keys() - support.OPERATORS - {"Variable", "Next", "Comment", "Assign", "And", "Or", "Not"}
    ):
        yield f"Choices has no operator {name}; known: {_list(support.OPERATORS)}"


def _of_task(state: Mapping[str, Any]) -> Iterator[str]:
    resource = str(state.get("Resource", ""))
    found = _SERVICE.fullmatch(resource)
    if _LAMBDA.fullmatch(resource):
        return
    if found is None:
        yield (
            f"Resource {resource!r} is neither a function's ARN nor an integration's "
            "(arn:aws:states:::service:action)"
        )
    elif found[1].startswith("aws-sdk:"):
        yield from _of_sdk_call(found[1], found[2] or "")
    elif found[1] not in support.INTEGRATIONS:
        yield (
            f"the integration {found[1]} does not run here; known: {_list(support.INTEGRATIONS)}, and "
            "aws-sdk:service:action; call it from a function, or leave the machine out of the local cloud"
        )
    else:
        yield from _of_integration(state, found[1], found[2] or "")


def _of_sdk_call(name: str, wait: str) -> Iterator[str]:
    _, service, action = [*name.split(":", 2), ""][:3]
    operations = support.sdk_operations(service)
    if action not in operations:
        known = _list(operations) if operations else "none, the local cloud has no such service"
        yield f"the integration {name} does not run here; actions of {service}: {known}"
    if wait not in support.SDK_WAITS:
        yield f"the integration {name} cannot be waited for by .{wait}; use .waitForTaskToken, or poll"


def _of_integration(state: Mapping[str, Any], name: str, wait: str) -> Iterator[str]:
    waits = support.INTEGRATIONS[name]
    if wait not in waits:
        known = ", ".join(f".{known}" if known else "no suffix" for known in waits)
        yield f"the integration {name} cannot be waited for by .{wait}; known: {known}"
        return
    task: Any = state_task_service_for(name.partition(":")[0])
    task.resource = Resource.from_resource_arn(f"arn:aws:states:::{name}")
    known_parameters = task._get_supported_parameters() or frozenset()  # noqa: SLF001  the list moto drops others by
    for parameter in state.get("Parameters") or {}:
        if parameter.removesuffix(".$") not in known_parameters:
            yield f"{name} has no parameter {parameter} here; known: {_list(known_parameters)}"


def _of_map(state: Mapping[str, Any]) -> Iterator[str]:
    processor = state.get("ItemProcessor") or state.get("Iterator") or {}
    if (processor.get("ProcessorConfig") or {}).get("Mode") != "DISTRIBUTED":
        for field in support.DISTRIBUTED_FIELDS & state.keys():
            yield f"{field} needs the Mode DISTRIBUTED in ItemProcessor.ProcessorConfig; set it"
    reader = state.get("ItemReader") or {}
    if reader and reader.get("Resource") not in support.READERS:
        yield f"ItemReader reads {reader.get('Resource')}; known: {_list(support.READERS)}"
    kind = (reader.get("ReaderConfig") or {}).get("InputType", "JSON")
    if kind not in support.INPUT_TYPES:
        yield f"ItemReader reads no {kind}; known: {_list(support.INPUT_TYPES)}"
    writer = state.get("ResultWriter") or {}
    if writer and writer.get("Resource") not in support.WRITERS:
        yield f"ResultWriter writes to {writer.get('Resource')}; known: {_list(support.WRITERS)}"


def _no_jsonata(language: str) -> str:
    return f"{language} is not run here; write it with JSONPath"


def _list(names: Any) -> str:
    return ", ".join(sorted(names))
