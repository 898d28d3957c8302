"""Synthesis on demand: the cloud assembly, made anew only if what goes into it has changed."""

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.config import ROOT

# Everything an assembly is made from: what is declared, and what is shipped.
INGREDIENTS = ("cdk.json", "infra", "functions", "projects", "layers")
LOCAL_CONTEXT = {"tidemill:built_layers": False}
MARK = ".ingredients"


class SynthesisError(Exception):
    """The CDK app ended with an error; the message is what it printed."""


def synthesize(out_dir: Path) -> Path:
    """Make the cloud assembly for the local cloud, or find it made.

    Third-party layers carry their requirements only: the local cloud's development mode takes
    packages from the environment it runs in.

    Parameters
    ----------
    out_dir
        Where the assembly goes; what was there is replaced when it is out of date.

    Returns
    -------
    Path
        ``out_dir``, which now holds ``manifest.json``, templates and assets.

    Raises
    ------
    SynthesisError
        If the app does not synthesize.
    """
    digest = ingredients_digest(ROOT)
    mark = out_dir / MARK
    if mark.exists() and mark.read_text() == digest:
        return out_dir
    shutil.rmtree(out_dir, ignore_errors=True)
    environment = {**os.environ, "CDK_OUTDIR": str(out_dir), "CDK_CONTEXT_JSON": json.dumps(LOCAL_CONTEXT)}
    done = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SynthesisError(f"`python -m infra.app` failed:\n{done.stderr.strip() or done.stdout.strip()}")
    mark.write_text(digest)
    return out_dir


def ingredients_digest(root: Path) -> str:
    """Return a digest of every file that goes into an assembly, by path and content, and of CDK's version."""
    digest = hashlib.sha256(importlib.metadata.version("aws-cdk-lib").encode())
    for path in _ingredients(root):
        digest.update(f"\0{path.relative_to(root)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _ingredients(root: Path) -> Iterator[Path]:
    for name in INGREDIENTS:
        top = root / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
