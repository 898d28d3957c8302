"""Whatever goes wrong in a command ends as one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from tidemill.client.failures import cloud_failures
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
        with cloud_failures(endpoint):
            yield
    except TidemillError as error:
        raise CommandError(" ".join(str(error).split())) from error
