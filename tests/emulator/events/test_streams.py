"""Functions take the changes of a table from its stream: in order, none skipped, none lost."""

import json
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.events.stream_tables import PRINT, SEEN, flat, follow, put, seen, table


def test_function_receives_the_changes_as_dynamodb_writes_them(bench: Any) -> None:
    stream = table(bench)
    bench.function("reader", PRINT)
    follow(bench, "reader", stream)
    client = bench("dynamodb")
    key = {"id": {"S": "a"}}
    client.update_item(
        TableName="items",
        Key=key,
        UpdateExpression="SET n = :n, b = :b",
        ExpressionAttributeValues={":n": {"N": "1"}, ":b": {"B": b"\x00"}},
    )
    bench.cloud.clock.advance_to(bench.cloud.clock.now() + timedelta(seconds=90))
    client.put_item(TableName="items", Item=key | {"n": {"N": "2"}})
    client.put_item(TableName="items", Item=key | {"n": {"N": "2"}})  # changes nothing
    client.delete_item(TableName="items", Key=key)
    bench.cloud.settle(20)
    records = [record for event in bench.lines("reader") for record in event["Records"]]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    inserted, modified, removed = (record["dynamodb"] for record in records)
    assert inserted["NewImage"] == key | {"n": {"N": "1"}, "b": {"B": "AA=="}}
    assert "OldImage" not in inserted
    assert (modified["OldImage"]["n"], modified["NewImage"]["n"]) == ({"N": "1"}, {"N": "2"})
    assert removed["OldImage"] == key | {"n": {"N": "2"}}
    assert "NewImage" not in removed
    assert inserted["Keys"] == key
    assert inserted["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert inserted["ApproximateCreationDateTime"] == 1356998400  # the virtual clock's
    assert modified["ApproximateCreationDateTime"] == 1356998490
    numbers = [int(change["SequenceNumber"]) for change in (inserted, modified, removed)]
    assert numbers == sorted(set(numbers))
    assert removed["SizeBytes"] == 8  # the key by itself and in the image, and `n`
    first = records[0]
    assert (first["eventSource"], first["awsRegion"], first["eventVersion"]) == (
        "aws:dynamodb",
        "us-east-1",
        "1.1",
    )
    assert first["eventSourceARN"] == stream
    assert len({record["eventID"] for record in records}) == 3
    assert "userIdentity" not in first


@pytest.mark.parametrize(
    ("view", "images"),
    [("KEYS_ONLY", set()), ("NEW_IMAGE", {"NewImage"}), ("OLD_IMAGE", {"OldImage"})],
)
def test_stream_shows_the_images_of_its_view(bench: Any, view: str, images: set[str]) -> None:
    stream = table(bench, view=view)
    put(bench, "a")
    put(bench, "a", n={"N": "1"})
    streams = bench("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    modified = streams.get_records(ShardIterator=iterator)["Records"][1]["dynamodb"]
    assert modified.keys() & {"NewImage", "OldImage"} == images
    assert modified["ApproximateCreationDateTime"] == bench.cloud.clock.now()


def test_failed_transaction_leaves_no_record(bench: Any) -> None:
    stream = table(bench)
    bench.function("reader", SEEN)
    follow(bench, "reader", stream)
    client = bench("dynamodb")
    puts = [{"Put": {"TableName": "items", "Item": {"id": {"S": name}}}} for name in "ab"]
    check = {
        "ConditionCheck": {
            "TableName": "items",
            "Key": {"id": {"S": "missing"}},
            "ConditionExpression": "attribute_exists(id)",
        }
    }
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(TransactItems=[*puts, check])
    client.transact_write_items(TransactItems=puts[1:])
    bench.cloud.settle(20)
    assert seen(bench, "reader") == [["b"]]


def test_mapping_starts_at_the_oldest_record_or_after_the_latest(bench: Any) -> None:
    stream = table(bench)
    for name in ("all", "new"):
        bench.function(name, SEEN)
    put(bench, "a", "b")
    follow(bench, "all", stream)
    follow(bench, "new", stream, StartingPosition="LATEST")
    put(bench, "c")
    bench.cloud.settle(20)
    assert flat(seen(bench, "all")) == ["a", "b", "c"]
    assert flat(seen(bench, "new")) == ["c"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"StartingPosition": "AT_TIMESTAMP"}, "StartingPosition is AT_TIMESTAMP"),
        ({"TumblingWindowInSeconds": 5}, "TumblingWindowInSeconds: not an option"),
        ({"ParallelizationFactor": 11}, "ParallelizationFactor is 11; it lies between 1 and 10"),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:s3:::bucket"}}},
            "OnFailure is arn:aws:s3:::bucket",
        ),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"a": 1}'}]}}, "Invalid filter pattern"),
    ],
)
def test_what_a_mapping_cannot_do_is_refused_by_name(
    bench: Any, options: dict[str, Any], complaint: str
) -> None:
    stream = table(bench)
    bench.function("reader", SEEN)
    with pytest.raises(ClientError, match=complaint):
        follow(bench, "reader", stream, **options)


def test_batches_fill_up_and_their_window_ends_when_somebody_waits(bench: Any) -> None:
    stream = table(bench)
    bench.function("reader", SEEN)
    follow(bench, "reader", stream, BatchSize=4, MaximumBatchingWindowInSeconds=120)
    put(bench, *"abcdefghij")
    bench.cloud.settle(20)
    assert [len(batch) for batch in seen(bench, "reader")] == [4, 4, 2]
    assert flat(seen(bench, "reader")) == list("abcdefghij")


def test_parallel_lanes_keep_the_order_of_each_item(bench: Any) -> None:
    stream = table(bench, sort=True)
    bench.function("reader", PRINT)
    follow(bench, "reader", stream, BatchSize=3, ParallelizationFactor=4)
    for number in range(40):
        bench("dynamodb").put_item(
            TableName="items",
            Item={"id": {"S": f"i{number % 5}"}, "at": {"S": "x"}, "n": {"N": str(number)}},
        )
    bench.cloud.settle(30)
    by_item: dict[str, list[int]] = defaultdict(list)
    for event in bench.lines("reader"):
        for record in event["Records"]:
            image = record["dynamodb"]["NewImage"]
            by_item[image["id"]["S"]].append(int(image["n"]["N"]))
    assert sorted(flat(by_item.values())) == list(range(40))


def test_filters_let_through_what_matches(bench: Any) -> None:
    stream = table(bench)
    bench.function("reader", SEEN)
    pattern = {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"kind": {"S": [{"prefix": "want"}]}}},
    }
    follow(bench, "reader", stream, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    put(bench, "a", "b", kind={"S": "wanted"})
    put(bench, "c", "d", kind={"S": "other"})
    put(bench, "a", kind={"S": "wanted too"})
    bench.cloud.settle(20)
    assert flat(seen(bench, "reader")) == ["a", "b"]


def test_disabled_mapping_keeps_its_place(bench: Any) -> None:
    stream = table(bench)
    bench.function("reader", SEEN)
    mapping = follow(bench, "reader", stream)
    put(bench, "a")
    bench.cloud.settle(20)
    bench("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
    put(bench, "b")
    bench.cloud.settle(5)
    bench("lambda").update_event_source_mapping(UUID=mapping, Enabled=True, ParallelizationFactor=2)
    put(bench, "c")
    bench.cloud.settle(20)
    assert sorted(flat(seen(bench, "reader"))) == ["a", "b", "c"]


def test_stream_is_read_only_when_the_functions_role_may_read_it(bench: Any) -> None:
    stream = table(bench)
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = bench("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    bench.function("reader", SEEN)
    bench("lambda").update_function_configuration(FunctionName="reader", Role=role)
    follow(bench, "reader", stream)
    put(bench, "a")
    bench.cloud.settle(5)
    assert seen(bench, "reader") == []
    actions = [f"dynamodb:{name}" for name in ("GetRecords", "GetShardIterator", "DescribeStream")]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": stream},
            {"Effect": "Allow", "Action": "dynamodb:ListStreams", "Resource": "*"},
        ],
    }
    bench("iam").put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=json.dumps(policy))
    bench.cloud.settle(20)
    assert seen(bench, "reader") == [["a"]]


def test_template_maps_a_tables_stream_to_its_function(bench: Any) -> None:
    bench.function("reader", SEEN)
    _, failures = bench.queue("failures")
    mapping = {
        "FunctionName": "reader",
        "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 10,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 3,
        "MaximumRecordAgeInSeconds": 600,
        "ParallelizationFactor": 2,
        "DestinationConfig": {"OnFailure": {"Destination": failures}},
    }
    table_of_items = {
        "TableName": "items",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
    template = {
        "Resources": {
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table_of_items},
            "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
        }
    }
    bench("cloudformation").create_stack(StackName="streamed", TemplateBody=json.dumps(template))
    (made,) = bench("lambda").list_event_source_mappings(FunctionName="reader")["EventSourceMappings"]
    assert (made["ParallelizationFactor"], made["MaximumRetryAttempts"]) == (2, 3)
    put(bench, "a", "b")
    bench.cloud.settle(20)
    assert sorted(flat(seen(bench, "reader"))) == ["a", "b"]
