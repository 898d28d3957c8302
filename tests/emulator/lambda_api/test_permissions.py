"""Services invoke only what a function's policy lets them."""

import json
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from emulator import aws
from emulator.identity.resource_policies import InvokePermissions

RULE = "arn:aws:events:us-east-1:123456789012:rule/nightly"


@pytest.fixture(scope="module")
def permissions() -> InvokePermissions:
    return InvokePermissions(aws.REGION, enforced=True)


def permit(workshop: Any, name: str, **arguments: Any) -> None:
    sid = f"s{len(arguments)}-{arguments.get('Qualifier', 'none')}"
    workshop.client.add_permission(
        FunctionName=name, StatementId=sid, Action="lambda:InvokeFunction", **arguments
    )


def test_a_function_without_a_policy_is_invoked_by_no_service(
    workshop: Any, permissions: InvokePermissions
) -> None:
    arn = workshop.function("closed")
    refusal = permissions.may_invoke(arn, "events.amazonaws.com", RULE)
    assert refusal is not None
    permission = json.loads(refusal[refusal.index("{") :])
    permit(workshop, permission.pop("FunctionName"), **{k: v for k, v in permission.items() if k != "Action"})
    assert permissions.may_invoke(arn, "events.amazonaws.com", RULE) is None


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({"Principal": "events.amazonaws.com"}, True),
        ({"Principal": "*"}, True),
        ({"Principal": "sns.amazonaws.com"}, False),
        ({"Principal": "events.amazonaws.com", "SourceArn": "arn:aws:events:*:*:rule/night*"}, True),
        ({"Principal": "events.amazonaws.com", "SourceArn": "arn:aws:events:*:*:rule/day*"}, False),
        ({"Principal": "events.amazonaws.com", "SourceAccount": "123456789012"}, True),
        ({"Principal": "events.amazonaws.com", "SourceAccount": "999999999999"}, False),
    ],
)
def test_principal_source_and_account_decide(
    workshop: Any, permissions: InvokePermissions, statement: dict[str, str], *, allowed: bool
) -> None:
    name = "decided-" + "-".join(str(abs(hash(value)) % 10**6) for value in statement.values())
    arn = workshop.function(name)
    permit(workshop, name, **statement)
    assert (permissions.may_invoke(arn, "events.amazonaws.com", RULE) is None) == allowed


def test_a_permission_for_an_alias_is_none_for_the_function_nor_the_other_way_round(
    workshop: Any, permissions: InvokePermissions
) -> None:
    arn = workshop.function("split")
    workshop.client.publish_version(FunctionName="split")
    workshop.client.create_alias(FunctionName="split", Name="live", FunctionVersion="1")
    permit(workshop, "split", Principal="events.amazonaws.com", Qualifier="live")
    assert permissions.may_invoke(f"{arn}:live", "events.amazonaws.com", RULE) is None
    assert permissions.may_invoke(arn, "events.amazonaws.com", RULE) is not None
    assert permissions.may_invoke(f"{arn}:1", "events.amazonaws.com", RULE) is not None


def test_nothing_is_refused_where_policies_are_not_enforced(workshop: Any) -> None:
    arn = workshop.function("open")
    assert InvokePermissions(aws.REGION, enforced=False).may_invoke(arn, "s3.amazonaws.com", "a") is None


def test_a_bucket_notifies_a_function_under_its_alias_once_it_is_permitted(workshop: Any) -> None:
    arn = workshop.function("notified")
    workshop.client.publish_version(FunctionName="notified")
    workshop.client.create_alias(FunctionName="notified", Name="live", FunctionVersion="1")
    s3 = workshop.cloud.client("s3")
    s3.create_bucket(Bucket="files")
    notification = {"LambdaFunctionArn": f"{arn}:live", "Events": ["s3:ObjectCreated:*"]}

    def configure() -> None:
        s3.put_bucket_notification_configuration(
            Bucket="files", NotificationConfiguration={"LambdaFunctionConfigurations": [notification]}
        )

    with pytest.raises(ClientError, match="Unable to validate the following destination configurations"):
        configure()
    permit(
        workshop, "notified", Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::files", Qualifier="live"
    )
    configure()
    s3.put_object(Bucket="files", Key="a", Body=b"1")
    workshop.cloud.settle(30)
    ran = [each for each in workshop.cloud.pool.recent() if each.function_name == "notified"]
    assert [each.version for each in ran] == ["1"]
    workshop.client.remove_permission(FunctionName="notified", Qualifier="live", StatementId="s3-live")
    s3.put_object(Bucket="files", Key="b", Body=b"1")
    workshop.cloud.settle(30)
    assert len([each for each in workshop.cloud.pool.recent() if each.function_name == "notified"]) == 1


def test_a_topic_reaches_a_function_it_is_permitted_and_its_dead_letters_otherwise(workshop: Any) -> None:
    code = "import json\ndef handler(event, context): print(json.dumps(event))"
    arn = workshop.function("subscribed", code)
    sns, sqs = workshop.cloud.client("sns"), workshop.cloud.client("sqs")
    topic = sns.create_topic(Name="news")["TopicArn"]
    letters = sqs.create_queue(QueueName="news-letters")["QueueUrl"]
    redrive = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:news-letters"}
    subscription = sns.subscribe(
        TopicArn=topic, Protocol="lambda", Endpoint=arn, Attributes={"RedrivePolicy": json.dumps(redrive)}
    )["SubscriptionArn"]
    sns.publish(TopicArn=topic, Message="lost")
    (letter,) = sqs.receive_message(QueueUrl=letters)["Messages"]
    assert json.loads(letter["Body"])["Message"] == "lost"
    permit(workshop, "subscribed", Principal="sns.amazonaws.com", SourceArn=topic)
    attributes = {"kind": {"DataType": "String", "StringValue": "good"}}
    sns.publish(TopicArn=topic, Message="found", Subject="news", MessageAttributes=attributes)
    workshop.cloud.settle(30)
    (ran,) = [each for each in workshop.cloud.pool.recent() if each.function_name == "subscribed"]
    printed = next(line for line in ran.log_tail.splitlines() if line.startswith("{"))
    (record,) = json.loads(printed)["Records"]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", subscription)
    told = record["Sns"]
    assert (told["TopicArn"], told["Message"], told["Subject"]) == (topic, "found", "news")
    assert told["MessageAttributes"] == {"kind": {"Type": "String", "Value": "good"}}


def test_an_alias_arn_names_the_alias_wherever_permissions_are_given_read_and_taken(workshop: Any) -> None:
    client, arn = workshop.client, workshop.function("policed")
    client.publish_version(FunctionName="policed")
    client.create_alias(FunctionName="policed", Name="live", FunctionVersion="1")
    statement = {"StatementId": "one", "Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}
    client.add_permission(FunctionName=f"{arn}:live", **statement)
    client.add_permission(FunctionName="policed", **statement)
    with pytest.raises(ClientError, match=r"statement id \(one\) provided already exists"):
        client.add_permission(FunctionName="policed", Qualifier="live", **statement)
    policy = json.loads(client.get_policy(FunctionName="policed", Qualifier="live")["Policy"])
    assert [each["Resource"] for each in policy["Statement"]] == [f"{arn}:live"]
    client.remove_permission(FunctionName="policed", Qualifier="live", StatementId="one")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_policy(FunctionName=f"{arn}:live")
    assert client.get_policy(FunctionName="policed")["Policy"]


def test_a_log_group_sends_its_lines_to_a_function_that_permits_it(workshop: Any) -> None:
    arn, logs = workshop.function("listener"), workshop.cloud.client("logs")
    logs.create_log_group(logGroupName="told")
    logs.create_log_stream(logGroupName="told", logStreamName="s")
    subscription = {"logGroupName": "told", "filterName": "all", "filterPattern": "", "destinationArn": arn}
    with pytest.raises(ClientError, match="given CloudWatch Logs permission to execute your function"):
        logs.put_subscription_filter(**subscription)
    source = "arn:aws:logs:us-east-1:123456789012:log-group:told:*"
    permit(workshop, "listener", Principal="logs.amazonaws.com", SourceArn=source)
    logs.put_subscription_filter(**subscription)
    event = {"timestamp": 1_700_000_000_000, "message": "hello"}
    logs.put_log_events(logGroupName="told", logStreamName="s", logEvents=[event])
    workshop.cloud.settle(30)
    assert len([each for each in workshop.cloud.pool.recent() if each.function_name == "listener"]) == 1


def test_an_http_api_answers_500_until_it_is_permitted_and_the_log_names_the_permission(
    workshop: Any, caplog: pytest.LogCaptureFixture
) -> None:
    arn, apis = workshop.function("fronted"), workshop.cloud.client("apigatewayv2")
    api = apis.create_api(Name="front", ProtocolType="HTTP")["ApiId"]
    integration = apis.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    apis.create_route(ApiId=api, RouteKey="GET /things/{id}", Target=f"integrations/{integration}")
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    url = f"{workshop.cloud.endpoint}/_api/{api}/things/1"
    refused = urllib3.request("GET", url)
    assert (refused.status, refused.json()) == (500, {"message": "Internal Server Error"})
    place = f"arn:aws:execute-api:us-east-1:123456789012:{api}"
    assert f'"SourceArn": "{place}/$default/GET/things/{{id}}"' in caplog.text
    permit(
        workshop,
        "fronted",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"{place}/*/*/things/{{id}}",
    )
    assert urllib3.request("GET", url).status == 200


def test_a_rule_reaches_a_function_it_is_permitted_and_its_dead_letters_otherwise(workshop: Any) -> None:
    arn = workshop.function("ruled")
    events, sqs = workshop.cloud.client("events"), workshop.cloud.client("sqs")
    letters = sqs.create_queue(QueueName="ruled-letters")["QueueUrl"]
    letters_arn = "arn:aws:sqs:us-east-1:123456789012:ruled-letters"
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": letters_arn}
    sqs.set_queue_attributes(QueueUrl=letters, Attributes={"Policy": json.dumps({"Statement": [allow]})})
    rule = events.put_rule(Name="ruled", EventPattern=json.dumps({"source": ["app"]}))["RuleArn"]
    target = {"Id": "f", "Arn": arn, "DeadLetterConfig": {"Arn": letters_arn}}
    events.put_targets(Rule="ruled", Targets=[target])
    event = {"Source": "app", "DetailType": "d", "Detail": "{}"}
    events.put_events(Entries=[event])
    workshop.cloud.settle(30)
    (letter,) = sqs.receive_message(QueueUrl=letters, MessageAttributeNames=["All"])["Messages"]
    assert letter["MessageAttributes"]["TARGET_ARN"]["StringValue"] == arn
    permit(workshop, "ruled", Principal="events.amazonaws.com", SourceArn=rule)
    events.put_events(Entries=[event])
    workshop.cloud.settle(30)
    assert len([each for each in workshop.cloud.pool.recent() if each.function_name == "ruled"]) == 1
