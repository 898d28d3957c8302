"""What goes wrong on the way to a cloud, in the library's own errors, which say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)

from tidemill.errors import Unavailable


@contextmanager
def cloud_failures(endpoint: str) -> Iterator[None]:
    """Turn what boto3 raises into ``Unavailable``.

    Parameters
    ----------
    endpoint
        What to call the cloud in a message.
    """
    try:
        yield
    except (NoCredentialsError, NoRegionError) as error:
        raise Unavailable(
            f"no local cloud is running and AWS is not configured ({error}); "
            "start one with `tidemill up`, or set AWS_PROFILE or AWS_ENDPOINT_URL"
        ) from error
    except EndpointConnectionError as error:
        raise Unavailable(f"nothing answers at {endpoint}; start a local cloud with `tidemill up`") from error
    except ClientError as error:
        detail = error.response.get("Error", {})
        raise Unavailable(
            f"{endpoint} refused {error.operation_name}: {detail.get('Code')}: {detail.get('Message')}; "
            "see what is deployed with `tidemill status`"
        ) from error
    except BotoCoreError as error:
        raise Unavailable(str(error)) from error
