"""The served model of these tests."""

from pathlib import Path

import pytest

from tests.serving.served import Served, package_files


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """Return the files of one package; the graph is made once."""
    return package_files()


@pytest.fixture
def served(files: dict[str, bytes], tmp_path: Path) -> Served:
    """Return a model in service."""
    made = Served.make(tmp_path)
    made.promote(made.register(files))
    return made
