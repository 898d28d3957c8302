"""Whether two histograms differ by more than chance, and how to ask that of many features at once."""

import math

import numpy as np
from numpy.typing import NDArray

from tidemill.statistics.distances import AnyCounts, psi

_EPSILON = 1e-15
_TINY = 1e-300
_STEPS = 10_000


def psi_test(reference: AnyCounts, current: AnyCounts) -> float:
    r"""Return the p-value of "both histograms were drawn from one distribution".

    Parameters
    ----------
    reference, current
        Counts in the same bins, shape (n_bins,).

    Returns
    -------
    float
        In [0, 1]; 1 if there is nothing to compare (fewer than two bins in use, or no rows).

    Notes
    -----
    With :math:`n` and :math:`m` rows over :math:`k` bins in use, and no drift,

    .. math:: \mathrm{PSI} \cdot \frac{n m}{n + m} \sim \chi^2_{k - 1}

    Rows are taken to be independent; features that many rows share within a window (a trailing
    mean of an airport) are not, which is why an alarm needs an effect size as well.

    References
    ----------
    Yurdakul and Naranjo, "Statistical properties of the population stability index", J. Risk
    Model Validation 14 (2020).

    Examples
    --------
    >>> psi_test(np.array([500, 500]), np.array([50, 50]))
    1.0
    >>> psi_test(np.array([500, 500]), np.array([90, 10])) < 1e-9
    True
    """
    n, m = int(reference.sum()), int(current.sum())
    bins = int(((reference > 0) | (current > 0)).sum())
    if n == 0 or m == 0 or bins < 2:
        return 1.0
    return chi_square_sf(psi(reference, current) * n * m / (n + m), bins - 1)


def chi_square_sf(statistic: float, degrees: int) -> float:
    r"""Return the chance that a chi-square variable exceeds a value.

    Parameters
    ----------
    statistic
        The value, at least 0.
    degrees
        Degrees of freedom, at least 1.

    Returns
    -------
    float
        In [0, 1].

    Notes
    -----
    The regularised upper incomplete gamma function :math:`Q(k/2, x/2)`: one minus its series
    below :math:`x < a + 1`, Lentz's continued fraction above, both to about 1e-14.

    References
    ----------
    Abramowitz and Stegun, 26.4.19, 6.5.29 and 6.5.31; Numerical Recipes, section 6.2.

    Examples
    --------
    >>> round(chi_square_sf(3.841458820694124, 1), 6)
    0.05
    >>> chi_square_sf(0.0, 5)
    1.0
    """
    a, x = degrees / 2, statistic / 2
    if x <= 0:
        return 1.0
    if x < a + 1:
        return max(0.0, 1 - _lower_series(a, x))
    return _upper_fraction(a, x)


def _lower_series(a: float, x: float) -> float:
    term = total = 1 / a
    for step in range(1, _STEPS):
        term *= x / (a + step)
        total += term
        if term < total * _EPSILON:
            break
    return total * math.exp(a * math.log(x) - x - math.lgamma(a))


def _upper_fraction(a: float, x: float) -> float:
    b = x + 1 - a
    c = 1 / _TINY
    d = 1 / b
    fraction = d
    for step in range(1, _STEPS):
        numerator = -step * (step - a)
        b += 2
        d = 1 / _away_from_zero(numerator * d + b)
        c = _away_from_zero(b + numerator / c)
        fraction *= d * c
        if abs(d * c - 1) < _EPSILON:
            break
    return fraction * math.exp(a * math.log(x) - x - math.lgamma(a))


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def benjamini_hochberg(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Return p-values adjusted for having asked many questions.

    Parameters
    ----------
    p_values
        Shape (n_tests,), each in [0, 1].

    Returns
    -------
    ndarray
        Adjusted p-values in the same order: calling those at or below ``rate`` keeps the expected
        share of false alarms among the alarms at or below ``rate``.

    Notes
    -----
    .. math:: \tilde p_{(i)} = \min_{j \ge i} \min\left(1, \frac{n}{j}\, p_{(j)}\right)

    References
    ----------
    Benjamini and Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995).

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.5, 0.02]))
    array([0.03, 0.5 , 0.03])
    """
    n = len(p_values)
    order = np.argsort(p_values)
    scaled = p_values[order] * n / np.arange(1, n + 1)
    adjusted = np.empty(n)
    adjusted[order] = np.minimum(1, np.minimum.accumulate(scaled[::-1])[::-1])
    return adjusted
