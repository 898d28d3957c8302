"""Whatever goes wrong in a command ends as one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)

from tidemill.errors import TidemillError


class CommandError(click.ClickException):
    """A command that can not do what it was asked; shown as one line, exit code 1."""


@contextmanager
def one_line_errors(endpoint: str) -> Iterator[None]:
    """Turn the errors a cloud or the library may raise into a ``CommandError``.

    Parameters
    ----------
    endpoint
        What to call the cloud in a message.
    """
    try:
        yield
    except (NoCredentialsError, NoRegionError) as error:
        raise CommandError(
            f"no local cloud is running and AWS is not configured ({error}); "
            "start one with `tidemill up`, or set AWS_PROFILE or AWS_ENDPOINT_URL"
        ) from error
    except EndpointConnectionError as error:
        raise CommandError(
            f"nothing answers at {endpoint}; start a local cloud with `tidemill up`"
        ) from error
    except ClientError as error:
        detail = error.response.get("Error", {})
        raise CommandError(
            f"{endpoint} refused {error.operation_name}: {detail.get('Code')}: {detail.get('Message')}; "
            "see what is deployed with `tidemill status`"
        ) from error
    except (TidemillError, BotoCoreError) as error:
        raise CommandError(" ".join(str(error).split())) from error
