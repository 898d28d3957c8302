"""What AWS answers when it does not do as told, as errors of ours: one table, one context manager."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    MissingServiceIdError,
    UndefinedModelAttributeError,
)

from tidemill.errors import Conflict, NotFound, PlatformError, TidemillError, Unavailable

_CONFLICT_CODES = frozenset(
    {
        "ConditionalCheckFailedException",
        "TransactionCanceledException",
        "TransactionConflictException",
        "PreconditionFailed",
        "ConditionalRequestConflict",
        "ConcurrentModificationException",
    }
)
_NOT_FOUND_CODES = frozenset({"NoSuchKey", "NoSuchVersion", "404", "ExecutionDoesNotExist"})
# A version id that is not even well formed names nothing either.
_NOT_FOUND_MESSAGES = ("Invalid version id specified",)

BOTOCORE_ERRORS: dict[type[BaseException], type[PlatformError]] = {
    BotoCoreError: Unavailable,
    MissingServiceIdError: Unavailable,
    UndefinedModelAttributeError: Unavailable,
}
"""Errors botocore raises without an answer from AWS; a subclass maps as its nearest base does."""


@contextmanager
def aws_failures(doing: str) -> Iterator[None]:
    """Turn botocore's errors into Tidemill's, saying what was being done.

    Parameters
    ----------
    doing
        What the block does and to what, such as ``"reading s3://bucket/key"``.

    Raises
    ------
    NotFound
        If the addressed object does not exist.
    Conflict
        If a conditional write lost.
    Unavailable
        If AWS did not answer, throttled or denied the call, or a bucket, table or queue is missing.
    """
    try:
        yield
    except ClientError as error:
        raise from_client_error(error, doing) from error
    except tuple(BOTOCORE_ERRORS) as error:
        mapped = next(ours for theirs, ours in BOTOCORE_ERRORS.items() if isinstance(error, theirs))
        raise mapped(f"{doing}: no answer from AWS ({error}); it is safe to try again") from error


def from_client_error(error: ClientError, doing: str) -> TidemillError:
    """Return the error of ours for an AWS error answer."""
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    if code in _NOT_FOUND_CODES or message.startswith(_NOT_FOUND_MESSAGES):
        return NotFound(f"{doing}: there is no such thing ({code})")
    if code in _CONFLICT_CODES:
        return Conflict(f"{doing}: somebody else wrote first ({code}); read again and repeat")
    return Unavailable(f"{doing}: AWS answered {code or 'an error'} ({message})")
