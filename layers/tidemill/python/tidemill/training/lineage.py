"""What a model was made with: the versions of libraries."""

import platform
from importlib.metadata import version

_LIBRARIES = ("numpy", "onnx", "onnxruntime", "scikit-learn", "scipy", "skl2onnx", "skops")


def library_versions() -> dict[str, str]:
    """Return the versions of what a fitted model depends on, Python's among them."""
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}
