"""CloudFormation's API: what is asked for, read into the terms of `formation`, and answered.

A parameter that is not in an operation's list here is refused by name.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from emulator.deploy import answers
from emulator.deploy.failures import NoChangeSet, TemplateError
from emulator.deploy.formation import Formation
from emulator.deploy.stacks import Source, Stack
from emulator.deploy.template import parse_template
from emulator.resources.base import words

Asked = Mapping[str, Any]
Answer = Mapping[str, Any]

_SOURCE = words("StackName TemplateBody TemplateURL UsePreviousTemplate Parameters Tags")
# Taken without effect: there is one caller, who may do everything, and nobody to notify.
_UNFELT = words("Capabilities RoleARN NotificationARNs ClientRequestToken ResourceTypes DeploymentConfig")


_Method = Callable[[Formation, Asked], Answer]
OPERATIONS: dict[str, tuple[_Method, frozenset[str]]] = {}
"""By operation: what answers it, and the parameters it knows."""


def _operation(name: str, known: frozenset[str]) -> Callable[[_Method], _Method]:
    def note(method: _Method) -> _Method:
        OPERATIONS[name] = (method, known)
        return method

    return note


def answer(formation: Formation, operation: str, asked: Asked) -> Answer:
    """Answer one call.

    Parameters
    ----------
    formation
        The stacks.
    operation
        Such as ``CreateStack``.
    asked
        Its parameters.

    Returns
    -------
    Mapping
        The answer, as botocore's model of the operation has it.

    Raises
    ------
    TemplateError
        What is asked for cannot be done, or an operation or parameter is not modelled.
    """
    if operation not in OPERATIONS:
        raise TemplateError(
            f"the local cloud's CloudFormation has no {operation}; it has {', '.join(sorted(OPERATIONS))}"
        )
    method, known = OPERATIONS[operation]
    unknown = sorted(name for name, value in asked.items() if name not in known and value)
    if unknown:
        raise TemplateError(
            f"{operation} here does not know {', '.join(f'{name}={asked[name]}' for name in unknown)}; "
            f"leave it out (known: {', '.join(sorted(known))})"
        )
    return method(formation, asked)


@_operation(
    "CreateStack",
    _SOURCE | _UNFELT | words("DisableRollback OnFailure EnableTerminationProtection TimeoutInMinutes"),
)
def _create_stack(formation: Formation, asked: Asked) -> Answer:
    rollback = not asked.get("DisableRollback") and asked.get("OnFailure") != "DO_NOTHING"
    stack = formation.create(asked["StackName"], _source(formation, asked, None), rollback=rollback)
    stack.protected = bool(asked.get("EnableTerminationProtection"))
    if asked.get("OnFailure") == "DELETE" and stack.status == "ROLLBACK_COMPLETE":
        formation.delete(stack)
    return {"StackId": stack.stack_id}


@_operation("UpdateStack", _SOURCE | _UNFELT | words("DisableRollback"))
def _update_stack(formation: Formation, asked: Asked) -> Answer:
    stack = formation.find(asked["StackName"])
    rollback = not asked.get("DisableRollback")
    formation.update(stack, _source(formation, asked, stack), rollback=rollback)
    return {"StackId": stack.stack_id}


@_operation("DeleteStack", words("StackName RetainResources") | _UNFELT)
def _delete_stack(formation: Formation, asked: Asked) -> Answer:
    try:
        stack = formation.find(asked["StackName"])
    except TemplateError:
        return {}  # as AWS: deleting what is not there succeeds
    formation.delete(stack, frozenset(asked.get("RetainResources", [])))
    return {}


@_operation("DescribeStacks", words("StackName NextToken"))
def _describe_stacks(formation: Formation, asked: Asked) -> Answer:
    name = asked.get("StackName")
    stacks = [formation.find(name)] if name else formation.stacks()
    return {"Stacks": [answers.stack(stack) for stack in stacks]}


@_operation("ListStacks", words("StackStatusFilter NextToken"))
def _list_stacks(formation: Formation, asked: Asked) -> Answer:
    wanted = asked.get("StackStatusFilter")
    known = [*formation.stacks(), *formation.deleted()]
    chosen = [stack for stack in known if not wanted or stack.status in wanted]
    return {"StackSummaries": [answers.stack_summary(stack) for stack in chosen]}


@_operation("DescribeStackEvents", words("StackName NextToken"))
def _describe_stack_events(formation: Formation, asked: Asked) -> Answer:
    stack = _find_late(formation, asked["StackName"])
    return {"StackEvents": [answers.event(stack, event) for event in reversed(stack.events)]}


@_operation("ListStackResources", words("StackName NextToken"))
def _list_stack_resources(formation: Formation, asked: Asked) -> Answer:
    stack = formation.find(asked["StackName"])
    return {"StackResourceSummaries": [answers.resource(each) for each in stack.resources.values()]}


@_operation("DescribeStackResources", words("StackName LogicalResourceId PhysicalResourceId"))
def _describe_stack_resources(formation: Formation, asked: Asked) -> Answer:
    physical, logical = asked.get("PhysicalResourceId"), asked.get("LogicalResourceId")
    name = asked.get("StackName")
    stacks = [formation.find(name)] if name else formation.stacks()
    found = [
        answers.resource_of(stack, each)
        for stack in stacks
        for each in stack.resources.values()
        if logical in {None, each.logical_id} and physical in {None, each.made.physical_id}
    ]
    return {"StackResources": found}


@_operation("DescribeStackResource", words("StackName LogicalResourceId"))
def _describe_stack_resource(formation: Formation, asked: Asked) -> Answer:
    stack = formation.find(asked["StackName"])
    resource = stack.resources.get(asked["LogicalResourceId"])
    if resource is None:
        raise TemplateError(f"Resource {asked['LogicalResourceId']} does not exist for stack {stack.name}")
    return {"StackResourceDetail": answers.resource_detail(stack, resource)}


@_operation("GetTemplate", words("StackName ChangeSetName TemplateStage"))
def _get_template(formation: Formation, asked: Asked) -> Answer:
    if asked.get("ChangeSetName"):
        _, change_set = formation.change_set(asked.get("StackName"), asked["ChangeSetName"])
        source = change_set.source
    else:
        source = formation.find(asked["StackName"]).source
    return {"TemplateBody": source.text, "StagesAvailable": ["Original", "Processed"]}


@_operation("GetTemplateSummary", words("StackName TemplateBody TemplateURL"))
def _get_template_summary(formation: Formation, asked: Asked) -> Answer:
    stack = formation.find(asked["StackName"]) if asked.get("StackName") else None
    return answers.template_summary(_source(formation, {**asked, "UsePreviousTemplate": bool(stack)}, stack))


@_operation("ValidateTemplate", words("TemplateBody TemplateURL"))
def _validate_template(formation: Formation, asked: Asked) -> Answer:
    summary = answers.template_summary(_source(formation, asked, None))
    return {name: summary[name] for name in ("Parameters", "Description", "Capabilities")}


@_operation(
    "CreateChangeSet",
    _SOURCE
    | _UNFELT
    | words(
        "ChangeSetName ChangeSetType Description ClientToken OnStackFailure IncludeNestedStacks "
        "ImportExistingResources"
    ),
)
def _create_change_set(formation: Formation, asked: Asked) -> Answer:
    name = asked["StackName"].rpartition(":stack/")[2].partition("/")[0]
    kind = asked.get("ChangeSetType", "UPDATE")
    no_rollback = bool(asked.get("DeploymentConfig", {}).get("DisableRollback"))
    rollback = asked.get("OnStackFailure", "ROLLBACK") == "ROLLBACK" and not no_rollback
    stack, change_set = formation.plan(
        name,
        asked["ChangeSetName"],
        kind,
        _source(formation, asked, formation.named(name)),
        description=asked.get("Description"),
        rollback=rollback,
    )
    return {"Id": change_set.id, "StackId": stack.stack_id}


@_operation("DescribeChangeSet", words("StackName ChangeSetName NextToken IncludePropertyValues"))
def _describe_change_set(formation: Formation, asked: Asked) -> Answer:
    stack, change_set = formation.change_set(asked.get("StackName"), asked["ChangeSetName"])
    return answers.change_set(stack, change_set)


@_operation("ListChangeSets", words("StackName NextToken"))
def _list_change_sets(formation: Formation, asked: Asked) -> Answer:
    stack = formation.find(asked["StackName"])
    return {"Summaries": [answers.change_set_summary(stack, each) for each in stack.change_sets.values()]}


@_operation(
    "ExecuteChangeSet",
    words("StackName ChangeSetName ClientRequestToken DisableRollback RetainExceptOnCreate"),
)
def _execute_change_set(formation: Formation, asked: Asked) -> Answer:
    stack, change_set = formation.change_set(asked.get("StackName"), asked["ChangeSetName"])
    if asked.get("DisableRollback"):
        change_set.rollback = False
    formation.execute(stack, change_set)
    return {}


@_operation("DeleteChangeSet", words("StackName ChangeSetName"))
def _delete_change_set(formation: Formation, asked: Asked) -> Answer:
    try:
        stack, change_set = formation.change_set(asked.get("StackName"), asked["ChangeSetName"])
    except NoChangeSet:
        return {}  # as AWS: deleting what is not there succeeds
    del stack.change_sets[change_set.name]
    return {}


@_operation("ListExports", words("NextToken"))
def _list_exports(formation: Formation, asked: Asked) -> Answer:  # noqa: ARG001 - one signature for all
    return {
        "Exports": [
            {"ExportingStackId": stack.stack_id, "Name": name, "Value": value}
            for stack in formation.stacks()
            for name, value in stack.exports.items()
        ]
    }


@_operation("ListImports", words("ExportName NextToken"))
def _list_imports(formation: Formation, asked: Asked) -> Answer:
    users = [stack.name for stack in formation.stacks() if asked["ExportName"] in stack.imports]
    if not users:
        raise TemplateError(f"Export '{asked['ExportName']}' is not imported by any stack.")
    return {"Imports": users}


@_operation("UpdateTerminationProtection", words("StackName EnableTerminationProtection"))
def _update_termination_protection(formation: Formation, asked: Asked) -> Answer:
    stack = formation.find(asked["StackName"])
    stack.protected = bool(asked["EnableTerminationProtection"])
    return {"StackId": stack.stack_id}


def _find_late(formation: Formation, name: str) -> Stack:
    """Find a stack for its history, which outlives it under its name."""
    deleted = [stack for stack in formation.deleted() if stack.name == name]
    return formation.named(name) or (deleted[-1] if deleted else formation.find(name))


def _source(formation: Formation, asked: Asked, present: Stack | None) -> Source:
    text = _text(formation, asked, present)
    before = dict(present.source.parameters) if present else {}
    given = {}
    for each in asked.get("Parameters") or []:
        name = each["ParameterKey"]
        if not each.get("UsePreviousValue"):
            given[name] = each.get("ParameterValue", "")
        elif name in before:
            given[name] = before[name]
    # Tags that an update leaves out stay as they are.
    tags = {each["Key"]: each["Value"] for each in asked.get("Tags") or []}
    if present and asked.get("Tags") is None:
        tags = dict(present.source.tags)
    return Source(text, parse_template(text), given, tags)


def _text(formation: Formation, asked: Asked, present: Stack | None) -> str:
    if asked.get("TemplateBody"):
        return str(asked["TemplateBody"])
    if asked.get("TemplateURL"):
        bucket, key = _place_of(asked["TemplateURL"])
        body = formation.services.client("s3").get_object(Bucket=bucket, Key=key)["Body"]
        return str(body.read().decode())
    if asked.get("UsePreviousTemplate") and present:
        return present.source.text
    raise TemplateError("Either Template URL or Template Body must be specified.")


def _place_of(url: str) -> tuple[str, str]:
    """Read bucket and key from either form of an object's URL.

    Examples
    --------
    >>> _place_of("http://localhost:4566/assets/a/b.json"), _place_of("https://assets.s3.amazonaws.com/b.json")
    (('assets', 'a/b.json'), ('assets', 'b.json'))
    """
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path.lstrip("/"))
    bucket, separator, _ = host.partition(".s3")
    if separator:
        return bucket, path
    first, _, rest = path.partition("/")
    return first, rest
