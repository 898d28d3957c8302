"""In packaged mode a function sees its code, its layers and what Lambda's runtime carries: nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.runtime.environment import Packaging
from emulator.runtime.isolation import Isolation, strongest
from emulator.runtime.model import FunctionSpec, Invocation
from emulator.runtime.pool import Pool

Answer = Callable[[Invocation], Any]
MakeSpec = Callable[..., FunctionSpec]
USES_LAYER = """
    import tidy_numbers
    def handler(event, context):
        return tidy_numbers.tidy(event)
"""


@pytest.fixture(params=dict.fromkeys((strongest(), Isolation.INTERPRETER)))
def packaged(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Start a pool in packaged mode, with namespaces if there are any and without."""
    with Pool(handed_in=lambda _spec: {}, packaging=Packaging.PACKAGED, isolation=request.param) as started:
        yield started


def test_a_package_of_a_layer_works_and_without_the_layer_it_does_not_import(
    packaged: Pool, make_spec: MakeSpec, make_layer: Callable[..., Path], answer: Answer
) -> None:
    layer = make_layer("layer", **{"tidy_numbers/__init__": "def tidy(numbers): return sorted(numbers)"})
    spec = make_spec(USES_LAYER, layer_dirs=(layer,))
    assert answer(packaged.invoke(spec, b"[2, 1]")) == [1, 2]
    document = answer(packaged.invoke(make_spec(USES_LAYER, revision="2"), b"[]"))
    assert document["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'tidy_numbers'" in document["errorMessage"]


@pytest.mark.parametrize("package", ["moto", "psutil", "pytest", "emulator", "aws_lambda_powertools"])
def test_a_package_of_this_environment_does_not_import(
    packaged: Pool, make_spec: MakeSpec, answer: Answer, package: str
) -> None:
    document = answer(packaged.invoke(make_spec(f"import {package}"), b"{}"))
    assert document["errorType"] == "Runtime.ImportModuleError"
    assert f"No module named '{package}'" in document["errorMessage"]


def test_what_the_runtime_carries_imports_and_knows_its_version(
    packaged: Pool, make_spec: MakeSpec, answer: Answer
) -> None:
    spec = make_spec(
        """
        import boto3, botocore, dateutil, jmespath, s3transfer, six, urllib3
        from importlib.metadata import version
        def handler(event, context):
            return version("boto3") == boto3.__version__ and boto3.client("sts").meta.region_name
        """
    )
    assert answer(packaged.invoke(spec, b"{}")) == "us-east-1"


def test_modules_are_looked_for_in_lambdas_order(
    packaged: Pool, make_spec: MakeSpec, make_layer: Callable[..., Path], answer: Answer
) -> None:
    """A layer's module hides the runtime's of the same name, and the function's own hides both."""
    layer = make_layer("layer", six="WHOSE = 'layer'", mine="WHOSE = 'layer'")
    spec = make_spec("import six, mine\ndef handler(event, context): return [six.WHOSE, mine.WHOSE]")
    (spec.code_dir / "mine.py").write_text("WHOSE = 'function'")
    spec = make_spec((spec.code_dir / "app.py").read_text(), layer_dirs=(layer,))
    assert answer(packaged.invoke(spec, b"{}")) == ["layer", "function"]
