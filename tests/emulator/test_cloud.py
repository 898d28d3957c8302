"""A cloud's life: one at a time, a port that is taken, and nothing left behind."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
import urllib3
from botocore.exceptions import ClientError

from emulator.cloud import Cloud
from emulator.errors import PortTaken


def test_one_cloud_runs_in_a_process_at_a_time() -> None:
    with Cloud(port=0), pytest.raises(RuntimeError, match="close it before starting another"):
        Cloud(port=0)
    with Cloud(port=0) as second:
        assert second.resources() == []


def test_a_taken_port_is_named_and_leaves_nothing_running(cloud: Cloud) -> None:
    port = int(cloud.endpoint.rpartition(":")[2])
    code = f"from emulator.cloud import Cloud\nCloud({port})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert PortTaken.__name__ in done.stderr
    assert f"port {port} on 127.0.0.1 is in use" in done.stderr


def test_of_many_racing_conditional_writes_one_wins(cloud: Cloud) -> None:
    client = cloud.client("dynamodb")
    client.create_table(
        TableName="race",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )
    won: list[int] = []

    def put(number: int, start: threading.Barrier) -> None:
        start.wait()
        try:
            client.put_item(
                TableName="race", Item={"k": {"S": "one"}}, ConditionExpression="attribute_not_exists(k)"
            )
        except ClientError:
            return
        won.append(number)

    start = threading.Barrier(8)
    racers = [threading.Thread(target=put, args=(number, start)) for number in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len(won) == 1


def test_large_objects_come_back_as_they_went(cloud: Cloud) -> None:
    client, content = cloud.client("s3"), os.urandom(20_000_000)
    client.create_bucket(Bucket="large")
    client.put_object(Bucket="large", Key="k", Body=content)
    assert client.get_object(Bucket="large", Key="k")["Body"].read() == content


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_and_leaves_no_files(
    number: signal.Signals, sample_assembly: Path, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "emulator", "up", "--port", "0", "--assembly", str(sample_assembly)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as lines:
        ready = next(line for line in lines if line.startswith("ready: "))
        endpoint = ready.strip().partition("AWS_ENDPOINT_URL=")[2]
        with urllib3.PoolManager() as http:
            assert http.request("GET", f"{endpoint}/_local/health").json()["status"] == "ready"
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
    assert tempfile.gettempdir() != str(tmp_path)
    assert list(tmp_path.iterdir()) == []
