"""Tables: a stream to a function, and conditional writes."""

from typing import Any

from botocore.exceptions import ClientError

from tests.differential.scenario import Observation, Scenario, Target, failure
from tests.differential.template import ROLE, TELL, function, mapping, queue, ref, table

TELLS_RECORDS = (
    TELL
    + """
def handler(event, context):
    for record in event["Records"]:
        change = record["dynamodb"]
        tell({"number": change["SequenceNumber"], "name": record["eventName"], "keys": change["Keys"],
              "new": change.get("NewImage"), "old": change.get("OldImage"), "view": change["StreamViewType"],
              "fields": sorted(record), "source": record["eventSource"], "version": record["eventVersion"]})
"""
)


def stream(target: Target) -> Observation:
    """Write, change and delete an item; a write that changes nothing leaves no record."""
    made = target.deploy(
        {
            "Role": ROLE,
            "Seen": queue(),
            "Table": table(StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"}),
            "Teller": function(),
            "Mapping": mapping(
                {"Fn::GetAtt": ["Table", "StreamArn"]},
                "Teller",
                StartingPosition="TRIM_HORIZON",
                BatchSize=10,
            ),
        },
        {name: ref(name) for name in ("Table", "Seen")},
        Teller=TELLS_RECORDS,
    )
    items = target.client("dynamodb")
    for value in ("1", "2", "2"):
        items.put_item(TableName=made["Table"], Item={"k": {"S": "a"}, "v": {"N": value}})
    items.delete_item(TableName=made["Table"], Key={"k": {"S": "a"}})
    seen = sorted(target.bodies(made["Seen"], 3), key=lambda record: int(record["number"]))
    first: dict[str, Any] = seen[0] if seen else {}
    return {
        "changes": [[record["name"], record["old"], record["new"]] for record in seen],
        "keys": first.get("keys"),
        "view": first.get("view"),
        "fields of a record": first.get("fields"),
        "source and version": [first.get("source"), first.get("version")],
    }


def conditional_writes(target: Target) -> Observation:
    """Write where something is and where nothing is, one at a time and in a transaction."""
    name = target.deploy({"Table": table()}, {"Table": ref("Table")})["Table"]
    items = target.client("dynamodb")
    there, unless = {"k": {"S": "a"}, "v": {"N": "1"}}, "attribute_not_exists(k)"
    items.put_item(TableName=name, Item=there, ConditionExpression=unless)
    return {
        "a write where something is": failure(
            lambda: items.put_item(TableName=name, Item=there, ConditionExpression=unless)
        ),
        "the item that was in the way": _item_of(
            lambda: items.put_item(
                TableName=name,
                Item=there,
                ConditionExpression=unless,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        ),
        "a change of what is not there": failure(
            lambda: items.update_item(
                TableName=name,
                Key={"k": {"S": "b"}},
                UpdateExpression="ADD v :one",
                ConditionExpression="attribute_exists(k)",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )
        ),
        "reasons of a transaction's end": _reasons(
            lambda: items.transact_write_items(
                TransactItems=[
                    {"Put": {"TableName": name, "Item": {"k": {"S": "c"}}}},
                    {"Put": {"TableName": name, "Item": there, "ConditionExpression": unless}},
                ]
            )
        ),
        "what the transaction left": items.get_item(TableName=name, Key={"k": {"S": "c"}}).get("Item"),
        "a count from nothing": items.update_item(
            TableName=name,
            Key={"k": {"S": "n"}},
            UpdateExpression="ADD n :two",
            ExpressionAttributeValues={":two": {"N": "2"}},
            ReturnValues="UPDATED_NEW",
        )["Attributes"],
        "an empty key": failure(lambda: items.put_item(TableName=name, Item={"k": {"S": ""}})).get("code"),
        "a key of another type": failure(lambda: items.put_item(TableName=name, Item={"k": {"N": "1"}})).get(
            "code"
        ),
        "a reserved word": failure(
            lambda: items.update_item(
                TableName=name,
                Key={"k": {"S": "a"}},
                UpdateExpression="SET name = :v",
                ExpressionAttributeValues={":v": {"S": "x"}},
            )
        ).get("code"),
    }


def _item_of(call: Any) -> Any:
    try:
        call()
    except ClientError as error:
        return error.response.get("Item")
    return None


def _reasons(call: Any) -> Any:
    try:
        call()
    except ClientError as error:
        return [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
    return None


FAILED = {
    "status": 400,
    "code": "ConditionalCheckFailedException",
    "message": "The conditional request failed",
}
SCENARIOS = (
    Scenario(
        "A table's stream to a function",
        stream,
        {
            "changes": [
                ["INSERT", None, {"k": {"S": "a"}, "v": {"N": "1"}}],
                ["MODIFY", {"k": {"S": "a"}, "v": {"N": "1"}}, {"k": {"S": "a"}, "v": {"N": "2"}}],
                ["REMOVE", {"k": {"S": "a"}, "v": {"N": "2"}}, None],
            ],
            "keys": {"k": {"S": "a"}},
            "view": "NEW_AND_OLD_IMAGES",
            "fields of a record": [
                "awsRegion",
                "dynamodb",
                "eventID",
                "eventName",
                "eventSource",
                "eventSourceARN",
                "eventVersion",
            ],
            "source and version": ["aws:dynamodb", "1.1"],
        },
        (
            "https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html",
            "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html",
        ),
    ),
    Scenario(
        "Conditional writes",
        conditional_writes,
        {
            "a write where something is": FAILED,
            "the item that was in the way": {"k": {"S": "a"}, "v": {"N": "1"}},
            "a change of what is not there": FAILED,
            "reasons of a transaction's end": ["None", "ConditionalCheckFailed"],
            "what the transaction left": None,
            "a count from nothing": {"n": {"N": "2"}},
            "an empty key": "ValidationException",
            "a key of another type": "ValidationException",
            "a reserved word": "ValidationException",
        },
        (
            "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html",
            "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html",
            "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html",
        ),
    ),
)
