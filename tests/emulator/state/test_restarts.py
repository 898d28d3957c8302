"""A local cloud as a process, ended in every way, and started again on the same state."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
import urllib3


@dataclass
class Started:
    """A local cloud in a process of its own, and the outputs of its stacks."""

    process: subprocess.Popen[str]
    endpoint: str
    outputs: dict[str, str]

    def client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service's name
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def settle(self) -> None:
        self.post("settle", {"timeout_seconds": 60})

    def post(self, path: str, body: Any) -> Any:
        with urllib3.PoolManager() as http:
            answer = http.request("POST", f"{self.endpoint}/_local/{path}", json=body)
        assert answer.status == 200, answer.data
        return answer.json()

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=20)


def start(*options: str, **environment: str) -> Started:
    process = subprocess.Popen(
        [sys.executable, "-m", "emulator", "up", "--port", "0", *options],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("ready: "):
            outputs = dict(told.strip().split(" = ", 1) for told in said[:-1] if " = " in told)
            named = {name.partition(".")[2]: value for name, value in outputs.items()}
            return Started(process, line.strip().partition("AWS_ENDPOINT_URL=")[2], named)
    process.stdout.close()
    raise AssertionError(f"ended with {process.wait()}: {''.join(said)}")


@pytest.fixture
def run(tmp_path: Path, sample_assembly: Path) -> Iterator[Any]:
    running: list[Started] = []

    def run_again(**environment: str) -> Started:
        options = ("--state", str(tmp_path / "state"), "--assembly", str(sample_assembly))
        running.append(start(*options, **environment))
        return running[-1]

    yield run_again
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait()
        assert each.process.stdout is not None
        each.process.stdout.close()


def wait_until_saved(tmp_path: Path) -> None:
    """Wait for a save whose picture was taken after now."""
    now, end = datetime.now(UTC), time.monotonic() + 20
    while True:
        with (tmp_path / "state" / "snapshot").open("rb") as file:
            taken_at = datetime.fromisoformat(json.loads(file.readline())["taken_at"])
        if taken_at > now:
            return
        assert time.monotonic() < end, f"nothing was saved in 20 s; the last picture is of {taken_at}"
        time.sleep(0.02)


def words_of(cloud: Started, file: str) -> str | None:
    figures = cloud.client("dynamodb")
    item = figures.get_item(TableName=cloud.outputs["FiguresTable"], Key={"file": {"S": file}}).get("Item")
    return item and str(item["words"]["N"])


def physical_ids(cloud: Started) -> set[str]:
    with urllib3.PoolManager() as http:
        listed = http.request("GET", f"{cloud.endpoint}/_local/resources").json()["resources"]
    return {resource["physical_id"] for resource in listed}


def put(cloud: Started, key: str, body: bytes) -> str:
    answer = cloud.client("s3").put_object(Bucket=cloud.outputs["FilesBucket"], Key=key, Body=body)
    return str(answer["VersionId"])


def get(cloud: Started, key: str, version: str) -> bytes:
    answer = cloud.client("s3").get_object(Bucket=cloud.outputs["FilesBucket"], Key=key, VersionId=version)
    return bytes(answer["Body"].read())


def published_words(cloud: Started) -> str:
    """Publish the counting function's code as a version with an alias, and give its name."""
    functions = cloud.client("lambda")
    name = next(name for name in listed_functions(cloud) if "greet" in name)
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    return name


def invoke(cloud: Started, name: str) -> int:
    event = {"pathParameters": {"name": "a"}, "requestContext": {}}
    answer = cloud.client("lambda").invoke(FunctionName=f"{name}:live", Payload=json.dumps(event))
    assert "FunctionError" not in answer, answer["Payload"].read()
    return int(answer["StatusCode"])


def test_everything_is_there_after_ctrl_c_and_after_a_kill(run: Any, tmp_path: Path) -> None:
    first = run()
    versions = [put(first, "a.txt", body) for body in (b"one", b"one two")]
    first.settle()
    name = published_words(first)
    assert invoke(first, name) == 200
    made = (physical_ids(first), listed_functions(first), first.outputs, first.endpoint)
    assert first.end(signal.SIGINT) == 0

    second = run()
    assert (physical_ids(second), listed_functions(second), second.outputs, second.endpoint) == made
    assert [get(second, "a.txt", version) for version in versions] == [b"one", b"one two"]
    assert words_of(second, "a.txt") == "2"
    groups = second.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
    assert any(group["storedBytes"] for group in groups)
    put(second, "b.txt", b"one two three")
    second.settle()
    assert words_of(second, "b.txt") == "3"
    wait_until_saved(tmp_path)
    workers = psutil.Process(second.process.pid).children(recursive=True)
    second.end(signal.SIGKILL)
    assert psutil.wait_procs(workers, timeout=10)[1] == []

    third = run()
    assert words_of(third, "b.txt") == "3"
    assert invoke(third, name) == 200
    put(third, "c.txt", b"one two three four")
    third.settle()
    assert words_of(third, "c.txt") == "4"


def listed_functions(cloud: Started) -> dict[str, str]:
    """Give when each function was changed last."""
    listed = cloud.client("lambda").list_functions()["Functions"]
    return {each["FunctionName"]: each["LastModified"] for each in listed}


def test_a_kill_leaves_no_process_no_port_and_no_folder_for_long(
    tmp_path: Path, sample_assembly: Path
) -> None:
    first = start("--assembly", str(sample_assembly), TMPDIR=str(tmp_path))
    assert invoke(first, published_words(first)) == 200
    workers = psutil.Process(first.process.pid).children(recursive=True)
    assert workers
    first.end(signal.SIGKILL)
    assert first.process.stdout is not None
    first.process.stdout.close()
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert [path.name for path in tmp_path.iterdir()] != []

    second = start(TMPDIR=str(tmp_path))
    assert {path.name.split("-")[-2] for path in tmp_path.iterdir()} == {str(second.process.pid)}
    assert second.end(signal.SIGTERM) == 0
    assert second.process.stdout is not None
    second.process.stdout.close()
    assert list(tmp_path.iterdir()) == []
