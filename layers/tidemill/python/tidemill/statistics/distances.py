"""How far apart two histograms over the same bins are, as an effect size that does not grow with rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SMOOTHING = 0.5  # Jeffreys' prior: an empty bin must not make the distance infinite

AnyCounts = NDArray[np.integer[Any]]


def psi(reference: AnyCounts, current: AnyCounts) -> float:
    r"""Return the population stability index.

    Parameters
    ----------
    reference, current
        Counts in the same bins, shape (n_bins,). Half a count is added to every bin.

    Returns
    -------
    float
        At least 0; by custom below 0.1 is stable, above 0.25 is a large shift.

    Notes
    -----
    .. math:: \sum_i (p_i - q_i) \log \frac{p_i}{q_i}

    the symmetrised Kullback-Leibler divergence (Jeffreys'). Bins empty on both sides are left out.

    References
    ----------
    Yurdakul and Naranjo, "Statistical properties of the population stability index", J. Risk
    Model Validation 14 (2020).

    Examples
    --------
    >>> psi(np.array([50, 50]), np.array([50, 50]))
    0.0
    >>> round(psi(np.array([5000, 5000]), np.array([7500, 2500])), 3)
    0.275
    """
    p, q = _shares(reference, current)
    return float(((p - q) * np.log(p / q)).sum())


def jensen_shannon(reference: AnyCounts, current: AnyCounts) -> float:
    r"""Return the Jensen-Shannon distance to the base 2.

    Parameters
    ----------
    reference, current
        Counts in the same bins, shape (n_bins,). Half a count is added to every bin.

    Returns
    -------
    float
        In [0, 1]: 0 for equal shares, 1 for nothing in common.

    Notes
    -----
    .. math:: \sqrt{\tfrac{1}{2} D(p \| m) + \tfrac{1}{2} D(q \| m)}, \quad m = \tfrac{p + q}{2}

    References
    ----------
    Endres and Schindelin, "A new metric for probability distributions", IEEE Trans. IT 49 (2003).

    Examples
    --------
    >>> jensen_shannon(np.array([10, 20]), np.array([10, 20]))
    0.0
    >>> round(jensen_shannon(np.array([10**6, 0]), np.array([0, 10**6])), 3)
    1.0
    """
    p, q = _shares(reference, current)
    middle = (p + q) / 2
    divergence = 0.5 * (p * np.log2(p / middle) + q * np.log2(q / middle)).sum()
    return float(np.sqrt(max(divergence, 0.0)))


def _shares(reference: AnyCounts, current: AnyCounts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if reference.shape != current.shape:
        raise ValueError(
            f"histograms have {reference.size} and {current.size} bins; count both into the same"
        )
    used = (reference > 0) | (current > 0)
    p, q = reference[used] + _SMOOTHING, current[used] + _SMOOTHING
    return p / p.sum(), q / q.sum()
