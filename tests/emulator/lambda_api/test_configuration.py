"""What a function may be configured with, through the API."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

FITS = {"A": "x" * (4096 - len('{"A":""}'))}
OVER = {"A": FITS["A"] + "x"}
TWO = "def handler(event, context): return 2"


def test_an_environment_of_four_kilobytes_fits_and_one_byte_more_is_refused(workshop: Any) -> None:
    workshop.function("environment", Environment={"Variables": FITS})
    with pytest.raises(ClientError, match="4097 bytes as JSON, of 4096; the largest is A"):
        workshop.function("too-large", Environment={"Variables": OVER})
    with pytest.raises(ClientError, match="4KB limit"):
        workshop.client.update_function_configuration(
            FunctionName="environment", Environment={"Variables": OVER}
        )
    kept = workshop.client.get_function_configuration(FunctionName="environment")
    assert kept["Environment"]["Variables"] == FITS


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "reserved keys.*AWS_REGION"),
        ({"Timeout": 901}, "Timeout is 901; Lambda takes 1 to 900"),
        ({"MemorySize": 10241}, "MemorySize is 10241"),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"]}}, "VpcConfig is not supported.*leave VpcConfig out"),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "SnapStart is not supported"),
        ({"KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k"}, "KMSKeyArn is not supported"),
    ],
)
def test_what_lambda_or_the_local_cloud_refuses_is_refused_by_name(
    workshop: Any, settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ClientError, match=reason):
        workshop.function("refused", **settings)


def test_every_setting_that_is_changed_is_kept_and_described(workshop: Any) -> None:
    workshop.function("changed")
    letters = {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:letters"}
    changed = workshop.client.update_function_configuration(
        FunctionName="changed",
        DeadLetterConfig=letters,
        EphemeralStorage={"Size": 1024},
        LoggingConfig={"LogFormat": "JSON"},
        TracingConfig={"Mode": "Active"},
    )
    assert changed["DeadLetterConfig"] == letters
    assert changed["EphemeralStorage"] == {"Size": 1024}
    assert changed["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "/aws/lambda/changed"}
    assert changed["TracingConfig"] == {"Mode": "Active"}


def test_a_change_meant_for_an_older_revision_is_refused(workshop: Any) -> None:
    workshop.function("guarded-change")
    update = workshop.client.update_function_configuration
    old = workshop.client.get_function_configuration(FunctionName="guarded-change")["RevisionId"]
    update(FunctionName="guarded-change", Timeout=5, RevisionId=old)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        update(FunctionName="guarded-change", Timeout=6, RevisionId=old)


def test_code_can_be_published_as_it_is_uploaded(workshop: Any) -> None:
    workshop.function("uploaded")
    code = workshop.client.get_function(FunctionName="uploaded")["Configuration"]["CodeSha256"]
    made = workshop.client.update_function_code(
        FunctionName="uploaded", ZipFile=workshop.zipped(TWO), Publish=True
    )
    assert (made["Version"], made["CodeSha256"] == code) == ("1", False)
    assert workshop.call("uploaded:1") == 2
