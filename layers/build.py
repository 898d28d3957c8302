"""Build the third-party layers: the locked wheels for Lambda's platform, trimmed, below its limit.

    python layers/build.py [--architecture arm64|x86_64]

1. A layer's ``requirements.txt`` names what our code imports. What those need in turn is read from the
   metadata of the packages installed here, with markers judged for the target.
2. Versions and hashes come from ``requirements.lock``, so a layer holds what the tests ran with.
3. pip fetches the wheels for the target, whatever this machine is; nothing is compiled.
4. What no function needs is dropped, and the layer is weighed.
"""

import argparse
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "build" / "layers"
LAYERS = ("serve", "data", "train")
PYTHON = "3.13"
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
GLIBC_MINORS = range(34, 16, -1)  # Amazon Linux 2023 has glibc 2.34; manylinux2014 is 2.17
# Lambda's Python brings the SDK along.
IN_RUNTIME = {"boto3", "botocore"}
LIMIT_BYTES = 262_144_000  # of a function with all its layers, unzipped
NOT_SHIPPED_PATHS = (
    "bin",
    "onnx/backend/test",  # conformance data
    "onnxruntime/capi/libonnxruntime.so.*",  # the C library once more: Python's extension is whole without it
    "onnxruntime/transformers",
    "onnxruntime/tools",
    "pyarrow/libarrow_flight.so.*",  # Arrow's network protocol, and its Python side
    "pyarrow/libarrow_python_flight.so*",
    "pyarrow/_flight.*",
    "zstandard/_cffi.*",  # a second backend beside the compiled one
)
NOT_SHIPPED_FOLDERS = {"__pycache__", "tests", "include"}
NOT_SHIPPED_SUFFIXES = {".h", ".hpp", ".c", ".cpp", ".pyx", ".pxd", ".pyi", ".a"}


class LayerError(Exception):
    """A layer can not be built; the message says what to change."""


def target_environment(architecture: str) -> dict[str, str]:
    """Return what environment markers are judged by: Lambda's interpreter, not this one."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{PYTHON}.0",
        "os_name": "posix",
        "platform_machine": MACHINES[architecture],
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{PYTHON}.0",
        "python_version": PYTHON,
        "sys_platform": "linux",
    }


def closure(layer: str, environment: Mapping[str, str]) -> set[str]:
    """Return the canonical names of all packages of a layer.

    Parameters
    ----------
    layer
        A folder under ``layers/`` with a ``requirements.txt``.
    environment
        What markers are judged by.

    Returns
    -------
    set of str
        The named packages and what they need, without what Lambda's runtime brings.

    Raises
    ------
    LayerError
        If a package is not installed here, so that nobody knows what it needs.
    """
    lines = (ROOT / "layers" / layer / "requirements.txt").read_text().split("\n")
    waiting = [Requirement(line) for line in lines if line.strip()]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name in IN_RUNTIME:
            continue
        for extra in ("", *wanted.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting.extend(_needs(name, {**environment, "extra": extra}, layer))
    return {name for name, _ in seen}


def locked(lock: str, environment: Mapping[str, str]) -> dict[str, str]:
    r"""Return each locked package's requirement with its hashes, for the environment.

    Parameters
    ----------
    lock
        The text of ``requirements.lock``.
    environment
        What markers are judged by: one package may be locked twice, for two versions of Python.

    Returns
    -------
    dict
        ``name==version --hash=...`` by canonical name.

    Examples
    --------
    >>> text = '''a==1 ; python_version < "3.12" \\
    ...     --hash=sha256:00
    ... a==2 ; python_version >= "3.12" \\
    ...     --hash=sha256:11
    ...     # via b
    ... '''
    >>> locked(text, target_environment("arm64"))
    {'a': 'a==2 --hash=sha256:11'}
    """
    found: dict[str, str] = {}
    for entry in re.findall(r"^[a-z0-9].*(?:\n    --hash=.*)*", lock, flags=re.MULTILINE):
        requirement, *hashes = entry.replace("\\", "").split("\n")
        pin, _, marker = requirement.partition(";")
        if not marker.strip() or Marker(marker).evaluate({**environment}):
            name = canonicalize_name(pin.split("==")[0].strip())
            found[name] = " ".join([pin.strip(), *(part.strip() for part in hashes)])
    return found


def build(layer: str, architecture: str) -> int:
    """Build one layer into ``build/layers/<layer>-<architecture>`` and return its size in bytes.

    Raises
    ------
    LayerError
        If a package is not locked, has no wheel for the target, or the layer is too large.
    """
    environment = target_environment(architecture)
    pins = locked((ROOT / "requirements.lock").read_text(), environment)
    names = closure(layer, environment)
    if unlocked := names - pins.keys():
        raise LayerError(f"layer {layer}: {sorted(unlocked)} not in requirements.lock; run `make lock`")
    folder = BUILT / f"{layer}-{architecture}"
    shutil.rmtree(folder, ignore_errors=True)
    _install([pins[name] for name in sorted(names)], folder / "python", architecture)
    trim(folder / "python")
    size = size_bytes(folder)
    ours = size_bytes(ROOT / "layers" / "tidemill") + size_bytes(ROOT / "projects")
    if size + ours > LIMIT_BYTES:
        raise LayerError(
            f"layer {layer} for {architecture} has {size:,} bytes, with our own {size + ours:,}: "
            f"Lambda allows {LIMIT_BYTES:,}; take something out of layers/{layer}/requirements.txt"
        )
    return size


def trim(packages: Path) -> None:
    """Delete what no function needs: tests, headers, stubs, scripts, byte code, and known ballast."""
    for pattern in NOT_SHIPPED_PATHS:
        for path in packages.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in sorted(packages.rglob("*"), reverse=True):
        if path.is_dir() and path.name in NOT_SHIPPED_FOLDERS:
            shutil.rmtree(path)
        elif path.is_file() and path.suffix in NOT_SHIPPED_SUFFIXES:
            path.unlink()


def size_bytes(folder: Path) -> int:
    """Return the size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _needs(name: str, environment: Mapping[str, str], layer: str) -> Iterator[Requirement]:
    try:
        requires = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        raise LayerError(
            f"layer {layer} needs {name}, which is not installed here; run `make lock`"
        ) from None
    for line in requires:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({**environment}):
            yield requirement


def _install(requirements: list[str], packages: Path, architecture: str) -> None:
    machine = MACHINES[architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS] + [f"manylinux2014_{machine}"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requirements))
        file.flush()
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += ["--target", str(packages), "--python-version", PYTHON, "--implementation", "cp"]
        # pip install judges Requires-Python by this interpreter; the lock has judged it for the target.
        command += ["--ignore-requires-python"]
        command += ["--only-binary", ":all:", "--no-deps", "--no-compile", "--require-hashes"]
        command += [part for platform in platforms for part in ("--platform", platform)]
        done = subprocess.run([*command, "--requirement", file.name], check=False)
    if done.returncode:
        raise LayerError(f"pip could not install the wheels for {architecture}; its message is above")


def main() -> None:
    """Build every layer and print what each weighs."""
    parser = argparse.ArgumentParser(description="Build the third-party layers.")
    parser.add_argument("--architecture", choices=sorted(MACHINES), default="arm64")
    architecture = parser.parse_args().architecture
    for layer in LAYERS:
        try:
            size = build(layer, architecture)
        except LayerError as error:
            sys.exit(str(error))
        sys.stdout.write(f"{layer}-{architecture}: {size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
