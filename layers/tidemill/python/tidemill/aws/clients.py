"""boto3 clients, made at first use and once per process."""

import functools
import os
from typing import Any

import boto3
from botocore.config import Config

# Longer than any call of ours takes, shorter than the functions' timeouts: a dead connection is
# given up and the call repeated while there is still time for it.
_CONNECT_TIMEOUT_SECONDS = 5
_READ_TIMEOUT_SECONDS = 20
_MAX_CONNECTIONS = 32


@functools.cache
def client(service: str, *, attempts: int = 5) -> Any:
    """Return this process's client of a service.

    ``AWS_ENDPOINT_URL`` is honoured by botocore itself; buckets are then addressed in the path,
    because a local endpoint has no host name per bucket.

    Parameters
    ----------
    service
        A service's name, such as ``s3``.
    attempts
        How often a call is tried; 1 where a repeated call would be mistaken for another one.

    Returns
    -------
    Any
        The boto3 client.
    """
    return boto3.client(
        service,  # type: ignore[call-overload]  # the stubs know literals only
        config=Config(
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            read_timeout=_READ_TIMEOUT_SECONDS,
            max_pool_connections=_MAX_CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": attempts},
            s3={"addressing_style": "path" if local_endpoint() else "auto"},
        ),
    )


def local_endpoint() -> str | None:
    """Return the endpoint that stands in for AWS, or None on AWS itself."""
    return os.environ.get("AWS_ENDPOINT_URL")
