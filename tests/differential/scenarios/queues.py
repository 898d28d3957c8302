"""Queues: partial batch failures and redrive, FIFO order and deduplication."""

from typing import Any

from tests.differential.scenario import Observation, Scenario, Target
from tests.differential.template import ROLE, TELL, arn, function, mapping, queue, ref

FAILS_BAD = (
    TELL
    + """
def handler(event, context):
    failed = []
    for record in event["Records"]:
        tell({"body": record["body"], "received": record["attributes"]["ApproximateReceiveCount"],
              "record": sorted(record), "attributes": sorted(record["attributes"]),
              "source": record["eventSource"]})
        if record["body"] == "bad":
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
"""
)


def failing_batch(target: Target) -> Observation:
    """Send two messages that succeed and one that never does."""
    made = target.deploy(
        {
            "Role": ROLE,
            "Seen": queue(),
            "Dead": queue(),
            "Work": queue(
                VisibilityTimeout=2,
                RedrivePolicy={"deadLetterTargetArn": arn("Dead"), "maxReceiveCount": 2},
            ),
            "Worker": function(Timeout=2),
            "Mapping": mapping(
                arn("Work"), "Worker", BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"]
            ),
        },
        {name: ref(name) for name in ("Work", "Dead", "Seen")},
        Worker=FAILS_BAD,
    )
    sent = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(("good", "bad", "fine"))]
    target.client("sqs").send_message_batch(QueueUrl=made["Work"], Entries=sent)
    dead = target.receive(made["Dead"], 1)
    seen = target.bodies(made["Seen"], 4)
    return {
        "times each message was received": _deliveries(seen),
        "dead letters": [message["Body"] for message in dead],
        "fields of a record": seen[0]["record"] if seen else None,
        "attributes of a record": seen[0]["attributes"] if seen else None,
        "source of a record": seen[0]["source"] if seen else None,
    }


def _deliveries(seen: list[dict[str, Any]]) -> dict[str, list[str]]:
    by_body: dict[str, list[str]] = {}
    for one in seen:
        by_body.setdefault(one["body"], []).append(one["received"])
    return {body: sorted(received) for body, received in sorted(by_body.items())}


def fifo(target: Target) -> Observation:
    """Send two groups and a repetition, and receive while a group is in flight."""
    sqs = target.client("sqs")
    url = sqs.create_queue(
        QueueName=f"{target.name}.fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "30"}
    )["QueueUrl"]

    def send(body: str, group: str, deduplication: str) -> str:
        answer = sqs.send_message(
            QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=deduplication
        )
        return str(answer["MessageId"])

    first = send("a1", "a", "1")
    again = send("a1 again", "a", "1")
    send("a2", "a", "2")
    send("b1", "b", "3")

    def receive(count: int) -> list[dict[str, Any]]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, AttributeNames=["All"])
        return list(answer.get("Messages", []))

    one, other, none = receive(1), receive(10), receive(10)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=one[0]["ReceiptHandle"])
    after = receive(10)
    return {
        "a repetition has the id of the first": first == again,
        "first received": [message["Body"] for message in one],
        "received while its group is in flight": [message["Body"] for message in other],
        "received while both groups are in flight": [message["Body"] for message in none],
        "received after the first is deleted": [message["Body"] for message in after],
        "attributes of a group": sorted(set(one[0]["Attributes"]) & {"MessageGroupId", "SequenceNumber"}),
    }


SCENARIOS = (
    Scenario(
        "A queue with a failing batch",
        failing_batch,
        {
            "times each message was received": {"bad": ["1", "2"], "fine": ["1"], "good": ["1"]},
            "dead letters": ["bad"],
            "fields of a record": [
                "attributes",
                "awsRegion",
                "body",
                "eventSource",
                "eventSourceARN",
                "md5OfBody",
                "messageAttributes",
                "messageId",
                "receiptHandle",
            ],
            "attributes of a record": [
                "ApproximateFirstReceiveTimestamp",
                "ApproximateReceiveCount",
                "SenderId",
                "SentTimestamp",
            ],
            "source of a record": "aws:sqs",
        },
        (
            "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html",
            "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
        ),
    ),
    Scenario(
        "A FIFO queue with two groups",
        fifo,
        {
            "a repetition has the id of the first": True,
            "first received": ["a1"],
            "received while its group is in flight": ["b1"],
            "received while both groups are in flight": [],
            "received after the first is deleted": ["a2"],
            "attributes of a group": ["MessageGroupId", "SequenceNumber"],
        },
        (
            "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html",
            "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html",
        ),
    ),
)
