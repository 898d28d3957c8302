"""The composition root: named variables, nothing at import, nothing heavy on the predict path."""

import subprocess
import sys

import pytest

from tidemill.aws.settings import Settings
from tidemill.errors import Unavailable


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("project", "TIDEMILL_PROJECT"),
        ("data_bucket", "TIDEMILL_DATA_BUCKET"),
        ("models_bucket", "TIDEMILL_MODELS_BUCKET"),
        ("experiments_table", "TIDEMILL_EXPERIMENTS_TABLE"),
        ("features_table", "TIDEMILL_FEATURES_TABLE"),
        ("database", "TIDEMILL_DATABASE"),
        ("event_bus", "TIDEMILL_EVENT_BUS"),
        ("predictions_queue_url", "TIDEMILL_PREDICTIONS_QUEUE_URL"),
        ("training_state_machine_arn", "TIDEMILL_TRAINING_STATE_MACHINE_ARN"),
    ],
)
def test_a_setting_is_its_variable_and_named_when_missing(name: str, variable: str) -> None:
    assert getattr(Settings({variable: "value"}), name) == "value"
    for environment in ({}, {variable: ""}):
        with pytest.raises(Unavailable, match=variable):
            getattr(Settings(environment), name)


def test_what_predict_wires_brings_no_heavy_library_and_makes_nothing_at_import() -> None:
    code = (
        "import sys, tidemill.aws.wiring as wiring, tidemill.aws.online\n"
        "heavy = {'pyarrow', 'pyiceberg', 'pandas', 'sklearn', 'scipy', 'onnx'} & set(sys.modules)\n"
        "made = [f for f in vars(wiring).values() if hasattr(f, 'cache_info') and f.cache_info().currsize]\n"
        "sys.exit(f'{heavy} {made}' if heavy or made else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
