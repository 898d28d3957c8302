"""Functions as the worker pool gets them."""

import json
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from emulator.cloud import Cloud
from emulator.errors import UnknownFunction

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.fixture(scope="module", autouse=True)
def _role(cloud: Cloud) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    cloud.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=document)


def make(cloud: Cloud, name: str, code: str) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", code)
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role="arn:aws:iam::123456789012:role/any",
        Handler="main.run",
        Code={"ZipFile": packed.getvalue()},
    )


def test_a_function_made_through_the_api_is_unpacked_and_runs(cloud: Cloud) -> None:
    make(cloud, "direct", "def run(event, context): return event['x'] + 1")
    assert (cloud.functions.spec_of("direct").code_dir / "main.py").exists()
    answer = cloud.client("lambda").invoke(FunctionName="direct", Payload=b'{"x": 1}')
    assert answer["Payload"].read() == b"2"


def test_name_arn_and_qualifier_find_the_same_function(cloud: Cloud) -> None:
    make(cloud, "named", "def run(event, context): return 1")
    arn = cloud.client("lambda").get_function(FunctionName="named")["Configuration"]["FunctionArn"]
    assert cloud.functions.spec_of("named") == cloud.functions.spec_of(arn)
    assert cloud.functions.spec_of(f"{arn}:$LATEST").arn == arn


def test_a_revision_changes_with_code_and_configuration_only(cloud: Cloud) -> None:
    make(cloud, "revised", "def run(event, context): return 1")
    seen = [cloud.functions.spec_of("revised").revision for _ in range(2)]
    cloud.client("lambda").update_function_configuration(FunctionName="revised", MemorySize=512)
    seen.append(cloud.functions.spec_of("revised").revision)
    assert seen[0] == seen[1] != seen[2]


def test_an_unknown_function_names_the_deployed_ones(cloud: Cloud) -> None:
    make(cloud, "known", "def run(event, context): return 1")
    with pytest.raises(UnknownFunction, match=r"no function nowhere; deployed: .*known"):
        cloud.functions.spec_of("nowhere")


def test_running_leaves_no_byte_code_in_the_assembly(cloud: Cloud, sample_assembly: Path) -> None:
    outputs = cloud.deploy(sample_assembly)
    bucket = outputs["SampleStorage"]["FilesBucket"]
    cloud.client("s3").put_object(Bucket=bucket, Key="a", Body=b"one two")
    cloud.settle(60)
    assert [each.status for each in cloud.pool.recent() if "countwords" in each.function_name] == ["ok"]
    assert list(sample_assembly.rglob("__pycache__")) == []
