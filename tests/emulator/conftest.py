"""The emulator's tests: a cloud per module, and a small CDK app synthesized once."""

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.cloud import Cloud

SAMPLE = Path(__file__).parent / "sample"
collect_ignore = ["sample"]  # an app that the tests deploy; its handlers import what its layer brings


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """Run a local cloud on a free port for the tests of one module."""
    with Cloud(port=0) as running:
        yield running


@pytest.fixture(scope="session")
def sample_assembly(pytestconfig: pytest.Config) -> Path:
    """Synthesize the sample app, or find it synthesized from the same files."""
    digest = hashlib.sha256()
    for path in sorted(SAMPLE.rglob("*.py")):
        digest.update(path.read_bytes())
    assert pytestconfig.cache is not None
    cache = Path(pytestconfig.cache.mkdir("emulator-sample"))
    out_dir = cache / digest.hexdigest()[:16]
    if not out_dir.exists():
        with tempfile.TemporaryDirectory(dir=cache) as making:
            subprocess.run(
                [sys.executable, str(SAMPLE / "app.py")],
                env={**os.environ, "CDK_OUTDIR": str(Path(making, "cdk.out"))},
                check=True,
                capture_output=True,
            )
            # Of several processes that find nothing, the first to be done keeps its own.
            with contextlib.suppress(OSError):
                Path(making, "cdk.out").rename(out_dir)
    return out_dir
