"""What PyIceberg and Arrow's S3 raise, as errors of ours; the twin of ``failures.py`` for the data layer."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyiceberg import exceptions

from tidemill.aws.failures import aws_failures
from tidemill.errors import Conflict, NotFound, TidemillError, Unavailable

ICEBERG_ERRORS: dict[type[BaseException], type[TidemillError]] = {
    exceptions.NoSuchTableError: NotFound,
    exceptions.NoSuchViewError: NotFound,
    exceptions.NoSuchIdentifierError: NotFound,
    exceptions.CommitFailedException: Conflict,
    exceptions.ValidationException: Conflict,
    exceptions.WaitingForLockException: Conflict,
    exceptions.TableAlreadyExistsError: Conflict,
    exceptions.ViewAlreadyExistsError: Conflict,
    exceptions.NamespaceAlreadyExistsError: Conflict,
    exceptions.NamespaceNotEmptyError: Conflict,
    exceptions.NoSuchNamespaceError: Unavailable,  # the database is part of the deployment
    exceptions.NoSuchPropertyException: Unavailable,
    exceptions.NoSuchPlanTaskError: Unavailable,
    exceptions.NotInstalledError: Unavailable,
    exceptions.SignError: Unavailable,
    exceptions.ResolveError: Unavailable,
    exceptions.ValidationError: Unavailable,
    exceptions.RESTError: Unavailable,
    exceptions.DynamoDbError: Unavailable,
    OSError: Unavailable,  # how Arrow's S3 file system reports everything
}


@contextmanager
def iceberg_failures(doing: str) -> Iterator[None]:
    """Turn the errors of PyIceberg, Arrow and botocore into Tidemill's, saying what was being done.

    Parameters
    ----------
    doing
        What the block does and to what, such as ``"reading table `flights`"``.

    Raises
    ------
    NotFound
        If the table does not exist.
    Conflict
        If somebody else committed first.
    Unavailable
        If the catalog or the storage did not do as told.
    """
    try:
        with aws_failures(doing):
            yield
    except tuple(ICEBERG_ERRORS) as error:
        mapped = next(ours for theirs, ours in ICEBERG_ERRORS.items() if isinstance(error, theirs))
        raise mapped(f"{doing}: {error}") from error
