"""Functions take the changes of a table from its stream: in order, none skipped, none lost."""

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

PRINT = """
    import json
    def handler(event, context):
        print(json.dumps(event))
"""
SEEN = """
    import json
    def handler(event, context):
        print(json.dumps({"seen": [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]}))
        bad = [r for r in event["Records"] if r["dynamodb"]["NewImage"].get("bad")]
"""
RAISES = SEEN + "        if bad: raise ValueError('bad')\n"
REPORTS = (
    SEEN
    + "        return {'batchItemFailures': "
    + "[{'itemIdentifier': r['dynamodb']['SequenceNumber']} for r in bad]}\n"
)


def table(bench: Any, name: str = "items", view: str = "NEW_AND_OLD_IMAGES", *, sort: bool = False) -> str:
    """Make a table with a stream; give the stream's ARN."""
    keys = ["id", "at"] if sort else ["id"]
    made = bench("dynamodb").create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )
    return str(made["TableDescription"]["LatestStreamArn"])


def put(bench: Any, *ids: str, **attributes: Any) -> None:
    """Put items into the table."""
    for item_id in ids:
        bench("dynamodb").put_item(TableName="items", Item={"id": {"S": item_id}, **attributes})


def follow(bench: Any, function: str, stream: str, **options: Any) -> str:
    """Map the stream to the function; give the mapping's id."""
    made = bench("lambda").create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName=function,
        **{"StartingPosition": "TRIM_HORIZON"} | options,
    )
    return str(made["UUID"])


def seen(bench: Any, function: str) -> list[list[str]]:
    """Give the batches a function has seen, as ids of items."""
    return [line["seen"] for line in bench.lines(function)]


def flat(batches: Iterable[list[Any]]) -> list[Any]:
    """Give what batches hold, in order."""
    return list(itertools.chain.from_iterable(batches))


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


def test_failed_batch_comes_again_after_growing_waits_and_holds_up_what_follows(bench: Any) -> None:
    stream = table(bench)
    bench.function("reader", RAISES)
    follow(bench, "reader", stream)
    put(bench, "a", bad={"BOOL": True})
    clock = bench.cloud.clock
    start = clock.now()
    clock.advance_to(start + timedelta(seconds=0.9))
    put(bench, "b")
    assert seen(bench, "reader") == [["a"]]
    clock.advance_to(start + timedelta(seconds=1))
    assert seen(bench, "reader") == [["a"]] * 2
    clock.advance_to(start + timedelta(seconds=7))
    assert seen(bench, "reader") == [["a"]] * 4  # after 1, 3 and 7 seconds
    clock.advance_to(start + timedelta(hours=1))
    put(bench, "c")
    clock.advance_to(start + timedelta(hours=24, minutes=6))  # the stream has lost the first two by then
    assert seen(bench, "reader")[-1] == ["c"]
    assert all(batch == ["a"] for batch in seen(bench, "reader")[:-1])


def test_given_up_batch_is_reported_to_the_failure_destination(bench: Any) -> None:
    stream = table(bench)
    url, failures = bench.queue("failures")
    arn = bench.function("reader", RAISES)
    follow(
        bench,
        "reader",
        stream,
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": failures}},
    )
    put(bench, "a", bad={"BOOL": True})
    bench.cloud.settle(20)
    put(bench, "b")
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=10))
    assert seen(bench, "reader") == [["a"], ["a"], ["a"], ["b"]]
    (report,) = bench.bodies(url)
    context = report["requestContext"]
    assert (context["condition"], context["functionArn"]) == ("RetryAttemptsExhausted", arn)
    assert context["approximateInvokeCount"] == 3
    assert report["responseContext"]["functionError"] == "Unhandled"
    info = report["DDBStreamBatchInfo"]
    assert (info["batchSize"], info["streamArn"]) == (1, stream)
    assert info["startSequenceNumber"] == info["endSequenceNumber"]
    assert info["approximateArrivalOfFirstRecord"] == "2013-01-01T00:00:00Z"
    assert report["timestamp"].startswith("2013-01-01T00:00:03")


def test_records_that_are_too_old_are_given_up_unseen(bench: Any) -> None:
    stream = table(bench)
    url, failures = bench.queue("failures")
    bench.function("reader", RAISES)
    mapping = follow(
        bench,
        "reader",
        stream,
        Enabled=False,
        MaximumRecordAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": failures}},
    )
    put(bench, "a", "b")
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=61))
    put(bench, "c")
    bench("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    bench.cloud.settle(20)
    assert seen(bench, "reader") == [["c"]]
    (report,) = bench.bodies(url)
    assert report["requestContext"]["condition"] == "RecordAgeExceeded"
    assert report["DDBStreamBatchInfo"]["batchSize"] == 2


def test_reported_failure_is_where_the_next_batch_begins(bench: Any) -> None:
    stream = table(bench)
    bench.function("reader", REPORTS)
    mapping = follow(
        bench,
        "reader",
        stream,
        Enabled=False,
        MaximumRetryAttempts=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    put(bench, "a", "b")
    put(bench, "c", bad={"BOOL": True})
    put(bench, "d")
    bench("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=10))
    assert seen(bench, "reader") == [["a", "b", "c", "d"], ["c", "d"]]


def test_splitting_finds_the_one_bad_record_and_delivers_the_others(bench: Any) -> None:
    stream = table(bench)
    url, failures = bench.queue("failures")
    bench.function("reader", RAISES)
    mapping = follow(
        bench,
        "reader",
        stream,
        Enabled=False,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": failures}},
    )
    put(bench, "a", "b")
    put(bench, "c", bad={"BOOL": True})
    put(bench, "d", "e")
    bench("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    clock = bench.cloud.clock
    clock.advance_to(clock.now() + timedelta(seconds=10))
    assert seen(bench, "reader") == [list("abcde"), list("ab"), list("cde"), ["c"], ["c"], list("de")]
    (report,) = bench.bodies(url)
    assert report["DDBStreamBatchInfo"]["batchSize"] == 1


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
