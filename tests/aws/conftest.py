"""Tables of the features' store in DynamoDB on moto."""

import uuid
from collections.abc import Iterator

import pytest

from tidemill.aws.clients import client


@pytest.fixture
def features_table(aws_endpoint: str) -> Iterator[str]:
    """Return the name of an empty table of items, which expire as in the deployed one."""
    del aws_endpoint
    name = f"test-{uuid.uuid4()}"
    client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
    )
    client("dynamodb").update_time_to_live(
        TableName=name, TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True}
    )
    yield name
    client("dynamodb").delete_table(TableName=name)
