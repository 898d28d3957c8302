"""A pool, functions written on the spot, and a cloud to run them in."""

import io
import json
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from emulator.cloud import Cloud
from emulator.runtime.model import FunctionSpec, Invocation
from emulator.runtime.pool import Pool

MakeSpec = Callable[..., FunctionSpec]


@pytest.fixture
def make_spec(tmp_path: Path) -> MakeSpec:
    """Write a handler into a folder of its own and describe it as a function."""

    def make(code: str, name: str = "echo", **changes: Any) -> FunctionSpec:
        code_dir = tmp_path / name
        code_dir.mkdir(exist_ok=True)
        (code_dir / "app.py").write_text(textwrap.dedent(code))
        settings: dict[str, Any] = {
            "name": name,
            "arn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
            "handler": "app.handler",
            "runtime": "python3.13",
            "code_dir": code_dir,
            "layer_dirs": (),
            "environment": {},
            "timeout_seconds": 20.0,
            "memory_mb": 512,
            "tmp_mb": 512,
            "role_arn": "arn:aws:iam::123456789012:role/r",
            "reserved_concurrency": None,
            "revision": "1",
        }
        return FunctionSpec(**(settings | changes))

    return make


@pytest.fixture
def make_layer(tmp_path: Path) -> Callable[..., Path]:
    """Write a layer: text by path, under a folder of its own."""

    def make(name: str, **files: str) -> Path:
        layer = tmp_path / name
        for path, text in files.items():
            target = layer / "python" / f"{path}.py"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return layer

    return make


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Start a pool that ends with the test."""
    with Pool(handed_in=lambda _spec: {"AWS_ACCESS_KEY_ID": "key"}) as started:
        yield started


@pytest.fixture
def answer() -> Callable[[Invocation], Any]:
    """Read an invocation's answer."""
    return lambda invocation: json.loads(invocation.payload)


class Ward:
    """A cloud whose functions go wrong, and a look at what they leave behind."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._client = cloud.client("lambda")
        trusting = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }
        made = cloud.client("iam").create_role(
            RoleName="tests",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trusting]}),
        )
        self._role = made["Role"]["Arn"]

    def function(self, name: str, code: str, **settings: Any) -> None:
        """Deploy a function."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("app.py", textwrap.dedent(code))
        self._client.create_function(
            FunctionName=name,
            Role=self._role,
            Handler="app.handler",
            Runtime="python3.13",
            Code={"ZipFile": packed.getvalue()},
            **({"Timeout": 20, "MemorySize": 256} | settings),
        )

    def call(self, name: str, event: Any = None) -> tuple[Any, bool]:
        """Invoke; give what it answered and whether that is an error document."""
        result = self._client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        return json.loads(result["Payload"].read()), "FunctionError" in result

    def logged(self, name: str) -> list[str]:
        """Read the function's log."""
        logs = self._cloud.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        return [event["message"] for page in pages for event in page["events"]]

    def processes(self, name: str) -> list[int]:
        """Find the processes of a function's workers, and all that came from them."""
        mark = f"AWS_LAMBDA_FUNCTION_NAME={name}".encode()
        return [pid for pid in psutil.pids() if mark in _environment(pid)]


def _environment(pid: int) -> list[bytes]:
    try:
        variables = psutil.Process(pid).environ()
    except psutil.Error:
        return []
    return [f"{name}={value}".encode() for name, value in variables.items()]


@pytest.fixture(scope="module")
def ward(cloud: Cloud) -> Ward:
    """Prepare the module's cloud for faults."""
    return Ward(cloud)
