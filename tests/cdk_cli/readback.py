"""Reads everything that stacks made back through the AWS APIs, with generated names taken out.

Two clouds that were brought to the same templates by different ways must read the same.
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Client = Callable[[str], Any]
# What differs between two clouds by nature: when something was made, and under which generated id.
_VOLATILE = re.compile(
    r"(?i)^(.*(date|time|timestamp|modified|created)(utc)?|ResponseMetadata|RevisionId|RoleId|PolicyId|"
    r"TableId|CodeSha256|CodeSize|.*ETag|VersionId|Owner|UUID|LatestStreamLabel|AttachmentCount)$"
)
_KEPT = frozenset({"Timeout", "VisibilityTimeout", "IntegrationTimeout", "TimeoutInMillis"})
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_STREAM = re.compile(r"/stream/[0-9T:.-]+")
_PORT = re.compile(r"localhost:\d+")

_TABLE = (
    ("dynamodb", "describe_table", {"TableName": "{id}"}),
    ("dynamodb", "describe_time_to_live", {"TableName": "{id}"}),
    ("dynamodb", "describe_continuous_backups", {"TableName": "{id}"}),
)
# By type: the calls that read one back, ``{id}`` its physical id, ``{layer}`` a layer without version.
_CALLS: Mapping[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    "AWS::ApiGatewayV2::Api": (
        ("apigatewayv2", "get_api", {"ApiId": "{id}"}),
        ("apigatewayv2", "get_routes", {"ApiId": "{id}"}),
        ("apigatewayv2", "get_integrations", {"ApiId": "{id}"}),
        ("apigatewayv2", "get_stages", {"ApiId": "{id}"}),
    ),
    "AWS::CloudWatch::Alarm": (("cloudwatch", "describe_alarms", {"AlarmNames": ["{id}"]}),),
    "AWS::CloudWatch::Dashboard": (("cloudwatch", "get_dashboard", {"DashboardName": "{id}"}),),
    "AWS::DynamoDB::GlobalTable": _TABLE,
    "AWS::DynamoDB::Table": _TABLE,
    "AWS::Events::EventBus": (("events", "describe_event_bus", {"Name": "{id}"}),),
    "AWS::Events::Rule": (
        ("events", "list_targets_by_rule", {"Rule": "{id}", "EventBusName": "tidemill-flights"}),
        ("events", "describe_rule", {"Name": "{id}", "EventBusName": "tidemill-flights"}),
        ("events", "describe_rule", {"Name": "{id}"}),
        ("events", "list_targets_by_rule", {"Rule": "{id}"}),
    ),
    "AWS::Glue::Database": (("glue", "get_database", {"Name": "{id}"}),),
    "AWS::IAM::Role": (
        ("iam", "get_role", {"RoleName": "{id}"}),
        ("iam", "list_attached_role_policies", {"RoleName": "{id}"}),
        ("iam", "list_role_policies", {"RoleName": "{id}"}),
    ),
    "AWS::Lambda::EventSourceMapping": (("lambda", "get_event_source_mapping", {"UUID": "{id}"}),),
    "AWS::Lambda::Function": (
        ("lambda", "get_function_configuration", {"FunctionName": "{id}"}),
        ("lambda", "get_function_concurrency", {"FunctionName": "{id}"}),
        ("lambda", "get_policy", {"FunctionName": "{id}"}),
        ("lambda", "list_tags", {"Resource": "arn:aws:lambda:us-east-1:123456789012:function:{id}"}),
    ),
    "AWS::Lambda::LayerVersion": (("lambda", "list_layer_versions", {"LayerName": "{layer}"}),),
    "AWS::Logs::LogGroup": (("logs", "describe_log_groups", {"logGroupNamePrefix": "{id}"}),),
    "AWS::S3::Bucket": (
        ("s3", "get_bucket_versioning", {"Bucket": "{id}"}),
        ("s3", "get_bucket_encryption", {"Bucket": "{id}"}),
        ("s3", "get_bucket_policy", {"Bucket": "{id}"}),
        ("s3", "get_bucket_notification_configuration", {"Bucket": "{id}"}),
        ("s3", "get_public_access_block", {"Bucket": "{id}"}),
    ),
    "AWS::SNS::Subscription": (("sns", "get_subscription_attributes", {"SubscriptionArn": "{id}"}),),
    "AWS::SNS::Topic": (("sns", "get_topic_attributes", {"TopicArn": "{id}"}),),
    "AWS::SQS::Queue": (("sqs", "get_queue_attributes", {"QueueUrl": "{id}", "AttributeNames": ["All"]}),),
    "AWS::SSM::Parameter": (("ssm", "get_parameter", {"Name": "{id}"}),),
    "AWS::StepFunctions::StateMachine": (
        ("stepfunctions", "describe_state_machine", {"stateMachineArn": "{id}"}),
    ),
}
# Their contents are read with the resource they belong to.
PARTS_OF_OTHERS = frozenset(
    {
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::Stage",
        "AWS::IAM::Policy",
        "AWS::Lambda::Permission",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
        "Custom::S3BucketNotifications",
    }
)


def read_back(client: Client, stacks: list[str]) -> dict[str, Any]:
    """Read stacks back: every resource by stack and logical id, and the stacks' outputs.

    Raises
    ------
    KeyError
        A stack holds a type that nothing here reads.
    """
    resources = {
        f"{stack}.{one['LogicalResourceId']}": (one["ResourceType"], one["PhysicalResourceId"])
        for stack in stacks
        for one in client("cloudformation").list_stack_resources(StackName=stack)["StackResourceSummaries"]
    }
    names = _generated_names(client, resources)
    read = {
        key: {"type": kind, **({} if kind in PARTS_OF_OTHERS else dict(_read(client, kind, physical)))}
        for key, (kind, physical) in resources.items()
    }
    outputs = {stack: outputs_of(client, stack) for stack in stacks}
    found: dict[str, Any] = _neutral({**read, "outputs": outputs}, names)
    return found


def outputs_of(client: Client, stack: str) -> dict[str, str]:
    """Read a stack's outputs."""
    (described,) = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}


def _read(client: Client, kind: str, physical: str) -> Iterator[tuple[str, Any]]:
    for service, call, arguments in _CALLS[kind]:
        layer = physical.rpartition(":")[0].rpartition(":")[2]
        filled = json.loads(json.dumps(arguments).replace("{id}", physical).replace("{layer}", layer))
        connection = client(service)
        try:
            yield f"{call} {arguments}", getattr(connection, call)(**filled)
        except connection.exceptions.ClientError as error:
            yield f"{call} {arguments}", error.response["Error"]["Code"]
    if kind == "AWS::IAM::Role":
        for name in client("iam").list_role_policies(RoleName=physical)["PolicyNames"]:
            document = client("iam").get_role_policy(RoleName=physical, PolicyName=name)["PolicyDocument"]
            yield f"policy {name}", document


def _generated_names(client: Client, resources: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Say what stands for each generated name: the longest first, since some are parts of others."""
    names = {}
    for key, (kind, physical) in resources.items():
        for form in (physical, *re.split(r"[:/]", physical)[-2:]):
            if (
                len(form) > 12 or form == physical
            ):  # shorter ones are no generated names: accounts, versions, words of an ARN
                names[form] = f"<{key}>"
        if kind == "AWS::ApiGatewayV2::Api":
            for call, identity in (("get_routes", "RouteId"), ("get_integrations", "IntegrationId")):
                for item in getattr(client("apigatewayv2"), call)(ApiId=physical)["Items"]:
                    names[item[identity]] = f"<{key} {item.get('RouteKey') or item['IntegrationType']}>"
    return dict(sorted(names.items(), key=lambda pair: -len(pair[0])))


def _neutral(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {
            _neutral(key, names): _neutral(item, names)
            for key, item in value.items()
            if key in _KEPT or not _VOLATILE.match(str(key))
        }
    if isinstance(value, list):
        return sorted(
            (_neutral(item, names) for item in value), key=lambda item: json.dumps(item, default=str)
        )
    if isinstance(value, str):
        with contextlib.suppress(json.JSONDecodeError):
            if value.startswith(("{", "[")):
                return _neutral(json.loads(value), names)
        for name, stands in names.items():
            value = value.replace(name, stands)
        return _STREAM.sub("/stream/<time>", _UUID.sub("<uuid>", _PORT.sub("localhost:<port>", value)))
    return value
