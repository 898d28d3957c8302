"""Which permissions a request needs: IAM actions and the resources they are about.

One function per service; each gives None for an operation it has no mapping for, and then the action
``service:Operation`` is needed on ``*``, which only statements about every resource allow.
"""

import re
from collections.abc import Callable

from emulator import aws
from emulator.identity.catalog_needs import glue_needs
from emulator.identity.named_needs import kms_needs, secret_needs, task_needs, user_pool_needs
from emulator.identity.policy import Need
from emulator.identity.request import AwsRequest
from emulator.identity.s3_needs import s3_needs

Needs = tuple[Need, ...]

_PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}
_TABLE_LISTS = frozenset({"ListTables", "DescribeLimits", "DescribeEndpoints", "ListStreams", "ListBackups"})
_TRANSACTION_PARTS = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_BATCHES = {
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
_FUNCTION_PATH = re.compile(r"/(\d{4}-\d{2}-\d{2})/functions/(?P<name>[^/]+)(/.*)?")
_RENAMED_FUNCTION_ACTIONS = {"Invoke": "InvokeFunction", "InvokeAsync": "InvokeFunction"}


def needs_of(request: AwsRequest) -> Needs:
    """Name the permissions a request needs; all of them must be allowed.

    Parameters
    ----------
    request
        The request.

    Returns
    -------
    tuple of Need
        Empty for what needs none.

    Examples
    --------
    >>> needs_of(AwsRequest("dynamodb", "GetItem", body=b'{"TableName": "t"}'))[0].resource
    'arn:aws:dynamodb:us-east-1:123456789012:table/t'
    """
    mapping = _MAPPINGS.get(request.service)
    try:
        needs = mapping(request) if mapping else None
    except (AttributeError, KeyError, TypeError, ValueError):  # malformed, it names no resource
        needs = None
    if needs is None:
        prefix = _PREFIXES.get(request.service, request.service)
        return (Need(f"{prefix}:{request.operation}", "*", mapped=False),)
    return needs


def api_need(api_id: str, path: str, region: str) -> Need:
    """Name the permission to call a route of an HTTP API that asks for IAM.

    Parameters
    ----------
    api_id
        The API.
    path
        Stage, method and path: ``$default/GET/pets``.
    region
        The cloud's region.

    Returns
    -------
    Need
        ``execute-api:Invoke`` on the route.
    """
    return Need("execute-api:Invoke", f"arn:aws:execute-api:{region}:{aws.ACCOUNT}:{api_id}/{path}")


def _dynamodb(request: AwsRequest) -> Needs | None:
    parameters, operation = request.parameters, request.operation
    if operation in _TABLE_LISTS:
        return (Need(f"dynamodb:{operation}", "*"),)
    if operation in {"BatchGetItem", "BatchWriteItem"}:
        tables = sorted(parameters.get("RequestItems") or {})
        return tuple(Need(f"dynamodb:{operation}", _table(request, table)) for table in tables) or None
    if operation in {"TransactGetItems", "TransactWriteItems"}:
        parts = [
            (_TRANSACTION_PARTS.get(kind, kind), part)
            for entry in parameters.get("TransactItems") or []
            for kind, part in entry.items()
        ]
        needs = {(action, _table(request, part["TableName"])) for action, part in parts}
        return tuple(Need(f"dynamodb:{action}", table) for action, table in sorted(needs)) or None
    table, index = request.text("TableName"), request.text("IndexName")
    if not table:
        return None
    resource = _table(request, table) + (f"/index/{index}" if index else "")
    return (Need(f"dynamodb:{operation}", resource),)


def _table(request: AwsRequest, name: str) -> str:
    return name if name.startswith("arn:") else request.arn(f"table/{name}")


def _sqs(request: AwsRequest) -> Needs | None:
    action = f"sqs:{_BATCHES.get(request.operation, request.operation)}"
    if request.operation == "ListQueues":
        return (Need(action, "*"),)
    url = request.text("QueueUrl")
    name = url.rstrip("/").rpartition("/")[2] or request.text("QueueName")
    return (Need(action, request.arn(name)),) if name else None


def _events(request: AwsRequest) -> Needs | None:
    action = f"events:{request.operation}"
    if request.operation == "PutEvents":
        buses = {entry.get("EventBusName") or "default" for entry in request.parameters.get("Entries") or []}
        return tuple(Need(action, _bus(request, bus)) for bus in sorted(buses)) or None
    if request.operation in {"PutRule", "DeleteRule", "DescribeRule", "EnableRule", "DisableRule"}:
        return (Need(action, _rule(request, request.text("Name"))),)
    if request.operation in {"PutTargets", "RemoveTargets", "ListTargetsByRule"}:
        return (Need(action, _rule(request, request.text("Rule"))),)
    return None


def _bus(request: AwsRequest, name: str) -> str:
    return name if name.startswith("arn:") else request.arn(f"event-bus/{name}")


def _rule(request: AwsRequest, name: str) -> str:
    bus = request.text("EventBusName", "default").rpartition("/")[2]
    return request.arn(f"rule/{name}" if bus == "default" else f"rule/{bus}/{name}")


def _states(request: AwsRequest) -> Needs | None:
    if request.operation.startswith("SendTask"):
        return task_needs(request)
    for name in ("stateMachineArn", "executionArn", "activityArn", "mapRunArn", "resourceArn"):
        if request.text(name):
            return (Need(f"states:{request.operation}", request.text(name)),)
    if request.operation == "CreateStateMachine":
        return (Need("states:CreateStateMachine", request.arn(f"stateMachine:{request.text('name')}")),)
    if request.operation in {"ListStateMachines", "ListActivities"}:
        return (Need(f"states:{request.operation}", "*"),)
    return None


def _lambda(request: AwsRequest) -> Needs | None:
    action = f"lambda:{_RENAMED_FUNCTION_ACTIONS.get(request.operation, request.operation)}"
    if request.operation in {"ListFunctions", "ListLayers", "ListEventSourceMappings"}:
        return (Need(action, "*"),)
    found = _FUNCTION_PATH.fullmatch(request.path)
    if found is None:
        return None
    name = found["name"]
    arn = name if name.startswith("arn:") else request.arn(f"function:{name.rpartition('function:')[2]}")
    qualifier = request.query.get("Qualifier")
    return (Need(action, f"{arn}:{qualifier}" if qualifier and arn.count(":") == 6 else arn),)


def _sns(request: AwsRequest) -> Needs | None:
    action = "sns:Publish" if request.operation == "PublishBatch" else f"sns:{request.operation}"
    for name in ("TopicArn", "TargetArn", "SubscriptionArn", "ResourceArn"):
        if request.text(name):
            return (Need(action, request.text(name)),)
    if request.operation == "CreateTopic":
        return (Need(action, request.arn(request.text("Name"))),)
    if request.operation == "ListTopics" or request.text("PhoneNumber"):
        return (Need(action, "*"),)
    return None


def _logs(request: AwsRequest) -> Needs | None:
    group = request.text("logGroupName")
    if not group and request.operation == "DescribeLogGroups":
        return (Need("logs:DescribeLogGroups", request.arn("log-group::log-stream:")),)
    if not group:
        return None
    stream = request.text("logStreamName")
    if request.operation == "CreateLogStream":  # AWS asks about the group here
        stream = ""
    return (Need(f"logs:{request.operation}", request.arn(f"log-group:{group}:log-stream:{stream}")),)


def _ssm(request: AwsRequest) -> Needs | None:
    action = f"ssm:{request.operation}"
    if request.operation == "DescribeParameters":
        return (Need(action, "*"),)
    given = request.parameters.get("Names") or request.text("Name") or request.text("Path")
    names = given if isinstance(given, list) else [given]
    if "Parameter" not in request.operation or not all(names):
        return None
    return tuple(
        Need(action, name if name.startswith("arn:") else request.arn(f"parameter/{name.lstrip('/')}"))
        for name in names
    )


def _sts(request: AwsRequest) -> Needs | None:
    if request.operation == "GetCallerIdentity":  # everybody may ask who they are
        return ()
    if request.operation == "AssumeRole":
        return (Need("sts:AssumeRole", request.text("RoleArn")),)
    return None


def _cloudwatch(request: AwsRequest) -> Needs | None:
    if request.operation in {"PutMetricData", "GetMetricData", "GetMetricStatistics", "ListMetrics"}:
        return (Need(f"cloudwatch:{request.operation}", "*"),)
    return None


_MAPPINGS: dict[str, Callable[[AwsRequest], Needs | None]] = {
    "cognito-idp": user_pool_needs,
    "dynamodb": _dynamodb,
    "events": _events,
    "glue": glue_needs,
    "kms": kms_needs,
    "lambda": _lambda,
    "logs": _logs,
    "monitoring": _cloudwatch,
    "s3": s3_needs,
    "secretsmanager": secret_needs,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "states": _states,
    "sts": _sts,
}
