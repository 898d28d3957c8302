"""SQS and SNS: queues, topics, subscriptions and their policies."""

from contextlib import suppress
from typing import Any

from emulator.resources.base import Made, Properties, Request, ResourceType, policy_text, words
from emulator.resources.tagging import retag

_QUEUE_ATTRIBUTES = words(
    "DelaySeconds MaximumMessageSize MessageRetentionPeriod ReceiveMessageWaitTimeSeconds VisibilityTimeout "
    "RedrivePolicy RedriveAllowPolicy FifoQueue ContentBasedDeduplication DeduplicationScope "
    "FifoThroughputLimit "
    "KmsMasterKeyId KmsDataKeyReusePeriodSeconds SqsManagedSseEnabled"
)


def _queue_attributes(properties: Properties) -> dict[str, str]:
    return {name: _as_text(properties[name]) for name in sorted(_QUEUE_ATTRIBUTES & set(properties))}


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return policy_text(value) if isinstance(value, dict) else str(value)


def _create_queue(request: Request) -> Made:
    name = request.name
    if request.properties.get("FifoQueue") and not name.endswith(".fifo"):
        name = f"{name[:75]}.fifo"
    client = request.client("sqs")
    url = client.create_queue(
        QueueName=name, Attributes=_queue_attributes(request.properties), tags=request.tags()
    )["QueueUrl"]
    arn = f"arn:aws:sqs:{request.services.region}:{request.services.account}:{name}"
    return Made(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


def _update_queue(request: Request, made: Made) -> Made:
    attributes = _queue_attributes(request.properties)
    attributes.pop("FifoQueue", None)
    request.client("sqs").set_queue_attributes(QueueUrl=made.physical_id, Attributes=attributes)
    retag(request, made.physical_id)
    return made


def _delete_queue(request: Request, made: Made) -> None:
    request.client("sqs").delete_queue(QueueUrl=made.physical_id)


def _named(request: Request) -> Made:
    """Stand for a policy, which is only where it is put."""
    return Made(request.name)


def _put_queue_policy(request: Request, made: Made) -> None:  # noqa: ARG001 - the signature of finishing
    policy = policy_text(request.properties["PolicyDocument"])
    for url in request.properties["Queues"]:
        request.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def _delete_queue_policy(request: Request, made: Made) -> None:  # noqa: ARG001 - the signature of deletes
    client = request.client("sqs")
    for url in request.properties["Queues"]:
        with suppress(client.exceptions.QueueDoesNotExist):  # a policy that never came to all of its queues
            client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def _create_topic(request: Request) -> Made:
    properties = request.properties
    attributes = {
        name: _as_text(properties[name])
        for name in ("DisplayName", "KmsMasterKeyId", "FifoTopic", "ContentBasedDeduplication")
        if name in properties
    }
    name = request.name
    if properties.get("FifoTopic") and not name.endswith(".fifo"):
        name += ".fifo"
    tags = [{"Key": key, "Value": value} for key, value in request.tags().items()]
    arn = request.client("sns").create_topic(Name=name, Attributes=attributes, Tags=tags)["TopicArn"]
    return Made(arn, {"TopicArn": arn, "TopicName": name})


def _subscribe(request: Request, made: Made) -> None:
    for subscription in request.properties.get("Subscription", []):
        request.client("sns").subscribe(
            TopicArn=made.physical_id, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"]
        )


def _update_topic(request: Request, made: Made) -> Made:
    client, arn, properties = request.client("sns"), made.physical_id, request.properties
    for name, default in (
        ("DisplayName", ""),
        ("KmsMasterKeyId", ""),
        ("ContentBasedDeduplication", "false"),
    ):
        if properties.get(name) != made.properties.get(name):
            value = _as_text(properties.get(name, default))
            client.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)
    retag(request, arn)
    return made


def _delete_topic(request: Request, made: Made) -> None:
    request.client("sns").delete_topic(TopicArn=made.physical_id)


def _create_subscription(request: Request) -> Made:
    properties = request.properties
    attributes = {
        name: _as_text(properties[name])
        for name in ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
        if name in properties
    }
    arn = request.client("sns").subscribe(
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Made(arn, {"Arn": arn})


def _delete_subscription(request: Request, made: Made) -> None:
    request.client("sns").unsubscribe(SubscriptionArn=made.physical_id)


def _put_topic_policy(request: Request, made: Made) -> None:  # noqa: ARG001 - the signature of finishing
    policy = policy_text(request.properties["PolicyDocument"])
    for arn in request.properties["Topics"]:
        request.client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=policy
        )


def _leave_topic_policy(request: Request, made: Made) -> None:
    """Leave the policy: SNS has no call that removes one, and topics cannot be without."""


TYPES = (
    ResourceType(
        "AWS::SQS::Queue",
        honoured=_QUEUE_ATTRIBUTES | words("QueueName Tags"),
        attributes=words("Arn QueueName QueueUrl"),
        create=_create_queue,
        update=_update_queue,
        delete=_delete_queue,
        replaced_by=words("QueueName FifoQueue"),
        name_property="QueueName",
        generated_name_limit=80,
    ),
    ResourceType(
        "AWS::SQS::QueuePolicy",
        honoured=words("Queues PolicyDocument"),
        create=_named,
        finish=_put_queue_policy,
        delete=_delete_queue_policy,
        note="kept with the queue",
    ),
    ResourceType(
        "AWS::SNS::Topic",
        honoured=words(
            "TopicName DisplayName FifoTopic ContentBasedDeduplication KmsMasterKeyId Subscription Tags"
        ),
        accepted={"TracingConfig": "nothing is traced"},
        attributes=words("TopicArn TopicName"),
        create=_create_topic,
        finish=_subscribe,
        update=_update_topic,
        delete=_delete_topic,
        replaced_by=words("TopicName FifoTopic Subscription"),
        name_property="TopicName",
        generated_name_limit=256,
    ),
    ResourceType(
        "AWS::SNS::Subscription",
        honoured=words(
            "TopicArn Protocol Endpoint FilterPolicy FilterPolicyScope RawMessageDelivery RedrivePolicy"
        ),
        accepted={"Region": "the local cloud is one region"},
        attributes=words("Arn"),
        create=_create_subscription,
        delete=_delete_subscription,
        note="mail and text messages are recorded, not sent",
    ),
    ResourceType(
        "AWS::SNS::TopicPolicy",
        honoured=words("Topics PolicyDocument"),
        create=_named,
        finish=_put_topic_policy,
        delete=_leave_topic_policy,
        note="kept with the topic",
    ),
)
