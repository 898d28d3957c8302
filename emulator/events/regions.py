"""moto's state over all accounts and regions that are in use."""

from collections.abc import Iterator
from typing import Any


def all_backends(backends: Any) -> Iterator[tuple[str, str, Any]]:
    """Go through a service's backends.

    Parameters
    ----------
    backends
        moto's dictionary of a service, by account and region.

    Yields
    ------
    tuple
        Account, region, backend; copies of the keys, so that others may add to them meanwhile.
    """
    for account, regions in list(backends.items()):
        for region, backend in list(regions.items()):
            yield account, region, backend
