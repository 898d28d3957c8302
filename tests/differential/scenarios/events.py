"""Events: rules with patterns and transformers, topics with filter policies."""

import json
from typing import Any

from tests.differential.scenario import Observation, Scenario, Target
from tests.differential.template import ROLE, TELL, arn, function, open_queues, permission, queue, ref

TELLS_EVENT = (
    TELL
    + """
def handler(event, context):
    tell({"fields": sorted(event), "detail": event["detail"], "type": event["detail-type"]})
"""
)
PATTERN = {
    "source": ["shop"],
    "detail": {
        "total": [{"numeric": [">", 10, "<=", 100]}],
        "state": [{"anything-but": ["draft"]}],
        "id": [{"prefix": "o-"}],
        "note": [{"exists": False}],
    },
}
TRANSFORMER = {
    "InputPathsMap": {"id": "$.detail.id", "total": "$.detail.total", "lines": "$.detail.lines"},
    "InputTemplate": '{"order": <id>, "total": <total>, "lines": <lines>, "text": "order <id> of <total>"}',
}


def rule(target: Target) -> Observation:
    """Put events of which one matches, and one that is no event."""
    made = target.deploy(
        {
            "Role": ROLE,
            "Seen": queue(),
            "Transformed": queue(),
            "QueuePolicy": open_queues("Transformed"),
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": target.name}},
            "Teller": function(),
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventBusName": ref("Bus"),
                    "EventPattern": PATTERN,
                    "Targets": [
                        {"Id": "queue", "Arn": arn("Transformed"), "InputTransformer": TRANSFORMER},
                        {"Id": "function", "Arn": arn("Teller")},
                    ],
                },
            },
            "Permission": permission("Teller", "events", SourceArn=arn("Rule")),
        },
        {name: ref(name) for name in ("Bus", "Seen", "Transformed")},
        Teller=TELLS_EVENT,
    )
    match = {"id": "o-1", "total": 12, "state": "open", "lines": [{"sku": "s", "n": 2}]}
    others = [
        {**match, "total": 10},
        {**match, "state": "draft"},
        {**match, "id": "x"},
        {**match, "note": ""},
    ]
    answer = target.client("events").put_events(
        Entries=[
            *(_entry(made["Bus"], json.dumps(detail)) for detail in (match, *others)),
            _entry(made["Bus"], "no JSON"),
        ]
    )
    transformed, told = target.bodies(made["Transformed"], 1), target.bodies(made["Seen"], 1)
    return {
        "entries that failed": answer["FailedEntryCount"],
        "errors of the entries": [entry.get("ErrorCode") for entry in answer["Entries"]],
        "transformed": transformed,
        "told to the function": told,
    }


def _entry(bus: str, detail: str) -> dict[str, str]:
    return {"EventBusName": bus, "Source": "shop", "DetailType": "order", "Detail": detail}


def topic(target: Target) -> Observation:
    """Publish to a topic with three subscriptions: by attributes, by the body, and to all."""

    def subscription(queue_id: str, **properties: Any) -> dict[str, Any]:
        return {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": ref("Topic"),
                "Protocol": "sqs",
                "Endpoint": arn(queue_id),
                **properties,
            },
        }

    names = ("ByAttribute", "ByBody", "All")
    made = target.deploy(
        {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {}},
            **{name: queue() for name in names},
            "QueuePolicy": open_queues(*names),
            "First": subscription("ByAttribute", RawMessageDelivery=True, FilterPolicy={"kind": ["a"]}),
            "Second": subscription(
                "ByBody",
                RawMessageDelivery=True,
                FilterPolicyScope="MessageBody",
                FilterPolicy={"order": {"total": [{"numeric": [">", 10]}]}},
            ),
            "Third": subscription("All"),
        },
        {name: ref(name) for name in ("Topic", *names)},
    )
    sns = target.client("sns")
    for kind, total in (("a", 5), ("b", 20)):
        sns.publish(
            TopicArn=made["Topic"],
            Subject="orders",
            Message=json.dumps({"order": {"total": total}}),
            MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
        )
    envelopes = target.bodies(made["All"], 2)
    by_attribute = target.receive(made["ByAttribute"], 1)
    return {
        "by attribute": [json.loads(message["Body"]) for message in by_attribute],
        "attributes of a raw message": [
            {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
            for message in by_attribute
        ],
        "by body": target.bodies(made["ByBody"], 1),
        "fields of an envelope": sorted(envelopes[0]) if envelopes else None,
        "messages in envelopes": sorted(json.loads(each["Message"])["order"]["total"] for each in envelopes),
        "attributes in an envelope": sorted(json.dumps(each.get("MessageAttributes")) for each in envelopes),
    }


SCENARIOS = (
    Scenario(
        "A rule with a pattern and a transformer",
        rule,
        {
            "entries that failed": 1,
            "errors of the entries": [None, None, None, None, None, "MalformedDetail"],
            "transformed": [
                {"order": "o-1", "total": 12, "lines": [{"sku": "s", "n": 2}], "text": "order o-1 of 12"}
            ],
            "told to the function": [
                {
                    "fields": [
                        "account",
                        "detail",
                        "detail-type",
                        "id",
                        "region",
                        "resources",
                        "source",
                        "time",
                        "version",
                    ],
                    "detail": {"id": "o-1", "total": 12, "state": "open", "lines": [{"sku": "s", "n": 2}]},
                    "type": "order",
                }
            ],
        },
        (
            "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html",
            "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html",
            "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html",
        ),
    ),
    Scenario(
        "A topic with filter policies",
        topic,
        {
            "by attribute": [{"order": {"total": 5}}],
            "attributes of a raw message": [{"kind": "a"}],
            "by body": [{"order": {"total": 20}}],
            "fields of an envelope": [
                "Message",
                "MessageAttributes",
                "MessageId",
                "Signature",
                "SignatureVersion",
                "SigningCertURL",
                "Subject",
                "Timestamp",
                "TopicArn",
                "Type",
                "UnsubscribeURL",
            ],
            "messages in envelopes": [5, 20],
            "attributes in an envelope": [
                '{"kind": {"Type": "String", "Value": "a"}}',
                '{"kind": {"Type": "String", "Value": "b"}}',
            ],
        },
        (
            "https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html",
            "https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html",
            "https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html",
        ),
    ),
)
