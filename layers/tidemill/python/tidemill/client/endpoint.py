"""Which cloud to talk to: the one the environment names, else the local one that is running.

AWS_ENDPOINT_URL given    that endpoint
other AWS settings given  AWS itself
a local cloud is up       its endpoint, found in .tidemill/local.json
else                      AWS itself, as boto3's own configuration says
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import psutil
from botocore.config import Config

LOCAL_REGION = "us-east-1"
# A local cloud takes any key; AWS itself would refuse these.
LOCAL_KEY = "test"
AWS_SETTINGS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
TIMEOUT_SECONDS = 60
CHECKOUT_STATE = Path(__file__).parents[5] / ".tidemill"
"""Where the checkout this library is installed from keeps the state of its local cloud."""
START_TIME_ERROR_SECONDS = 2  # the system reckons when a process started from when itself did


@dataclass(frozen=True)
class LocalCloud:
    """A local cloud that runs: its process, and where it listens."""

    pid: int
    port: int

    @property
    def endpoint(self) -> str:
        """The URL for AWS_ENDPOINT_URL."""
        return f"http://localhost:{self.port}"

    def save(self, state_dir: Path) -> None:
        """Leave word of this cloud for other commands; whole or not at all."""
        state_dir.mkdir(parents=True, exist_ok=True)
        unfinished = state_dir / f"local.{self.pid}.json"
        unfinished.write_text(json.dumps(asdict(self)))
        unfinished.replace(state_dir / "local.json")


def find_local_cloud(state_dir: Path) -> LocalCloud | None:
    """Return the local cloud this checkout runs, or None; a file left by an ended process is none.

    Parameters
    ----------
    state_dir
        The checkout's ``.tidemill`` folder.
    """
    file = state_dir / "local.json"
    try:
        cloud = LocalCloud(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    return cloud if _still_runs(cloud.pid, file.stat().st_mtime) else None


def _still_runs(pid: int, since: float) -> bool:
    """Return whether the process that had an id at a moment has it still: ids are given out again."""
    try:
        return psutil.Process(pid).create_time() <= since + START_TIME_ERROR_SECONDS
    except psutil.NoSuchProcess:
        return False


def forget_local_cloud(state_dir: Path, pid: int) -> None:
    """Remove the word a local cloud left, if it is still that cloud's."""
    cloud = find_local_cloud(state_dir)
    if cloud is not None and cloud.pid == pid:
        (state_dir / "local.json").unlink(missing_ok=True)


@dataclass(frozen=True)
class Endpoint:
    """A cloud to talk to: a boto3 session, and the endpoint's URL where it is not AWS's own."""

    session: boto3.Session
    url: str | None

    def client(self, service: str, *, attempts: int = 4) -> Any:
        """Return a boto3 client of the service.

        Parameters
        ----------
        service
            A service's name, such as ``s3``.
        attempts
            How often a call is tried; 1 where a repeated call would be mistaken for another one.
        """
        config = Config(
            connect_timeout=5,
            read_timeout=TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": attempts},
        )
        return self.session.client(service, endpoint_url=self.url, config=config)  # type: ignore[call-overload]

    def file_properties(self) -> dict[str, str]:
        """Return what PyIceberg needs to read files where this session reads them."""
        properties = {"s3.endpoint": self.url} if self.url else {}
        credentials = self.session.get_credentials()
        if credentials is not None:
            frozen = credentials.get_frozen_credentials()
            found = {
                "s3.access-key-id": frozen.access_key,
                "s3.secret-access-key": frozen.secret_key,
                "s3.session-token": frozen.token,
            }
            properties |= {name: value for name, value in found.items() if value}
        return properties

    @property
    def name(self) -> str:
        """What to call it in a message."""
        region = self.session.region_name
        return self.url or (f"AWS in {region}" if region else "AWS, where no region is set")


def find_endpoint(state_dir: Path, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """Return the cloud to talk to, by the rule at the top of this module.

    Parameters
    ----------
    state_dir
        The checkout's ``.tidemill`` folder.
    environ
        The environment's variables.
    """
    url = environ.get("AWS_ENDPOINT_URL")
    if url is None and not any(name in environ for name in AWS_SETTINGS):
        local = find_local_cloud(state_dir)
        url = local.endpoint if local else None
    return Endpoint(_session(url, environ), url)


def endpoint_of(cloud: LocalCloud) -> Endpoint:
    """Return the endpoint of a local cloud, whatever the environment says."""
    return Endpoint(_session(cloud.endpoint, {}), cloud.endpoint)


def _session(url: str | None, environ: Mapping[str, str]) -> boto3.Session:
    if url is None or urlsplit(url).hostname not in LOCAL_HOSTS:
        return boto3.Session()
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or LOCAL_REGION
    if any(name in environ for name in AWS_SETTINGS):
        return boto3.Session(region_name=region)
    return boto3.Session(region_name=region, aws_access_key_id=LOCAL_KEY, aws_secret_access_key=LOCAL_KEY)
