"""The predict path stays light: a cold start pays for numpy, ONNX Runtime and the SDK, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOO_HEAVY = {"pandas", "pyarrow", "pyiceberg", "sklearn", "scipy", "onnx", "skl2onnx", "skops", "pydantic"}
LOADED = """
import json, sys
sys.path.insert(0, {folder!r})
import handler
print(json.dumps(sorted(sys.modules)))
"""


def loaded_by(function: str) -> set[str]:
    """Return the modules in memory after a fresh interpreter imported a handler."""
    code = LOADED.format(folder=str(ROOT / "functions" / function))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_predict_loads_none_of_what_only_training_and_tables_need() -> None:
    modules = loaded_by("predict")
    assert {name.split(".")[0] for name in modules} & TOO_HEAVY == set()
    assert not {
        name for name in modules if name.startswith(("tidemill.training", "tidemill.datasets", "projects"))
    }
