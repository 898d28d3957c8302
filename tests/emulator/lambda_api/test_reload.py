"""Hot reload: what is edited runs at the next invocation."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.cloud import Cloud
from emulator.lambda_api.reload import Origins
from emulator.runtime.environment import Packaging

HANDLER = "from library import words\n\ndef handler(event, context):\n    return words.WORD + ' ONE'\n"
BUCKET = "assets"


def write(path: Path, text: str) -> None:
    """Save a file as an editor does, and never twice in one tick of the file system's clock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    if path.stat().st_mtime_ns <= before:
        os.utime(path, ns=(before + 1000, before + 1000))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Write an app's directory: a function, and a layer that is put together from another place."""
    source = tmp_path / "app"
    write(source / "functions" / "greet" / "app.py", HANDLER)
    write(source / "functions" / "greet" / "README.txt", "left out of the asset")
    write(source / "library" / "words.py", "WORD = 'hello'\n")
    write(source / "library" / "__init__.py", "")
    return source


@pytest.fixture
def assembly(tmp_path: Path, app: Path) -> Path:
    """Write what synthesis would: copies of both, and a template."""
    out = tmp_path / "cdk.out"
    write(out / "asset.f" / "app.py", (app / "functions/greet/app.py").read_text())
    for name in ("words.py", "__init__.py"):
        write(out / "asset.l" / "python" / "library" / name, (app / "library" / name).read_text())
    role = {"Version": "2012-10-17", "Statement": []}
    resources: dict[str, Any] = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": role}},
        "Library": {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {"Content": {"S3Bucket": BUCKET, "S3Key": "l.zip"}},
        },
        "Greet": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "greet",
                "Code": {"S3Bucket": BUCKET, "S3Key": "f.zip"},
                "Handler": "app.handler",
                "Runtime": "python3.13",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Layers": [{"Ref": "Library"}],
            },
        },
    }
    write(out / "App.template.json", json.dumps({"Resources": resources}))
    files = {
        name: {
            "source": {"path": f"asset.{name}", "packaging": "zip"},
            "destinations": {"here": {"bucketName": BUCKET, "objectKey": f"{name}.zip"}},
        }
        for name in ("f", "l")
    }
    write(out / "App.assets.json", json.dumps({"version": "1", "files": files}))
    artifacts = {
        "App.assets": {"type": "cdk:asset-manifest", "properties": {"file": "App.assets.json"}},
        "App": {
            "type": "aws:cloudformation:stack",
            "environment": "aws://123456789012/us-east-1",
            "properties": {"templateFile": "App.template.json"},
            "dependencies": ["App.assets"],
        },
    }
    write(out / "manifest.json", json.dumps({"version": "1", "artifacts": artifacts}))
    write(out / "cdk.out", '{"version":"1"}')
    return out


@pytest.fixture
def call(app: Path, assembly: Path) -> Iterator[Callable[..., Any]]:
    """Deploy with the app's directory watched; give what invokes."""
    with Cloud(port=0, watch=[app.parent]) as cloud:
        cloud.deploy(assembly)
        yield caller(cloud)


def caller(cloud: Cloud) -> Callable[..., Any]:
    def invoke(name: str = "greet") -> Any:
        return json.loads(cloud.client("lambda").invoke(FunctionName=name)["Payload"].read())

    return invoke


def test_a_changed_handler_answers_the_next_invocation(call: Callable[..., Any], app: Path) -> None:
    assert call() == "hello ONE"
    write(app / "functions/greet/app.py", HANDLER.replace("ONE", "TWO"))
    assert call() == "hello TWO"
    assert call() == "hello TWO"


def test_a_changed_file_of_a_layer_answers_the_next_invocation(call: Callable[..., Any], app: Path) -> None:
    assert call() == "hello ONE"
    write(app / "library/words.py", "WORD = 'bye'\n")
    assert call() == "bye ONE"


def test_a_new_file_is_there_and_a_removed_one_is_gone(call: Callable[..., Any], app: Path) -> None:
    write(app / "library/more.py", "WORD = 'more'\n")
    write(app / "functions/greet/app.py", HANDLER.replace("words", "more"))
    assert call() == "more ONE"
    (app / "library/more.py").unlink()
    assert call()["errorType"] == "Runtime.ImportModuleError"


def test_a_syntax_error_is_reported_as_lambda_does_and_its_mending_works(
    call: Callable[..., Any], app: Path
) -> None:
    write(app / "functions/greet/app.py", "def handler(event, context:\n")
    assert call()["errorType"] == "Runtime.UserCodeSyntaxError"
    write(app / "functions/greet/app.py", HANDLER)
    assert call() == "hello ONE"


def test_a_published_version_stays_what_it_was(app: Path, assembly: Path) -> None:
    with Cloud(port=0, watch=[app]) as cloud:
        cloud.deploy(assembly)
        cloud.client("lambda").publish_version(FunctionName="greet")
        write(app / "functions/greet/app.py", HANDLER.replace("ONE", "TWO"))
        write(app / "library/words.py", "WORD = 'bye'\n")
        call = caller(cloud)
        assert (call("greet:1"), call("greet")) == ("hello ONE", "bye TWO")


def test_packaged_functions_run_what_was_packaged(app: Path, assembly: Path) -> None:
    with Cloud(port=0, watch=[app], packaging=Packaging.PACKAGED) as cloud:
        cloud.deploy(assembly)
        write(app / "functions/greet/app.py", HANDLER.replace("ONE", "TWO"))
        assert caller(cloud)() == "hello ONE"


def test_every_asset_that_cdk_copied_is_found_where_it_was_copied_from(sample_assembly: Path) -> None:
    sample = Path(__file__).parents[1] / "sample"
    assets = [path for path in sample_assembly.glob("asset.*") if path.is_dir() and any(path.glob("**/*.py"))]
    origins = Origins([sample])
    origins.learn(assets)
    found = [origin for asset in assets if (origin := origins.of(asset))]
    places = sorted(str(place.relative_to(sample)) for origin in found for _, place in origin.parts)
    assert places == ["count_words", "greet", "library/python/sample_library"]


def test_files_the_asset_left_out_stay_out(app: Path, assembly: Path, tmp_path: Path) -> None:
    origins = Origins([app])
    origins.learn([assembly / "asset.f"])
    origin = origins.of(assembly / "asset.f")
    assert origin is not None
    write(app / "functions/greet/extra.py", "")
    origin.copy_to(tmp_path / "copy")
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["app.py", "extra.py"]


def test_an_asset_that_may_come_from_two_places_is_not_watched_and_a_warning_names_them(
    app: Path, assembly: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(app / "functions/twin/app.py", HANDLER)
    origins = Origins([app])
    origins.learn([assembly / "asset.f"])
    assert origins.of(assembly / "asset.f") is None
    assert "functions/greet" in caplog.text
    assert "functions/twin" in caplog.text
