"""A cloud's life: one at a time, a port that is taken, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
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


def waiting_forever(directory: Path) -> Path:
    """Write an assembly whose custom resource is never answered for."""
    properties = {
        "Code": {"ZipFile": "def handler(event, context):\n    print('leaves it unanswered')"},
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": "python3.12",
    }
    lets_lambda_in = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        },
    }
    asking = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}}
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": lets_lambda_in}},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": properties},
        "Waits": {"Type": "Custom::Waits", "Properties": asking},
    }
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": "Waits.json"},
    }
    directory.mkdir()
    (directory / "Waits.json").write_text(json.dumps({"Resources": resources}))
    (directory / "manifest.json").write_text(
        json.dumps({"version": "48.0.0", "artifacts": {"Waits": artifact}})
    )
    return directory


def test_a_signal_ends_a_deployment_that_waits_and_the_next_run_makes_its_stack_anew(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "emulator", "up", "--port", "0", "--state", str(tmp_path / "state")]
    command += ["--assembly", str(waiting_forever(tmp_path / "out"))]
    for _ in range(2):
        code = tmp_path / "tmp"
        code.mkdir(exist_ok=True)
        process = subprocess.Popen(
            command, env={**os.environ, "TMPDIR": str(code)}, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        with process.stderr as told:
            end = time.monotonic() + 120
            while not any(code.glob("local-cloud-*/code/*/index.py")):  # unpacked when it is invoked
                assert process.poll() is None, told.read()
                assert time.monotonic() < end
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 1
            assert told.read() == "ended by a signal while stacks were being deployed\n"
        assert list(code.iterdir()) == []
