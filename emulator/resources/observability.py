"""CloudWatch: log groups, alarms, dashboards."""

from emulator.resources.base import Made, Properties, Request, ResourceType, words
from emulator.resources.tagging import retag

_ALARM = (
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "Metrics",
    "ThresholdMetricId",
)


def _create_log_group(request: Request) -> Made:
    client = request.client("logs")
    client.create_log_group(logGroupName=request.name, tags=request.tags())
    arn = f"arn:aws:logs:{request.services.region}:{request.services.account}:log-group:{request.name}:*"
    return Made(request.name, {"Arn": arn})


def _set_retention(request: Request, made: Made) -> None:
    days, name = request.properties.get("RetentionInDays"), made.physical_id
    if days is not None:
        request.client("logs").put_retention_policy(logGroupName=name, retentionInDays=int(days))
    else:
        request.client("logs").delete_retention_policy(logGroupName=name)


def _update_log_group(request: Request, made: Made) -> Made:
    _set_retention(request, made)
    retag(request, made.attributes["Arn"].removesuffix(":*"))
    return made


def _delete_log_group(request: Request, made: Made) -> None:
    request.client("logs").delete_log_group(logGroupName=made.physical_id)


def _put_metric_filter(request: Request, name: str) -> Made:
    properties = request.properties
    request.client("logs").put_metric_filter(
        logGroupName=properties["LogGroupName"],
        filterName=name,
        filterPattern=properties["FilterPattern"],
        metricTransformations=[_transformation(each) for each in properties["MetricTransformations"]],
    )
    return Made(name)


def _transformation(given: Properties) -> Properties:
    spelled = {name[:1].lower() + name[1:]: value for name, value in given.items()}
    if "DefaultValue" in given:
        spelled["defaultValue"] = float(given["DefaultValue"])
    if "Dimensions" in given:
        spelled["dimensions"] = {each["Key"]: each["Value"] for each in given["Dimensions"]}
    return spelled


def _create_metric_filter(request: Request) -> Made:
    return _put_metric_filter(request, request.name)


def _update_metric_filter(request: Request, made: Made) -> Made:
    return _put_metric_filter(request, made.physical_id)


def _delete_metric_filter(request: Request, made: Made) -> None:
    request.client("logs").delete_metric_filter(
        logGroupName=request.properties["LogGroupName"], filterName=made.physical_id
    )


def _put_alarm(request: Request, name: str) -> Made:
    arguments = request.pick(*_ALARM)
    for whole in ("Period", "EvaluationPeriods", "DatapointsToAlarm"):
        if whole in arguments:
            arguments[whole] = int(arguments[whole])
    if "Threshold" in arguments:
        arguments["Threshold"] = float(arguments["Threshold"])
    request.client("cloudwatch").put_metric_alarm(AlarmName=name, **arguments)
    arn = f"arn:aws:cloudwatch:{request.services.region}:{request.services.account}:alarm:{name}"
    return Made(name, {"Arn": arn})


def _create_alarm(request: Request) -> Made:
    return _put_alarm(request, request.name)


def _update_alarm(request: Request, made: Made) -> Made:
    return _put_alarm(request, made.physical_id)


def _delete_alarm(request: Request, made: Made) -> None:
    request.client("cloudwatch").delete_alarms(AlarmNames=[made.physical_id])


def _put_dashboard(request: Request) -> Made:
    request.client("cloudwatch").put_dashboard(
        DashboardName=request.name, DashboardBody=request.properties["DashboardBody"]
    )
    return Made(request.name)


def _update_dashboard(request: Request, made: Made) -> Made:
    request.client("cloudwatch").put_dashboard(
        DashboardName=made.physical_id, DashboardBody=request.properties["DashboardBody"]
    )
    return made


def _delete_dashboard(request: Request, made: Made) -> None:
    request.client("cloudwatch").delete_dashboards(DashboardNames=[made.physical_id])


TYPES = (
    ResourceType(
        "AWS::Logs::LogGroup",
        honoured=words("LogGroupName RetentionInDays Tags"),
        accepted={
            "KmsKeyId": "logs lie in memory, unencrypted",
            "LogGroupClass": "there is one class of logs",
        },
        attributes=words("Arn"),
        create=_create_log_group,
        finish=_set_retention,
        update=_update_log_group,
        delete=_delete_log_group,
        replaced_by=words("LogGroupName"),
        name_property="LogGroupName",
        generated_name_limit=512,
    ),
    ResourceType(
        "AWS::Logs::MetricFilter",
        honoured=words("FilterName FilterPattern LogGroupName MetricTransformations"),
        create=_create_metric_filter,
        update=_update_metric_filter,
        delete=_delete_metric_filter,
        replaced_by=words("FilterName LogGroupName"),
        name_property="FilterName",
        generated_name_limit=512,
        note="recorded and listed; no metric is made of what is logged",
    ),
    ResourceType(
        "AWS::CloudWatch::Alarm",
        honoured=frozenset(_ALARM) | {"AlarmName"},
        accepted={"Tags": "alarms carry no tags here"},
        attributes=words("Arn"),
        create=_create_alarm,
        update=_update_alarm,
        delete=_delete_alarm,
        replaced_by=words("AlarmName"),
        name_property="AlarmName",
        generated_name_limit=255,
        note="recorded and listed; no metric moves its state",
    ),
    ResourceType(
        "AWS::CloudWatch::Dashboard",
        honoured=words("DashboardName DashboardBody"),
        create=_put_dashboard,
        update=_update_dashboard,
        delete=_delete_dashboard,
        replaced_by=words("DashboardName"),
        name_property="DashboardName",
        generated_name_limit=255,
    ),
)
