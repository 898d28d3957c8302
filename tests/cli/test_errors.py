"""Whatever a cloud answers, a command ends with one line that says what to do."""

import click
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from cli.errors import CommandError, one_line_errors
from tidemill.errors import NotFound

DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not yours"}}, "GetObject")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (NoCredentialsError(), "tidemill up"),
        (EndpointConnectionError(endpoint_url="http://localhost:1"), "tidemill up"),
        (DENIED, "refused GetObject: AccessDenied: not yours"),
        (NotFound("no run\n  x"), "no run x"),
    ],
)
def test_an_error_is_one_line(error: Exception, says: str) -> None:
    """The line names the state found and the next step."""
    with pytest.raises(CommandError) as caught, one_line_errors("http://localhost:1"):
        raise error
    assert says in caught.value.message
    assert "\n" not in caught.value.message


def test_a_bug_stays_a_traceback() -> None:
    """What nobody foresaw is not dressed up as the user's mistake."""
    with pytest.raises(ZeroDivisionError), one_line_errors("anywhere"):
        raise ZeroDivisionError


def test_the_exit_code_is_not_zero() -> None:
    """Scripts notice."""
    assert CommandError("x").exit_code == 1
    assert issubclass(CommandError, click.ClickException)
