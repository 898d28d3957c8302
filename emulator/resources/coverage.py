"""The one table of what the local cloud makes of a template; docs/emulator.md is generated from it."""

import difflib
from collections.abc import Mapping
from typing import Any

from emulator.resources import (
    apigateway,
    cognito,
    dynamodb,
    events,
    iam,
    lambda_,
    log_retention,
    messaging,
    observability,
    s3,
    sdk_calls,
    secrets,
    states,
    stores,
)
from emulator.resources.base import ResourceType, words
from emulator.resources.custom import REFUSED, custom_type, is_custom
from emulator.resources.nested import unknown_inside

_SECTIONS = words(
    "AWSTemplateFormatVersion Conditions Description Mappings Metadata Outputs Parameters Resources Rules"
)
_DECLARATIONS = words("Condition DeletionPolicy DependsOn Metadata Properties Type UpdateReplacePolicy")
_WAYS_OUT = {
    "AWS::ApiGateway::RestApi": "make it an HTTP API (AWS::ApiGatewayV2::Api)",
    "AWS::ApplicationAutoScaling::ScalableTarget": "leave it out: nothing is scaled here",
    "AWS::CloudFormation::Stack": "declare its resources in a stack of the app instead",
    "AWS::CodeDeploy::DeploymentGroup": "give the alias its weights itself",
    "AWS::IAM::InstanceProfile": "leave it out of the local cloud: no machine runs here that could have one",
    "AWS::IAM::ServiceLinkedRole": "leave it out of the local cloud: services need none here",
    "AWS::IAM::User": "use the credentials `test`, which are root's, or assume a role",
    "AWS::Kinesis::Stream": "use an SQS queue or a DynamoDB stream",
    "AWS::Lambda::Url": "put an HTTP API (AWS::ApiGatewayV2::Api) before the function",
    "AWS::Logs::SubscriptionFilter": "read the log group where its lines are wanted",
}
_POLICIES = words("Delete Retain RetainExceptOnCreate")
RESOURCE_TYPES: Mapping[str, ResourceType] = {
    kind.name: kind
    for module in (
        apigateway,
        cognito,
        dynamodb,
        events,
        iam,
        lambda_,
        log_retention,
        messaging,
        observability,
        s3,
        sdk_calls,
        secrets,
        states,
        stores,
    )
    for kind in module.TYPES
}


def type_of(name: str) -> ResourceType | None:
    """Give the table's entry of a type, or None.

    Parameters
    ----------
    name
        Such as ``AWS::SQS::Queue``.

    Returns
    -------
    ResourceType or None
        The entry.
    """
    if name in RESOURCE_TYPES or not is_custom(name) or name in REFUSED:
        return RESOURCE_TYPES.get(name)
    return custom_type(name)


def problems(stack: str, template: Mapping[str, Any]) -> list[str]:
    """List everything in a template that the local cloud would not do as AWS does.

    Parameters
    ----------
    stack
        The stack's name, for the messages.
    template
        A CloudFormation template.

    Returns
    -------
    list of str
        One message for each, naming stack, resource, type, property and the way out; empty when all
        is covered.

    Examples
    --------
    >>> problems("Shop", {"Resources": {"Fleet": {"Type": "AWS::EC2::Fleet"}}})
    ['stack Shop, resource Fleet: the local cloud has no AWS::EC2::Fleet; ...']
    """
    resources: Mapping[str, Any] = template.get("Resources", {})
    found = [
        f"stack {stack}: the local cloud does nothing with the template's {section}; leave it out"
        for section in template
        if section not in _SECTIONS
    ]
    for logical_id, resource in resources.items():
        where = f"stack {stack}, resource {logical_id}"
        kind = type_of(resource["Type"])
        if kind is None:
            found.append(f"{where}: {_unknown_type(resource['Type'])}")
            continue
        found += _declaration_problems(where, resource)
        if kind.name in RESOURCE_TYPES:
            found += _property_problems(where, kind, resource.get("Properties", {}))
        if kind.name == "AWS::Lambda::Function":
            found += _runtime_problems(where, logical_id, resource, resources)
    return found + _attribute_problems(stack, template)


def _unknown_type(name: str) -> str:
    near = difflib.get_close_matches(name, RESOURCE_TYPES, n=1, cutoff=0.8)
    hint = f" (nearest: {near[0]})" if near else ""
    if name in REFUSED:
        return f"the local cloud does not run {name}; {REFUSED[name]}"
    if name in _WAYS_OUT:
        return f"the local cloud has no {name}; {_WAYS_OUT[name]}"
    return (
        f"the local cloud has no {name}{hint}; leave it out of the stacks deployed here, or add it to "
        "emulator/resources (docs/emulator.md lists what is there)"
    )


def _declaration_problems(where: str, resource: Mapping[str, Any]) -> list[str]:
    """Refuse what stands beside a resource's properties and would be ignored."""
    found = [
        f"{where}: {name} is not modelled and would be ignored; leave it out (modelled: "
        f"{', '.join(sorted(_DECLARATIONS))})"
        for name in resource
        if name not in _DECLARATIONS
    ]
    return found + [
        f"{where}: {name} is {resource[name]}; the local cloud knows {', '.join(sorted(_POLICIES))}"
        for name in ("DeletionPolicy", "UpdateReplacePolicy")
        if resource.get(name, "Delete") not in _POLICIES
    ]


def _property_problems(where: str, kind: ResourceType, properties: Mapping[str, Any]) -> list[str]:
    known = kind.honoured | set(kind.accepted)
    top_level = {name.partition(".")[0] for name in known}
    unknown = [name for name in properties if name not in top_level]
    unknown += unknown_inside(kind, properties)
    return [
        f"{where} ({kind.name}): property {name} is not modelled and would be ignored; remove it, or add it "
        f"to the type in emulator/resources (modelled: {', '.join(sorted(known))})"
        for name in unknown
    ]


def _runtime_problems(
    where: str, logical_id: str, resource: Mapping[str, Any], resources: Mapping[str, Any]
) -> list[str]:
    """Refuse functions that could not run here, unless a model of ours answers in their place."""
    runtime = resource.get("Properties", {}).get("Runtime")
    if isinstance(runtime, str) and runtime.startswith("python"):
        return []
    callers = {
        other["Type"]
        for other in resources.values()
        if is_custom(other["Type"])
        and other.get("Properties", {}).get("ServiceToken") == {"Fn::GetAtt": [logical_id, "Arn"]}
    }
    if callers and callers <= RESOURCE_TYPES.keys():
        return []
    return [
        (
            f"{where} (AWS::Lambda::Function): property Runtime is {runtime}; the local cloud runs Python "
            f"functions only: {_instead_of_another_runtime(resource['Properties'])}"
        )
    ]


def _instead_of_another_runtime(properties: Mapping[str, Any]) -> str:
    variables = (properties.get("Environment") or {}).get("Variables") or {}
    if "USER_ON_EVENT_FUNCTION_ARN" in variables:
        return (
            "this is the Node program of CDK's Provider; name your own function as the service_token of the "
            "CustomResource and have it answer at the ResponseURL"
        )
    return "write it in Python, or leave it out of the stacks deployed here"


def _attribute_problems(stack: str, template: Mapping[str, Any]) -> list[str]:
    resources: Mapping[str, Any] = template.get("Resources", {})
    found = []
    for logical_id, attribute in sorted(set(_attributes_asked_for(template))):
        resource = resources.get(logical_id)
        if resource is None:
            found.append(f"stack {stack}: Fn::GetAtt names {logical_id}, which the template does not hold")
            continue
        kind = RESOURCE_TYPES.get(resource["Type"])  # a custom resource's function decides what it answers
        if kind and not kind.answers_anything and attribute not in kind.attributes:
            found.append(
                f"stack {stack}, resource {logical_id} ({kind.name}): Fn::GetAtt asks for {attribute}; "
                f"the local cloud "
                f"answers {', '.join(sorted(kind.attributes)) or 'none'}"
            )
    return found


def _attributes_asked_for(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [pair for item in value for pair in _attributes_asked_for(item)]
    if not isinstance(value, Mapping):
        return []
    asked = value.get("Fn::GetAtt")
    if isinstance(asked, str):
        logical_id, _, attribute = asked.partition(".")
        return [(logical_id, attribute)]
    if isinstance(asked, list) and all(isinstance(part, str) for part in asked):
        return [(asked[0], ".".join(asked[1:]))]
    return [pair for item in value.values() for pair in _attributes_asked_for(item)]


def as_markdown() -> str:
    """Write the table for docs/emulator.md.

    Returns
    -------
    str
        A Markdown table, one row per resource type.
    """
    lines = ["| type | honoured | accepted without effect here | note |", "|---|---|---|---|"]
    for name, kind in sorted(RESOURCE_TYPES.items()):
        honoured = ", ".join(f"`{p}`" for p in sorted(kind.honoured))
        accepted = "; ".join(f"`{p}`: {why}" for p, why in sorted(kind.accepted.items()))
        lines.append(f"| `{name}` | {honoured} | {accepted} | {kind.note} |")
    return "\n".join(lines)
