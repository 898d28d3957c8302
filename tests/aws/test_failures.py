"""Every error of the vendors becomes one of ours, in one place."""

import inspect
from types import ModuleType

import botocore.exceptions
import pyiceberg.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tidemill.aws.failures import BOTOCORE_ERRORS, aws_failures
from tidemill.aws.iceberg_failures import ICEBERG_ERRORS, iceberg_failures
from tidemill.errors import Conflict, NotFound, TidemillError, Unavailable, UploadRefused


def errors_of(module: ModuleType) -> list[type[Exception]]:
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Exception)
        and not issubclass(value, Warning)
        and value.__module__ == module.__name__
    ]


@pytest.mark.parametrize("error", errors_of(botocore.exceptions), ids=lambda error: error.__name__)
def test_no_error_of_botocore_is_unmapped(error: type[Exception]) -> None:
    assert issubclass(error, (ClientError, *BOTOCORE_ERRORS))


@pytest.mark.parametrize("error", errors_of(pyiceberg.exceptions), ids=lambda error: error.__name__)
def test_no_error_of_pyiceberg_is_unmapped(error: type[Exception]) -> None:
    assert issubclass(error, tuple(ICEBERG_ERRORS))


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("NoSuchKey", NotFound),
        ("NoSuchVersion", NotFound),
        ("404", NotFound),
        ("ConditionalCheckFailedException", Conflict),
        ("PreconditionFailed", Conflict),
        ("ThrottlingException", Unavailable),
        ("AccessDenied", Unavailable),
        ("NoSuchBucket", Unavailable),
        ("ResourceNotFoundException", Unavailable),
        ("SomethingAwsInventsTomorrow", Unavailable),
    ],
)
def test_an_answer_of_aws_is_told_by_its_code(code: str, ours: type[TidemillError]) -> None:
    answer = ClientError({"Error": {"Code": code, "Message": "because"}}, "GetObject")
    with pytest.raises(ours, match="reading s3://b/k") as raised, aws_failures("reading s3://b/k"):
        raise answer
    assert raised.value.__cause__ is answer


def test_no_answer_from_aws_is_unavailable_with_its_cause() -> None:
    silence = BotoCoreError()
    with pytest.raises(Unavailable, match="writing") as raised, aws_failures("writing"):
        raise silence
    assert raised.value.__cause__ is silence


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (pyiceberg.exceptions.NoSuchTableError("t"), NotFound),
        (pyiceberg.exceptions.CommitFailedException("t"), Conflict),
        (pyiceberg.exceptions.CommitStateUnknownException("t"), Unavailable),
        (FileNotFoundError("t"), Unavailable),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "m"}}, "GetTable"), Unavailable),
    ],
)
def test_a_failing_table_is_told_with_its_cause(theirs: Exception, ours: type[TidemillError]) -> None:
    with pytest.raises(ours, match="reading table `t`") as raised, iceberg_failures("reading table `t`"):
        raise theirs
    assert raised.value.__cause__ is theirs


def test_errors_of_ours_and_bugs_pass_through() -> None:
    for error in (UploadRefused("row 1"), KeyError("bug")):
        with pytest.raises(type(error)) as raised, iceberg_failures("doing"):
            raise error
        assert raised.value is error
