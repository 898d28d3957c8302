"""A kind of figure cannot be added without entering the suites that hold offline and online to the oracle."""

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import tidemill
from tests.features.histories import FEATURES, ORACLE
from tidemill.features.aggregates import KINDS
from tidemill.project.views import Aggregate, AggregateKind


def test_what_can_be_declared_is_what_is_computed_and_what_the_oracle_knows() -> None:
    assert set(get_args(AggregateKind)) == set(KINDS) == set(ORACLE)


DECLARED = test_what_can_be_declared_is_what_is_computed_and_what_the_oracle_knows.__name__


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_in_the_views_of_both_suites_and_in_the_public_library(kind: str) -> None:
    assert kind in {feature.kind for feature in FEATURES.values() if isinstance(feature, Aggregate)}
    assert callable(getattr(tidemill, kind))
    assert kind in tidemill.__all__


CARELESS = """
from hypothesis import Phase, settings

from tidemill.features.aggregates import KINDS

KINDS["median"] = KINDS["mean"]
settings.register_profile("careless", deadline=None, database=None, phases=[Phase.generate])
"""


def test_a_kind_added_without_the_oracle_fails_the_suites(tmp_path: Path) -> None:
    (tmp_path / "careless.py").write_text(CARELESS)
    root, suites = Path(__file__).parents[2], ["test_kinds.py::" + DECLARED, "test_offline.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "careless", "-p", "no:cacheprovider", "--tb=line"]
        + ["--hypothesis-profile", "careless"]
        + [f"tests/features/{suite}" for suite in suites],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "KeyError: 'median'" in done.stdout
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert [suite for suite in suites if not any(suite in line for line in failed)] == []
