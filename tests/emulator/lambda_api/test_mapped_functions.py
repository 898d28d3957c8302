"""Queues that feed an alias."""

from typing import Any


def test_a_queue_feeds_the_version_its_alias_points_to_now(workshop: Any) -> None:
    client, sqs = workshop.client, workshop.cloud.client("sqs")
    arn = workshop.function("fed")
    client.publish_version(FunctionName="fed")
    workshop.recode("fed", "SECOND")
    client.publish_version(FunctionName="fed")
    client.create_alias(FunctionName="fed", Name="live", FunctionVersion="1")
    url = sqs.create_queue(QueueName="food")["QueueUrl"]
    source = "arn:aws:sqs:us-east-1:123456789012:food"
    mapping = client.create_event_source_mapping(EventSourceArn=source, FunctionName=f"{arn}:live")
    assert mapping["FunctionArn"] == f"{arn}:live"

    def feed() -> list[str]:
        sqs.send_message(QueueUrl=url, MessageBody="x")
        workshop.cloud.settle(30)
        return [each.version for each in workshop.cloud.pool.recent() if each.function_name == "fed"]

    assert feed() == ["1"]
    client.update_alias(FunctionName="fed", Name="live", FunctionVersion="2")
    assert feed() == ["1", "2"]
    client.update_event_source_mapping(UUID=mapping["UUID"], FunctionName="fed")
    assert feed() == ["1", "2", "$LATEST"]
    client.delete_event_source_mapping(UUID=mapping["UUID"])
