"""Functions see a file system like Lambda's, by the strongest means the machine has and by the weakest."""

import json
import subprocess
import sys
import tempfile
import textwrap
import uuid
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.runtime.isolation import Isolation, strongest
from emulator.runtime.model import FunctionSpec, Invocation
from emulator.runtime.pool import Pool

Answer = Callable[[Invocation], Any]
MakeSpec = Callable[..., FunctionSpec]
WRITES = """
    def handler(path, context):
        try:
            with open(path, "w") as out:
                out.write("x")
        except OSError as error:
            return [error.errno, error.strerror]
        return "written"
"""
FILLS = """
    import os
    def handler(megabytes, context):
        try:
            with open("/tmp/large", "ab") as out:
                for _ in range(megabytes):
                    out.write(bytes(1 << 20))
        except OSError as error:
            return [error.errno, error.strerror]
        return os.path.getsize("/tmp/large") >> 20
"""


def _available() -> list[Isolation]:
    """Give every kind of isolation this machine has: root may use both kinds of namespaces."""
    ranked = list(Isolation)
    return ranked[ranked.index(strongest()) :]


needs_namespaces = pytest.mark.skipif(
    not strongest().has_namespaces, reason="the kernel gives this user no mount namespaces"
)


@pytest.fixture(params=_available(), ids=lambda kind: kind.name.lower())
def any_pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Start a pool with each kind of isolation in turn."""
    with Pool(handed_in=lambda _spec: {}, isolation=request.param) as started:
        yield started


@pytest.mark.parametrize("place", ["task", "usr", "opt", "var"])
def test_writing_outside_tmp_fails_as_on_a_read_only_file_system(
    any_pool: Pool, make_spec: MakeSpec, answer: Answer, place: str
) -> None:
    spec = make_spec(WRITES)
    paths = {"task": f"{spec.code_dir}/new.txt"}
    if any_pool.isolation.has_namespaces:
        paths["task"] = "/var/task/new.txt"
    path = paths.get(place, f"/{place}/new.txt")
    assert answer(any_pool.invoke(spec, f'"{path}"'.encode())) == [30, "Read-only file system"]
    assert not Path(path).exists()


@needs_namespaces
def test_tmp_is_private_empty_and_kept_between_warm_invocations(
    pool: Pool, make_spec: MakeSpec, answer: Answer
) -> None:
    spec = make_spec(
        """
        import os, pathlib
        def handler(event, context):
            found = sorted(os.listdir("/tmp"))
            pathlib.Path("/tmp", event).write_text("kept")
            return found
        """
    )
    name = uuid.uuid4().hex
    found = [answer(pool.invoke(spec, json.dumps(name).encode())) for _ in range(2)]
    # A virtual environment that itself lies beneath /tmp stays where it is.
    there = {Path(sys.prefix).parts[2]} if sys.prefix.startswith("/tmp/") else set()  # noqa: S108
    assert [set(names) - there for names in found] == [set(), {name}]
    assert not Path("/tmp", name).exists()  # noqa: S108  the machine's, not the function's


@needs_namespaces
def test_tmp_holds_what_it_is_set_to_and_then_is_full(
    pool: Pool, make_spec: MakeSpec, answer: Answer
) -> None:
    spec = make_spec(FILLS, tmp_mb=16)
    assert answer(pool.invoke(spec, b"16")) == 16
    assert answer(pool.invoke(spec, b"1")) == [28, "No space left on device"]


def test_without_namespaces_a_full_temporary_folder_takes_no_further_file(
    make_spec: MakeSpec, answer: Answer
) -> None:
    spec = make_spec(
        """
        import os, tempfile
        def handler(megabytes, context):
            try:
                with open(os.path.join(tempfile.gettempdir(), context.aws_request_id), "wb") as out:
                    out.write(bytes(megabytes << 20))
            except OSError as error:
                return error.strerror
            return "written"
        """,
        tmp_mb=2,
    )
    with Pool(handed_in=lambda _spec: {}, isolation=Isolation.INTERPRETER) as pool:
        answers = [answer(pool.invoke(spec, size)) for size in (b"3", b"2", b"0")]
    assert answers == ["File too large", "No space left on device", "No space left on device"]


def test_layers_are_merged_and_the_later_one_counts(
    any_pool: Pool, make_spec: MakeSpec, make_layer: Callable[..., Path], answer: Answer
) -> None:
    first = make_layer("first", alone="WORD = 'first'", both="WORD = 'first'")
    second = make_layer("second", both="WORD = 'second'", **{"package/__init__": "", "package/a": ""})
    spec = make_spec(
        "import alone, both, package.a\ndef handler(event, context): return [alone.WORD, both.WORD]",
        layer_dirs=(first, second),
    )
    assert answer(any_pool.invoke(spec, b"{}")) == ["first", "second"]
    assert (first / "python" / "both.py").read_text() == "WORD = 'first'"


@needs_namespaces
def test_layers_lie_in_opt_and_code_in_var_task(
    pool: Pool, make_spec: MakeSpec, make_layer: Callable[..., Path], answer: Answer
) -> None:
    spec = make_spec(
        """
        import os, shared
        def handler(event, context):
            return [__file__, shared.__file__, os.getcwd(), sorted(os.listdir("/opt"))]
        """,
        layer_dirs=(make_layer("layer", shared=""),),
    )
    assert answer(pool.invoke(spec, b"{}")) == [
        "/var/task/app.py",
        "/opt/python/shared.py",
        "/var/task",
        ["python"],
    ]


@needs_namespaces
def test_byte_code_is_kept_for_the_next_cold_start_although_the_code_is_read_only(
    pool: Pool, make_spec: MakeSpec, make_layer: Callable[..., Path], answer: Answer
) -> None:
    layer = make_layer("layer", shared="")
    spec = make_spec(
        "import shared\ndef handler(event, context): return shared.__cached__", layer_dirs=(layer,)
    )
    cached = Path(answer(pool.invoke(spec, b"{}")))
    assert cached.parent == Path("/opt/python/__pycache__")
    assert (layer / "python" / "__pycache__" / cached.name).exists()
    assert [path.suffix for path in (spec.code_dir / "__pycache__").iterdir()] == [".pyc"]


@needs_namespaces
def test_an_environment_beneath_tmp_stays_where_it_is_although_tmp_is_covered(make_spec: MakeSpec) -> None:
    spec = make_spec("import sys, boto3\ndef handler(event, context): return sys.prefix")
    script = textwrap.dedent(
        f"""
        from dataclasses import replace
        from pathlib import Path
        from emulator.runtime.pool import FunctionSpec, Pool
        code_dir = Path({str(spec.code_dir)!r})
        settings = ("app.handler", "python3.13", code_dir, (), {{}}, 20.0, 512, 512, "", None)
        with Pool(handed_in=lambda spec: {{}}) as pool:
            print(pool.invoke(FunctionSpec("echo", {spec.arn!r}, *settings, "1"), b"1").payload.decode())
        """
    )
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        place = Path(folder, "environment")
        venv.create(place, with_pip=False, symlinks=True)
        library = place / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
        (library / "others.pth").write_text("\n".join(path for path in sys.path if path))
        ran = subprocess.run([place / "bin" / "python", "-c", script], check=True, capture_output=True)
        assert json.loads(ran.stdout) == str(place)


def test_folders_of_workers_are_gone_with_them(
    any_pool: Pool, make_spec: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    any_pool.invoke(make_spec(WRITES), b'"/tmp/x"')
    any_pool.close()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "folders"))
    (tmp_path / "folders").mkdir()
    with Pool(handed_in=lambda _spec: {}, isolation=any_pool.isolation) as pool:
        pool.invoke(make_spec(WRITES), b'"/nowhere"')
        assert list((tmp_path / "folders").iterdir())
    assert not list((tmp_path / "folders").iterdir())


@needs_namespaces
def test_programs_that_name_lambdas_python_start(pool: Pool, make_spec: MakeSpec, answer: Answer) -> None:
    spec = make_spec(
        """
        import os, subprocess
        def handler(event, context):
            with open("/tmp/program", "w") as out:
                out.write("#!/var/lang/bin/python\\nimport json\\nprint(json.dumps([1]))")
            os.chmod("/tmp/program", 0o700)
            return subprocess.run(["/tmp/program"], capture_output=True, text=True).stdout
        """
    )
    assert answer(pool.invoke(spec, b"{}")) == "[1]\n"
