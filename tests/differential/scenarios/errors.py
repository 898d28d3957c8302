"""Errors: what services say of things that are not there, and of requests that make no sense."""

import urllib3

from tests.differential.scenario import Observation, Scenario, Target, status_and_code

NOWHERE = "arn:aws:{}:us-east-1:123456789012:{}"


def missing(target: Target) -> Observation:
    """Ask each service for something that is not there."""
    sqs, s3, functions = target.client("sqs"), target.client("s3"), target.client("lambda")
    tables, states, topics = target.client("dynamodb"), target.client("stepfunctions"), target.client("sns")
    s3.create_bucket(Bucket=f"{target.name}-bucket")
    machine = NOWHERE.format("states", "stateMachine:missing")
    return {
        "a queue": status_and_code(lambda: sqs.get_queue_url(QueueName="missing")),
        "a bucket": status_and_code(lambda: s3.get_object(Bucket="missing-bucket-of-ours", Key="k")),
        "an object": status_and_code(lambda: s3.get_object(Bucket=f"{target.name}-bucket", Key="missing")),
        "an object's head": status_and_code(
            lambda: s3.head_object(Bucket=f"{target.name}-bucket", Key="missing")
        ),
        "a table": status_and_code(lambda: tables.get_item(TableName="missing", Key={"k": {"S": "a"}})),
        "a function": status_and_code(lambda: functions.invoke(FunctionName="missing")),
        "a state machine": status_and_code(lambda: states.start_execution(stateMachineArn=machine)),
        "a topic": status_and_code(
            lambda: topics.publish(TopicArn=NOWHERE.format("sns", "missing"), Message="m")
        ),
        "a rule": status_and_code(lambda: target.client("events").describe_rule(Name="missing")),
        "a parameter": status_and_code(lambda: target.client("ssm").get_parameter(Name="missing")),
        "a role": status_and_code(lambda: target.client("iam").get_role(RoleName="missing")),
        "a stack": status_and_code(
            lambda: target.client("cloudformation").describe_stacks(StackName="missing")
        ),
        "a log group": status_and_code(
            lambda: target.client("logs").describe_log_streams(logGroupName="missing")
        ),
        "a schedule": status_and_code(lambda: target.client("scheduler").get_schedule(Name="missing")),
    }


def senseless(target: Target) -> Observation:
    """Send requests that no service takes."""
    sqs, states = target.client("sqs"), target.client("stepfunctions")
    url = sqs.create_queue(QueueName=target.name)["QueueUrl"]
    entry = {"Id": "same", "MessageBody": "m"}
    with urllib3.PoolManager(retries=False) as http:
        unknown = http.request(
            "POST",
            target.cloud.endpoint,
            headers={
                "X-Amz-Target": "AmazonSQS.FlyAway",
                "Content-Type": "application/x-amz-json-1.0",
                "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, "
                f"SignedHeaders=host, Signature={'0' * 64}",
            },
            body=b"{}",
        )
    return {
        "an empty batch": status_and_code(lambda: sqs.send_message_batch(QueueUrl=url, Entries=[])),
        "a batch with an id twice": status_and_code(
            lambda: sqs.send_message_batch(QueueUrl=url, Entries=[entry, entry])
        ),
        "a message over 1 MiB": status_and_code(
            lambda: sqs.send_message(QueueUrl=url, MessageBody="x" * (1024 * 1024 + 1))
        ),
        "a receipt that is none": status_and_code(
            lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle="none")
        ),
        "a state machine without a start": status_and_code(
            lambda: states.create_state_machine(
                name=target.name, definition='{"States": {}}', roleArn=NOWHERE.format("iam", "role/r")
            )
        ),
        "a bucket name with capitals": status_and_code(
            lambda: target.client("s3").create_bucket(Bucket="Not-A-Bucket")
        ),
        "a schedule that is none": status_and_code(
            lambda: target.client("events").put_rule(Name=target.name, ScheduleExpression="every day")
        ),
        "a pattern that is none": status_and_code(
            lambda: target.client("events").put_rule(Name=target.name, EventPattern='{"source": "shop"}')
        ),
        "an operation that is none": unknown.status,
        "an item over 400 KB": _too_large(target),
    }


def _too_large(target: Target) -> list[object]:
    tables = target.client("dynamodb")
    tables.create_table(
        TableName=target.name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )
    return status_and_code(
        lambda: tables.put_item(TableName=target.name, Item={"k": {"S": "a"}, "v": {"S": "x" * 410_000}})
    )


SCENARIOS = (
    Scenario(
        "Things that are not there",
        missing,
        {
            "a queue": [400, "AWS.SimpleQueueService.NonExistentQueue"],
            "a bucket": [404, "NoSuchBucket"],
            "an object": [404, "NoSuchKey"],
            "an object's head": [404, "404"],
            "a table": [400, "ResourceNotFoundException"],
            "a function": [404, "ResourceNotFoundException"],
            "a state machine": [400, "StateMachineDoesNotExist"],
            "a topic": [404, "NotFound"],
            "a rule": [400, "ResourceNotFoundException"],
            "a parameter": [400, "ParameterNotFound"],
            "a role": [404, "NoSuchEntity"],
            "a stack": [400, "ValidationError"],
            "a log group": [400, "ResourceNotFoundException"],
            "a schedule": [404, "ResourceNotFoundException"],
        },
        (
            "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
            "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueUrl.html",
            "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html",
            "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html",
        ),
    ),
    Scenario(
        "Requests that make no sense",
        senseless,
        {
            "an empty batch": [400, "AWS.SimpleQueueService.EmptyBatchRequest"],
            "a batch with an id twice": [400, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"],
            "a message over 1 MiB": [400, "InvalidParameterValue"],
            "a receipt that is none": [400, "ReceiptHandleIsInvalid"],
            "a state machine without a start": [400, "InvalidDefinition"],
            "a bucket name with capitals": [400, "InvalidBucketName"],
            "a schedule that is none": [400, "ValidationException"],
            "a pattern that is none": [400, "InvalidEventPatternException"],
            "an operation that is none": 400,
            "an item over 400 KB": [400, "ValidationException"],
        },
        (
            "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html",
            "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html",
            "https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html",
            "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html",
            "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html",
        ),
    ),
)
