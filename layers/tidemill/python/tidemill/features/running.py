"""Sums and counts of sorted rows from the first on: what lies between two rows is what they differ by."""

from dataclasses import dataclass

import numpy as np

from tidemill.expressions import Array
from tidemill.features.definitions import Ints, Mask
from tidemill.features.exact import Limbs


@dataclass(frozen=True, eq=False)
class RunningSums:
    """Limbs of running sums, shape (n + 1,), the first 0: in the order rows came to be seen, and went."""

    seen: Limbs
    gone: Limbs


def running_sums(values: Ints) -> Ints:
    """Return running sums that begin with 0, shape (n + 1,)."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


def running_counts(marks: Mask) -> Array:
    """Return running counts of marks that begin with 0, shape (n + 1,), of the least type that holds them."""
    counts = np.zeros(len(marks) + 1, dtype=np.min_scalar_type(len(marks)))
    np.cumsum(marks, out=counts[1:])
    return counts
