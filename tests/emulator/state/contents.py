"""Something of everything a state keeps, made through the public APIs; a walk over what moto holds of it."""

import io
import json
import types
import weakref
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import Enum
from typing import Any

from emulator.cloud import Cloud
from emulator.state.objects import BlobBuffer

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
)
ROLE = "arn:aws:iam::123456789012:role/kept"


def fill(cloud: Cloud) -> None:
    """Make something in every service that is kept."""
    for fill_one in (
        _iam,
        _s3,
        _dynamodb,
        _glue,
        _logs,
        _sqs,
        _sns,
        _ssm_and_secrets,
        _events,
        _kms,
        _ecr,
        _cloudwatch,
        _kinesis,
        _lambda,
        _stepfunctions,
        _apis,
        _cloudformation,
    ):
        fill_one(cloud.client)


Client = Callable[[str], Any]


def _iam(client: Client) -> None:
    iam = client("iam")
    iam.create_role(RoleName="kept", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="kept", PolicyName="all", PolicyDocument=POLICY)
    iam.create_user(UserName="somebody")
    iam.create_access_key(UserName="somebody")
    client("sts").assume_role(RoleArn=ROLE, RoleSessionName="session")


def _s3(client: Client) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first", b"second", b"x" * 200_000):
        s3.put_object(Bucket="kept", Key="a", Body=body, Metadata={"by": "test"}, Tagging="k=v")
    s3.put_object(Bucket="kept", Key="gone", Body=b"first")
    s3.delete_object(Bucket="kept", Key="gone")
    upload = s3.create_multipart_upload(Bucket="kept", Key="parts")
    s3.upload_part(Bucket="kept", Key="parts", UploadId=upload["UploadId"], PartNumber=1, Body=b"part")


def _dynamodb(client: Client) -> None:
    client("dynamodb").create_table(
        TableName="kept",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "k", "AttributeType": "S"},
            {"AttributeName": "r", "AttributeType": "N"},
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client("dynamodb").update_time_to_live(
        TableName="kept", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    for number in range(3):
        client("dynamodb").put_item(
            TableName="kept", Item={"k": {"S": "a"}, "r": {"N": str(number)}, "b": {"B": b"\0"}}
        )
    streams = client("dynamodbstreams")
    arn = streams.list_streams()["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")


def _glue(client: Client) -> None:
    glue = client("glue")
    glue.create_database(DatabaseInput={"Name": "kept"})
    glue.create_table(DatabaseName="kept", TableInput={"Name": "t", "Parameters": {"at": "1"}})
    glue.update_table(DatabaseName="kept", TableInput={"Name": "t", "Parameters": {"at": "2"}})


def _logs(client: Client) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="kept")
    logs.create_log_stream(logGroupName="kept", logStreamName="s")
    logs.put_log_events(
        logGroupName="kept", logStreamName="s", logEvents=[{"timestamp": 1_700_000_000_000, "message": "one"}]
    )


def _sqs(client: Client) -> None:
    sqs = client("sqs")
    letters = sqs.create_queue(QueueName="letters")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    queue = sqs.create_queue(QueueName="kept", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="waiting")
    sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=900)
    fifo = sqs.create_queue(QueueName="kept.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sqs.send_message(QueueUrl=fifo, MessageBody="first", MessageGroupId="g", MessageDeduplicationId="1")


def _sns(client: Client) -> None:
    topic = client("sns").create_topic(Name="kept")["TopicArn"]
    client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:kept"
    )


def _ssm_and_secrets(client: Client) -> None:
    client("ssm").put_parameter(Name="/kept", Value="1", Type="String")
    client("ssm").put_parameter(Name="/kept", Value="2", Type="String", Overwrite=True)
    client("secretsmanager").create_secret(Name="kept", SecretString="words")


def _events(client: Client) -> None:
    events = client("events")
    events.create_event_bus(Name="kept")
    events.put_rule(Name="daily", ScheduleExpression="cron(0 3 * * ? *)")
    events.put_targets(
        Rule="daily",
        Targets=[
            {
                "Id": "1",
                "Arn": "arn:aws:sqs:us-east-1:123456789012:kept",
                "InputTransformer": {"InputPathsMap": {"t": "$.time"}, "InputTemplate": '"<t>"'},
            }
        ],
    )
    client("scheduler").create_schedule_group(Name="kept")
    client("scheduler").create_schedule(
        Name="hourly",
        GroupName="kept",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:sqs:us-east-1:123456789012:kept", "RoleArn": ROLE},
    )


def _kms(client: Client) -> None:
    kms = client("kms")
    kms.create_alias(AliasName="alias/kept", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")


def _ecr(client: Client) -> None:
    client("ecr").create_repository(repositoryName="kept")


def _cloudwatch(client: Client) -> None:
    metrics = client("cloudwatch")
    metrics.put_metric_data(Namespace="kept", MetricData=[{"MetricName": "m", "Value": 1.5}])
    metrics.put_dashboard(DashboardName="kept", DashboardBody="{}")
    metrics.put_metric_alarm(
        AlarmName="kept",
        Namespace="kept",
        MetricName="m",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
    )


def _kinesis(client: Client) -> None:
    client("kinesis").create_stream(StreamName="kept", ShardCount=1)


def _lambda(client: Client) -> None:
    functions = client("lambda")
    functions.create_function(
        FunctionName="kept",
        Runtime="python3.11",
        Role=ROLE,
        Handler="handler.handle",
        Code={"ZipFile": _zip("def handle(event, context):\n    return event\n")},
        Environment={"Variables": {"A": "1"}},
        Publish=True,
    )
    functions.create_alias(FunctionName="kept", Name="live", FunctionVersion="1")
    functions.publish_layer_version(LayerName="kept", Content={"ZipFile": _zip("x = 1\n")})


def _stepfunctions(client: Client) -> None:
    machine = client("stepfunctions").create_state_machine(
        name="kept",
        roleArn=ROLE,
        definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}),
    )
    client("stepfunctions").start_execution(stateMachineArn=machine["stateMachineArn"], input='{"n": 1}')


def _apis(client: Client) -> None:
    api = client("apigatewayv2").create_api(Name="kept", ProtocolType="HTTP")["ApiId"]
    client("apigatewayv2").create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    client("apigateway").create_rest_api(name="kept")


def _cloudformation(client: Client) -> None:
    template = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 40}}},
        "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["Queue", "QueueName"]}, "Export": {"Name": "kept"}}},
    }
    client("cloudformation").create_stack(StackName="kept", TemplateBody=json.dumps(template))


def _zip(source: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("handler.py"), source)
    return content.getvalue()


PLAIN = (str, bytes, int, float, Decimal, type(None), Enum)
RUN = ("_services", "exec_worker", "_cloud_watch_logging_session", "lock")
"""Attributes that belong to a run: made anew, by name."""
PROCESS = (types.FunctionType, types.MethodType, type)


def walk(part: Any, path: str, seen: dict[int, Any]) -> Iterator[tuple[str, str]]:
    """Give every value an object reaches, with the path to it: two states with equal walks are equal."""
    if isinstance(part, PLAIN):
        yield path, repr(part)
        return
    if isinstance(part, PROCESS) or id(part) in seen:
        return
    seen[id(part)] = part  # held, so that no other object gets its id meanwhile
    if isinstance(part, BlobBuffer):
        part.seek(0)
        yield path, repr(part.read())
        return
    yield path, type(part).__qualname__
    for name, value in _inside(part):
        yield from walk(value, f"{path}/{name}", seen)


def _inside(part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, dict):  # underneath the class: moto's own mappings may show a part alone
        yield from ((repr(name), value) for name, value in dict.items(part))
    elif isinstance(part, weakref.WeakValueDictionary):
        yield from ((repr(name), value) for name, value in list(part.items()))
    elif isinstance(part, list | tuple):
        yield from ((str(place), value) for place, value in enumerate(part))
    elif isinstance(part, set | frozenset):
        if all(isinstance(value, PLAIN) for value in part):
            yield from ((str(place), value) for place, value in enumerate(sorted(part, key=repr)))
        else:
            yield "length", len(part)
    yield from (entry for entry in getattr(part, "__dict__", {}).items() if entry[0] not in RUN)
