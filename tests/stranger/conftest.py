"""A stranger's app: its layer built, its assembly synthesized, the local cloud started on it."""

import contextlib
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.clouds import LocalCloud, ours

APP = Path(__file__).parent / "app"
collect_ignore = ["app"]  # its functions import what its layer brings
LAYER = ("aws-lambda-powertools", "jmespath", "typing_extensions")


@pytest.fixture(scope="session")
def stranger_assembly(pytestconfig: pytest.Config) -> Path:
    """Synthesize the app, or find it synthesized from the same files."""
    digest = hashlib.sha256(importlib.metadata.version(LAYER[0]).encode())
    for path in sorted(APP.rglob("*.py")):
        digest.update(path.read_bytes())
    assert pytestconfig.cache is not None
    cache = Path(pytestconfig.cache.mkdir("stranger"))
    out_dir = cache / digest.hexdigest()[:16]
    if not out_dir.exists():
        with tempfile.TemporaryDirectory(dir=cache) as making:
            synthesize(Path(making))
            # Of several processes that find nothing, the first to be done keeps its own.
            with contextlib.suppress(OSError):
                Path(making, "cdk.out").rename(out_dir)
    return out_dir


def synthesize(place: Path) -> None:
    """Build the layer and write the assembly, both in one place."""
    build_layer(place / "layer" / "python")
    environment = {**os.environ, "CDK_OUTDIR": str(place / "cdk.out"), "LAYER_DIR": str(place / "layer")}
    subprocess.run([sys.executable, APP / "app.py"], env=environment, check=True)


def build_layer(python: Path) -> None:
    """Copy what `pip install --target` would put there; it is installed beside the tests already."""
    for name in LAYER:
        for file in importlib.metadata.files(name) or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (python / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), python / file)


@pytest.fixture(scope="module")
def cloud(stranger_assembly: Path) -> Iterator[LocalCloud]:
    """Run the local cloud in a process of its own, functions seeing their layers alone."""
    with ours("--assembly", str(stranger_assembly), "--packaged") as running:
        yield running
