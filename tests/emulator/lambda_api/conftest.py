"""A cloud with one role, and functions written on the spot."""

import io
import json
import textwrap
import zipfile
from typing import Any

import pytest

from emulator.cloud import Cloud

ROLE = "arn:aws:iam::123456789012:role/tests"
REPORTS = """
import os

def handler(event, context):
    return {
        "code": "CODE",
        "variable": os.environ.get("STAGE"),
        "version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        "context_version": context.function_version,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
    }
"""


class Workshop:
    """Makes, changes and invokes functions of a cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.client = cloud.client("lambda")

    @staticmethod
    def zipped(code: str) -> bytes:
        """Pack a handler as `app.py`."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("app.py", textwrap.dedent(code))
        return packed.getvalue()

    def function(self, name: str, code: str = REPORTS, **settings: Any) -> str:
        """Deploy a function; give its ARN."""
        made = self.client.create_function(
            FunctionName=name,
            Role=ROLE,
            Handler="app.handler",
            Runtime="python3.13",
            Code={"ZipFile": self.zipped(code)},
            **({"Timeout": 10} | settings),
        )
        return str(made["FunctionArn"])

    def recode(self, name: str, label: str) -> None:
        """Give the reporting function another code."""
        self.client.update_function_code(
            FunctionName=name, ZipFile=self.zipped(REPORTS.replace("CODE", label))
        )

    def call(self, name: str, event: Any = None, **arguments: Any) -> Any:
        """Invoke and give what came back, decoded."""
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event).encode(), **arguments)
        return json.loads(answer["Payload"].read())


@pytest.fixture(scope="module")
def workshop(cloud: Cloud) -> Workshop:
    """Prepare the module's cloud."""
    allowed = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    cloud.client("iam").create_role(RoleName="tests", AssumeRolePolicyDocument=json.dumps(allowed))
    cloud.client("iam").put_role_policy(
        RoleName="tests", PolicyName="all", PolicyDocument=json.dumps(allowed)
    )
    return Workshop(cloud)
