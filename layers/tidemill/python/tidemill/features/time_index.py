"""Entities and moments in order: sorted once, and counted by binary search."""

from copy import copy

import numpy as np

from tidemill.expressions import Array
from tidemill.features.definitions import Ints


def sort_by_entity(codes: Ints) -> Ints:
    """Return the positions that sort entities and leave those of one entity in their order.

    Examples
    --------
    >>> sort_by_entity(np.array([70_000, 3, 70_000, 3]))
    array([1, 3, 0, 2])
    """
    # numpy sorts integers of 16 bits by counting them, which beats comparing them many times over.
    low = codes.min(initial=0)
    order = np.argsort(codes.astype(np.uint16) - low.astype(np.uint16), kind="stable")
    for digit in range(16, int(codes.max(initial=0) - low).bit_length(), 16):
        numbers = ((codes - low) >> digit).astype(np.uint16)
        order = order[np.argsort(numbers[order], kind="stable")]
    return order


class TimeIndex:
    """Moments of entities, sorted by entity and time, to be counted by binary search.

    Parameters
    ----------
    codes
        Shape (n,), the entity of each moment, 0 or more.
    times
        Shape (n,), microseconds.

    Attributes
    ----------
    order
        The positions that sort the moments; None if they are sorted as they are.
    """

    def __init__(self, codes: Ints, times: Ints) -> None:
        self._later_us = 0
        self._low = int(times.min()) if len(times) else 0
        span = (int(times.max()) - self._low if len(times) else 0) + 2
        self._beyond = int(codes.max(initial=0)) + 1
        fits = (self._beyond + 1) * span < 2**62
        self._ranks: Ints | None = None if fits else np.unique(times)
        self._span = span if self._ranks is None else len(self._ranks) + 1
        keys = codes * self._span
        if self._ranks is None:
            keys += times
            keys -= self._low
        else:
            keys += np.searchsorted(self._ranks, times)
        self.order = _order(codes, times, keys)
        self._sorted = keys if self.order is None else keys[self.order]

    def later(self, us: int) -> "TimeIndex":
        """Return the index of the same moments, in their order, each so much later."""
        index = copy(self)
        index.order = None
        index._later_us = self._later_us + us  # noqa: SLF001  # of its own kind
        return index

    def times(self, codes: Ints) -> Ints:
        """Return the moments in the index's order, given their entities in that order."""
        places: Ints = self._sorted - codes * self._span
        moments: Ints = places + self._low if self._ranks is None else self._ranks[places]
        return moments + self._later_us

    def has_ties(self) -> bool:
        """Tell whether an entity has one moment twice."""
        return bool((self._sorted[1:] == self._sorted[:-1]).any())

    def _keys(self, codes: Ints, times: Ints) -> Ints:
        entities = np.minimum(codes, self._beyond) * self._span
        if self._ranks is None:
            return entities + np.clip(times - self._low, 0, self._span - 1)
        return entities + np.searchsorted(self._ranks, times)

    def count_before(self, codes: Ints, times: Ints) -> Ints:
        """Count the moments that sort before each (entity, time); none do before entity -1."""
        keys = self._keys(codes, times - self._later_us)
        return np.searchsorted(self._sorted, keys).astype(np.int64, copy=False)

    def arrange(self, values: Array) -> Array:
        """Put values that belong to the moments into the index's order."""
        return values if self.order is None else values[self.order]


def _order(codes: Ints, times: Ints, keys: Ints) -> Ints | None:
    if _is_sorted(keys):
        return None
    return sort_by_entity(codes) if _is_sorted(times) else np.argsort(keys)


def _is_sorted(values: Ints) -> bool:
    return bool((values[1:] >= values[:-1]).all())
