"""EventBridge and its scheduler: buses, rules, archives, schedules."""

import json
from typing import Any

from emulator import aws
from emulator.resources.base import Made, Properties, Request, ResourceType, policy_text, words
from emulator.resources.tagging import retag

_TARGETS_PER_CALL = 10


def _create_bus(request: Request) -> Made:
    client = request.client("events")
    tags = [{"Key": key, "Value": value} for key, value in request.tags().items()]
    arn = client.create_event_bus(Name=request.name, Tags=tags)["EventBusArn"]
    return Made(request.name, {"Arn": arn, "Name": request.name})


def _update_bus(request: Request, made: Made) -> Made:
    retag(request, made.attributes["Arn"])
    return made


def _delete_bus(request: Request, made: Made) -> None:
    request.client("events").delete_event_bus(Name=made.physical_id)


def _put_bus_policy(request: Request) -> Made:
    properties = request.properties
    request.client("events").put_permission(
        EventBusName=properties.get("EventBusName", "default"),
        Policy=policy_text({"Version": "2012-10-17", "Statement": [properties["Statement"]]}),
    )
    return Made(properties["StatementId"])


def _delete_bus_policy(request: Request, made: Made) -> None:
    request.client("events").remove_permission(
        EventBusName=request.properties.get("EventBusName", "default"), StatementId=made.physical_id
    )


def _rule(request: Request, name: str) -> str:
    properties = request.properties
    arguments = request.pick("EventBusName", "ScheduleExpression", "State", "Description", "RoleArn")
    if "EventPattern" in properties:
        arguments["EventPattern"] = json.dumps(properties["EventPattern"])
    arn: str = request.client("events").put_rule(Name=name, **arguments)["RuleArn"]
    return arn


def _put_targets(request: Request, made: Made) -> None:
    targets: list[dict[str, Any]] = request.properties.get("Targets", [])
    bus = request.pick("EventBusName")
    for start in range(0, len(targets), _TARGETS_PER_CALL):
        answer = request.client("events").put_targets(
            Rule=made.physical_id, Targets=targets[start : start + _TARGETS_PER_CALL], **bus
        )
        if answer["FailedEntryCount"]:
            raise ValueError(f"targets refused: {answer['FailedEntries']}")


def _create_rule(request: Request) -> Made:
    arn = _rule(request, request.name)
    return Made(request.name, {"Arn": arn})


def _update_rule(request: Request, made: Made) -> Made:
    _rule(request, made.physical_id)
    _remove_targets(request, made)
    _put_targets(request, made)
    return made


def _remove_targets(request: Request, made: Made) -> None:
    ids = [target["Id"] for target in made.properties.get("Targets", [])]
    if ids:
        bus = {key: made.properties[key] for key in ("EventBusName",) if key in made.properties}
        request.client("events").remove_targets(Rule=made.physical_id, Ids=ids, **bus)


def _delete_rule(request: Request, made: Made) -> None:
    _remove_targets(request, made)
    request.client("events").delete_rule(Name=made.physical_id, **request.pick("EventBusName"))


def _create_archive(request: Request) -> Made:
    properties = request.properties
    pattern: Properties = (
        {"EventPattern": json.dumps(properties["EventPattern"])} if "EventPattern" in properties else {}
    )
    made = request.client("events").create_archive(
        ArchiveName=request.name,
        EventSourceArn=properties["SourceArn"],
        **request.pick("Description", "RetentionDays"),
        **pattern,
    )
    return Made(request.name, {"Arn": made["ArchiveArn"], "ArchiveName": request.name})


def _delete_archive(request: Request, made: Made) -> None:
    request.client("events").delete_archive(ArchiveName=made.physical_id)


_SCHEDULE = (
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "FlexibleTimeWindow",
    "Target",
    "State",
    "GroupName",
    "Description",
    "StartDate",
    "EndDate",
    "ActionAfterCompletion",
)


def _create_schedule(request: Request) -> Made:
    arn = request.client("scheduler").create_schedule(Name=request.name, **request.pick(*_SCHEDULE))[
        "ScheduleArn"
    ]
    return Made(request.name, {"Arn": arn})


def _update_schedule(request: Request, made: Made) -> Made:
    request.client("scheduler").update_schedule(Name=made.physical_id, **request.pick(*_SCHEDULE))
    group = request.properties.get("GroupName", "default")
    schedule = aws.backend("scheduler", request.services.region).get_schedule(group, made.physical_id)
    # moto's update takes everything but this.
    schedule.action_after_completion = request.properties.get("ActionAfterCompletion")
    return made


def _delete_schedule(request: Request, made: Made) -> None:
    request.client("scheduler").delete_schedule(Name=made.physical_id, **request.pick("GroupName"))


def _create_group(request: Request) -> Made:
    arn = request.client("scheduler").create_schedule_group(Name=request.name)["ScheduleGroupArn"]
    return Made(request.name, {"Arn": arn})


def _delete_group(request: Request, made: Made) -> None:
    request.client("scheduler").delete_schedule_group(Name=made.physical_id)


TYPES = (
    ResourceType(
        "AWS::Events::EventBus",
        honoured=words("Name Tags"),
        accepted={"Description": "recorded by the template only"},
        attributes=words("Arn Name"),
        create=_create_bus,
        update=_update_bus,
        delete=_delete_bus,
        replaced_by=words("Name"),
        name_property="Name",
        generated_name_limit=256,
    ),
    ResourceType(
        "AWS::Events::EventBusPolicy",
        honoured=words("EventBusName StatementId Statement"),
        create=_put_bus_policy,
        delete=_delete_bus_policy,
    ),
    ResourceType(
        "AWS::Events::Rule",
        honoured=words(
            "Name EventBusName EventPattern ScheduleExpression State Description RoleArn Targets.Arn "
            "Targets.Id "
            "Targets.Input Targets.InputPath Targets.InputTransformer Targets.DeadLetterConfig "
            "Targets.SqsParameters "
            "Targets.RoleArn Targets.RetryPolicy"
        ),
        attributes=words("Arn"),
        create=_create_rule,
        finish=_put_targets,
        update=_update_rule,
        delete=_delete_rule,
        replaced_by=words("Name EventBusName"),
        name_property="Name",
    ),
    ResourceType(
        "AWS::Events::Archive",
        honoured=words("ArchiveName SourceArn EventPattern Description RetentionDays"),
        accepted={"KmsKeyIdentifier": "archived events lie in memory, unencrypted"},
        attributes=words("Arn ArchiveName"),
        create=_create_archive,
        delete=_delete_archive,
        name_property="ArchiveName",
        generated_name_limit=48,
    ),
    ResourceType(
        "AWS::Scheduler::Schedule",
        honoured=frozenset(_SCHEDULE) - {"Target"}
        | words(
            "Name Target.Arn Target.RoleArn Target.Input Target.DeadLetterConfig Target.SqsParameters "
            "Target.RetryPolicy"
        ),
        attributes=words("Arn"),
        create=_create_schedule,
        update=_update_schedule,
        delete=_delete_schedule,
        replaced_by=words("Name GroupName"),
        name_property="Name",
    ),
    ResourceType(
        "AWS::Scheduler::ScheduleGroup",
        honoured=words("Name"),
        accepted={"Tags": "groups carry no tags here"},
        attributes=words("Arn"),
        create=_create_group,
        delete=_delete_group,
        name_property="Name",
    ),
)
