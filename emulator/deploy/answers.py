"""Stacks and their parts as CloudFormation's API shows them."""

from collections.abc import Mapping
from typing import Any

from emulator.deploy.stacks import Change, ChangeSet, Event, Output, Resource, Source, Stack

Shown = dict[str, Any]


def stack(one: Stack) -> Shown:
    """Show a stack."""
    return _without_nothing(
        {
            **_status(one),
            "ChangeSetId": next((each.id for each in one.change_sets.values()), None),
            "Parameters": _parameters(one.source.parameters, one.source.template),
            "Outputs": [_output(each) for each in one.outputs],
            "Tags": _tags(one.source.tags),
            "Capabilities": [],
            "NotificationARNs": [],
            "DisableRollback": not one.rollback,
            "EnableTerminationProtection": one.protected,
            "Description": one.source.template.get("Description"),
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        }
    )


def stack_summary(one: Stack) -> Shown:
    """Show a stack in a list."""
    about = {**_status(one), "TemplateDescription": one.source.template.get("Description")}
    return _without_nothing({**about, "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"}})


def _status(one: Stack) -> Shown:
    return {
        "StackId": one.stack_id,
        "StackName": one.name,
        "CreationTime": one.created,
        "LastUpdatedTime": one.updated,
        "DeletionTime": one.deleted,
        "StackStatus": one.status,
        "StackStatusReason": one.reason,
    }


def event(one: Stack, of: Event) -> Shown:
    """Show a line of history."""
    return _without_nothing(
        {
            "StackId": one.stack_id,
            "StackName": one.name,
            "EventId": of.id,
            "LogicalResourceId": of.logical_id,
            "PhysicalResourceId": of.physical_id,
            "ResourceType": of.type,
            "Timestamp": of.time,
            "ResourceStatus": of.status,
            "ResourceStatusReason": of.reason,
        }
    )


def resource(one: Resource) -> Shown:
    """Show a resource in the list of its stack."""
    return _without_nothing(
        {
            "LogicalResourceId": one.logical_id,
            "PhysicalResourceId": one.made.physical_id,
            "ResourceType": one.type,
            "LastUpdatedTimestamp": one.changed,
            "ResourceStatus": one.status,
            "ResourceStatusReason": one.reason,
            "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
        }
    )


def resource_of(of: Stack, one: Resource) -> Shown:
    """Show a resource with its stack."""
    shown = resource(one)
    shown["Timestamp"] = shown.pop("LastUpdatedTimestamp")
    return {**shown, "StackId": of.stack_id, "StackName": of.name}


def resource_detail(of: Stack, one: Resource) -> Shown:
    """Show one resource."""
    return {**resource(one), "StackId": of.stack_id, "StackName": of.name}


def change_set(of: Stack, one: ChangeSet) -> Shown:
    """Show a change set with what it would do."""
    return _without_nothing(
        {
            **change_set_summary(of, one),
            "Parameters": _parameters(one.source.parameters, one.source.template),
            "Tags": _tags(one.source.tags),
            "Capabilities": [],
            "NotificationARNs": [],
            "Changes": [{"Type": "Resource", "ResourceChange": _change(each)} for each in one.changes],
        }
    )


def change_set_summary(of: Stack, one: ChangeSet) -> Shown:
    """Show a change set in a list."""
    return _without_nothing(
        {
            "StackId": of.stack_id,
            "StackName": of.name,
            "ChangeSetId": one.id,
            "ChangeSetName": one.name,
            "Description": one.description,
            "CreationTime": one.made,
            "Status": one.status,
            "StatusReason": one.reason,
            "ExecutionStatus": one.execution_status,
        }
    )


def template_summary(source: Source) -> Shown:
    """Show what a template asks for."""
    declared: Mapping[str, Mapping[str, Any]] = source.template.get("Parameters", {})
    types = sorted({each["Type"] for each in source.template["Resources"].values()})
    return _without_nothing(
        {
            "Description": source.template.get("Description", ""),
            "Parameters": [
                _without_nothing(
                    {
                        "ParameterKey": name,
                        "DefaultValue": about.get("Default"),
                        "ParameterType": about.get("Type", "String"),
                        "NoEcho": bool(about.get("NoEcho")),
                        "Description": about.get("Description"),
                    }
                )
                for name, about in declared.items()
            ],
            "Capabilities": ["CAPABILITY_NAMED_IAM"] if any("::IAM::" in each for each in types) else [],
            "ResourceTypes": types,
            "ResourceIdentifierSummaries": [],
        }
    )


def _change(of: Change) -> Shown:
    details = [
        {
            "Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": "Never"},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
        for name in of.properties
    ]
    return _without_nothing(
        {
            "Action": of.action,
            "LogicalResourceId": of.logical_id,
            "PhysicalResourceId": of.physical_id,
            "ResourceType": of.type,
            "Replacement": of.replacement,
            "Scope": ["Properties"] if of.action == "Modify" else [],
            "Details": details,
        }
    )


def _output(of: Output) -> Shown:
    return _without_nothing(
        {
            "OutputKey": of.key,
            "OutputValue": of.value,
            "Description": of.description,
            "ExportName": of.export,
        }
    )


def _parameters(given: Mapping[str, str], template: Mapping[str, Any]) -> list[Shown]:
    shown = []
    for name, about in template.get("Parameters", {}).items():
        value = "****" if about.get("NoEcho") else str(given.get(name, about.get("Default", "")))
        shown.append({"ParameterKey": name, "ParameterValue": value})
    return shown


def _tags(tags: Mapping[str, str]) -> list[Shown]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _without_nothing(shown: Shown) -> Shown:
    return {name: value for name, value in shown.items() if value is not None}
