"""Stacks through CloudFormation's own API, the one way that every local cloud has."""

import io
import json
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from bench.clouds import ACCOUNT, REGION, LocalCloud
from emulator.deploy.assembly import AssemblyStack, FileAsset, read_assembly

BODY_BYTES = 51_200  # CloudFormation's limit for a template in the request itself
WAIT_SECONDS = 30.0
POLL_SECONDS = 0.02
CODE_BUCKET = "code"


class StackFailed(Exception):
    """A stack was not made; the message is what the cloud said of it."""


def create_stack(
    cloud: LocalCloud, name: str, template: Mapping[str, Any], parameters: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Create a stack and wait for it.

    Parameters
    ----------
    cloud
        Where.
    name, template, parameters
        The stack.

    Returns
    -------
    dict
        Its outputs.

    Raises
    ------
    StackFailed
        If it is refused or not made.
    """
    formation = cloud.client("cloudformation")
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()]
    try:
        formation.create_stack(
            StackName=name,
            **_template(cloud, name, json.dumps(template)),
            Parameters=given,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except ClientError as refused:
        raise StackFailed(f"{name}: {refused.response['Error'].get('Message', refused)}") from refused
    stack = _await_stack(formation, name)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise StackFailed(f"{name}: {stack['StackStatus']}: {_reason(formation, name, stack)}")
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}


def deploy_assembly(cloud: LocalCloud, directory: Path) -> dict[str, str]:
    """Deploy what ``cdk synth`` wrote, as the CDK CLI does: files into buckets, then each stack.

    Parameters
    ----------
    cloud
        Where.
    directory
        A cloud assembly.

    Returns
    -------
    dict
        The outputs of all stacks.

    Raises
    ------
    StackFailed
        If a stack is not made.
    """
    stacks = read_assembly(directory)
    for asset in dict.fromkeys(asset for stack in stacks for asset in stack.assets):
        put_object(cloud, _fill(asset.bucket), _fill(asset.key), _content(asset))
    outputs: dict[str, str] = {}
    for stack in stacks:
        _bootstrap(cloud, stack)
        outputs |= create_stack(cloud, stack.name, json.loads(stack.template()), stack.parameters)
    return outputs


def put_code(cloud: LocalCloud, name: str, source: str) -> dict[str, str]:
    """Put a function's code of one file into a bucket, and return the ``Code`` property that names it.

    Parameters
    ----------
    cloud
        Where.
    name
        A name for it.
    source
        The text of its ``index.py``.
    """
    put_object(cloud, CODE_BUCKET, f"{name}.zip", zipped({"index.py": source.encode()}))
    return {"S3Bucket": CODE_BUCKET, "S3Key": f"{name}.zip"}


def put_object(cloud: LocalCloud, bucket: str, key: str, body: bytes) -> None:
    """Put an object into a bucket, which is made if it is not there."""
    s3 = cloud.client("s3")
    if bucket not in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=body)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files by name, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _template(cloud: LocalCloud, name: str, body: str) -> dict[str, str]:
    if len(body.encode()) <= BODY_BYTES:
        return {"TemplateBody": body}
    put_object(cloud, "templates", f"{name}.json", body.encode())
    return {"TemplateURL": f"{cloud.endpoint}/templates/{name}.json"}


def _await_stack(formation: Any, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        stack: dict[str, Any] = formation.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(POLL_SECONDS)
    raise StackFailed(f"{name} is still {stack['StackStatus']} after {WAIT_SECONDS:.0f} s")


def _reason(formation: Any, name: str, stack: Mapping[str, Any]) -> str:
    """Return what is said of the resource that failed first."""
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [
        f"{event['LogicalResourceId']} ({event.get('ResourceType')}): {event['ResourceStatusReason']}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason")
    ]
    return failed[-1] if failed else str(stack.get("StackStatusReason"))


def _bootstrap(cloud: LocalCloud, stack: AssemblyStack) -> None:
    if stack.bootstrap_parameter:
        cloud.client("ssm").put_parameter(
            Name=stack.bootstrap_parameter, Value="21", Type="String", Overwrite=True
        )


def _content(asset: FileAsset) -> bytes:
    if asset.packaging == "file" or asset.source.is_file():
        return asset.source.read_bytes()
    files = [path for path in asset.source.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return zipped({str(path.relative_to(asset.source)): path.read_bytes() for path in files})


def _fill(text: str) -> str:
    for name, value in (("AccountId", ACCOUNT), ("Region", REGION), ("Partition", "aws")):
        text = text.replace(f"${{AWS::{name}}}", value)
    return text
