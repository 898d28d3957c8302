"""Services answer with the statuses, codes and attributes that AWS documents, where moto alone does not."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.cloud import Cloud


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(ClientError) as refused:
        call()
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


@pytest.fixture(scope="module")
def s3(cloud: Cloud) -> Any:
    client = cloud.client("s3")
    client.create_bucket(Bucket="kept")
    client.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket="kept", Key="k", Body=b"first")
    return client


def test_errors_of_s3_have_the_statuses_of_its_list(s3: Any) -> None:
    etag = s3.head_object(Bucket="kept", Key="k")["ETag"]
    assert refusal(lambda: s3.put_object(Bucket="kept", Key="k", IfNoneMatch="*")) == (
        412,
        "PreconditionFailed",
    )
    assert refusal(lambda: s3.put_object(Bucket="kept", Key="k", IfMatch='"0"')) == (
        412,
        "PreconditionFailed",
    )
    assert refusal(lambda: s3.delete_bucket(Bucket="kept")) == (409, "BucketNotEmpty")
    assert refusal(lambda: s3.get_bucket_policy(Bucket="kept")) == (404, "NoSuchBucketPolicy")
    assert refusal(lambda: s3.get_object(Bucket="kept", Key="none")) == (404, "NoSuchKey")
    s3.put_object(Bucket="kept", Key="k", Body=b"second", IfMatch=etag)


def test_a_delete_marker_cannot_be_read(s3: Any) -> None:
    s3.put_object(Bucket="kept", Key="gone", Body=b"x")
    marker = s3.delete_object(Bucket="kept", Key="gone")["VersionId"]
    assert refusal(lambda: s3.get_object(Bucket="kept", Key="gone", VersionId=marker)) == (
        405,
        "MethodNotAllowed",
    )


@pytest.mark.parametrize("name", ["Capitals", "under_score", "two..dots", "10.0.0.1", "xn--a"])
def test_a_bucket_is_not_made_under_a_name_s3_does_not_take(s3: Any, name: str) -> None:
    assert refusal(lambda: s3.create_bucket(Bucket=name))[1] == "InvalidBucketName"


def test_errors_of_a_batch_carry_the_prefix_that_clients_look_for(cloud: Cloud) -> None:
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="batches")["QueueUrl"]
    entry = {"Id": "same", "MessageBody": "m"}
    assert refusal(lambda: sqs.send_message_batch(QueueUrl=url, Entries=[entry, entry])) == (
        400,
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    )
    with pytest.raises(sqs.exceptions.TooManyEntriesInBatchRequest):
        sqs.send_message_batch(QueueUrl=url, Entries=[{**entry, "Id": str(each)} for each in range(11)])


def test_an_update_that_says_nothing_makes_the_item_of_its_key(cloud: Cloud) -> None:
    client = cloud.client("dynamodb")
    client.create_table(
        TableName="bare",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.update_item(TableName="bare", Key={"id": {"S": "a"}})
    assert client.scan(TableName="bare")["Items"] == [{"id": {"S": "a"}}]


def test_an_update_that_makes_an_item_returns_what_it_set_and_not_the_key(cloud: Cloud) -> None:
    tables = cloud.client("dynamodb")
    tables.create_table(
        TableName="counts",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )
    answer = tables.update_item(
        TableName="counts",
        Key={"k": {"S": "a"}},
        UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )
    assert answer["Attributes"] == {"n": {"N": "1"}}
