"""One local cloud for all end-to-end tests, with the real stacks, the real data and a trained model.

Nothing here reaches behind the cloud's back: files go into S3, rows to the HTTP API, training to
Step Functions, and time passes by the clock's control plane.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from cli.context import CHECKOUT
from cli.demo.flights_data import FlightsData, prepare
from cli.demo.replay import MODEL, Replay
from cli.demo.system import LocalSystem
from cli.local_cloud import start_detached, stop
from cli.render import steps
from tidemill.client.endpoint import LocalCloud


@pytest.fixture(scope="session")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder that is `.tidemill` for these tests."""
    return tmp_path_factory.mktemp("tidemill")


@pytest.fixture(scope="session")
def data() -> FlightsData:
    """Prepare the year of flights, or find it prepared."""
    return prepare(CHECKOUT / ".tidemill" / "demo" / "data")


@pytest.fixture(scope="session")
def cloud(state_dir: Path) -> Iterator[LocalCloud]:
    """Start a local cloud with the stacks deployed, as `tidemill up --detach` does."""
    running = start_detached(0, state_dir)
    yield running
    stop(running.pid)


@pytest.fixture(scope="session")
def system(cloud: LocalCloud, data: FlightsData) -> Iterator[LocalSystem]:
    """Load January and February and train the first model, as the demo does."""
    found = LocalSystem.find(cloud, MODEL)
    with steps() as progress:
        replay = Replay(found, data, progress)
        replay.load_history()
        assert replay.train_first() == 1
    yield found
    found.deployment.api.close()


@pytest.fixture(autouse=True)
def no_other_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what other tests of this process may have said of theirs."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def planes() -> pd.DataFrame:
    """Return three aircraft nobody else has."""
    return pd.DataFrame(
        {
            "tailnum": ["T1TEST", "T2TEST", "T3TEST"],
            "built_year": [1999.0, 2005.0, None],
            "seats": [100.0, 200.0, 300.0],
            "listed_at": ["2013-02-01T00:00:00Z"] * 3,
        }
    )
