"""A pool, and functions written on the spot."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.runtime.model import FunctionSpec
from emulator.runtime.pool import Pool

MakeSpec = Callable[..., FunctionSpec]


@pytest.fixture
def make_spec(tmp_path: Path) -> MakeSpec:
    """Write a handler into a folder of its own and describe it as a function."""

    def make(code: str, name: str = "echo", **changes: Any) -> FunctionSpec:
        code_dir = tmp_path / name
        code_dir.mkdir(exist_ok=True)
        (code_dir / "app.py").write_text(textwrap.dedent(code))
        settings: dict[str, Any] = {
            "name": name,
            "arn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
            "handler": "app.handler",
            "runtime": "python3.13",
            "code_dir": code_dir,
            "layer_dirs": (),
            "environment": {},
            "timeout_seconds": 20.0,
            "memory_mb": 512,
            "tmp_mb": 512,
            "role_arn": "arn:aws:iam::123456789012:role/r",
            "reserved_concurrency": None,
            "revision": "1",
        }
        return FunctionSpec(**(settings | changes))

    return make


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Start a pool that ends with the test."""
    with Pool(handed_in=lambda _spec: {"AWS_ACCESS_KEY_ID": "key"}) as started:
        yield started
