"""A laboratory with eight weeks of trips."""

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from tests.training.toy import Laboratory, laboratory


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Fit on one thread, as the functions do: on shared processors more of them only wait."""
    with threadpool_limits(limits=1, user_api="openmp"):
        yield


@pytest.fixture
def lab() -> Laboratory:
    """Return new stores with eight weeks of data."""
    return laboratory()
