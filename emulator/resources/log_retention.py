"""CDK's ``log_retention`` of a function: a log group that may be there already, kept for some days."""

from emulator.resources.base import Made, Request, ResourceType, words


def _put(request: Request) -> Made:
    client, name = request.client("logs"), str(request.properties["LogGroupName"])
    if not any(
        group["logGroupName"] == name
        for group in client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    ):
        client.create_log_group(logGroupName=name)
    days = request.properties.get("RetentionInDays")
    if days is None:
        client.delete_retention_policy(logGroupName=name)
    else:
        client.put_retention_policy(logGroupName=name, retentionInDays=int(days))
    return Made(name, {"LogGroupName": name})


def _update(request: Request, _made: Made) -> Made:
    return _put(request)


def _delete(request: Request, made: Made) -> None:
    if request.properties.get("RemovalPolicy") == "destroy":
        request.client("logs").delete_log_group(logGroupName=made.physical_id)


TYPES = (
    ResourceType(
        "Custom::LogRetention",
        honoured=words("LogGroupName RetentionInDays RemovalPolicy"),
        accepted={
            "SdkRetry": "calls need no second try here",
            "ServiceToken": "the model of this type answers, not the function behind the token",
        },
        attributes=words("LogGroupName"),
        create=_put,
        update=_update,
        delete=_delete,
        replaced_by=words("LogGroupName"),
        note="CDK's `log_retention`: the group outlives its stack, or goes by `RemovalPolicy`",
    ),
)
