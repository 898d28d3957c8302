"""A function's layers hold what it imports: its handler loads with everything else taken away."""

import importlib.metadata
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.config import ROOT

FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
OURS = {"tidemill"}
# What Lambda's Python brings along: the SDK, and what the SDK needs.
RUNTIME = {"boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3"}
# Imports the handler as if some of the packages installed here were not.
LOAD = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
sys.path.insert(0, {folder!r})
import handler
"""


@cache
def builder() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "layers" / "build.py"))


@cache
def modules_outside(layer: str) -> frozenset[str]:
    """Return the top-level modules installed here that a function on this layer does not have."""
    held = builder()["closure"](layer, builder()["target_environment"]("arm64")) | RUNTIME | OURS
    return frozenset(
        module
        for module, providers in importlib.metadata.packages_distributions().items()
        if module not in sys.stdlib_module_names
        and not {name.lower().replace("_", "-") for name in providers} & held
    )


def third_party_layers(assembly: Any, function: str) -> set[str]:
    references = [layer["Ref"] for layer in assembly.functions()[function]["Layers"]]
    return {reference.removeprefix("Layers")[:-8].lower() for reference in references} & {
        "serve",
        "data",
        "train",
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_loads_on_its_layers_alone(assembly: Any, function: str) -> None:
    (layer,) = third_party_layers(assembly, function)
    missing = sorted(modules_outside(layer))
    code = LOAD.format(missing=missing, folder=str(ROOT / "functions" / function))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_lock_has_every_package_of_every_layer() -> None:
    environment = builder()["target_environment"]("arm64")
    pins = builder()["locked"]((ROOT / "requirements.lock").read_text(), environment)
    for layer in builder()["LAYERS"]:
        assert builder()["closure"](layer, environment) <= pins.keys()


def test_trimming_keeps_modules_and_drops_tests_stubs_and_byte_code(tmp_path: Path) -> None:
    kept = ["pkg/lib.so", "pkg/module.py"]
    dropped = ["pkg/tests/test_a.py", "pkg/a.pyi", "pkg/include/a.h", "bin/tool", "pkg/__pycache__/a.pyc"]
    for name in (*kept, *dropped):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    builder()["trim"](tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == kept
