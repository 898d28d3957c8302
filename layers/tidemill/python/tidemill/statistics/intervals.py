"""How sure a figure is: bootstrap intervals of a metric, of a paired difference and of a mean."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidemill.statistics.metrics import Floats, Metric

_CELLS_AT_ONCE = 2_000_000  # resampled weights held in memory at a time: 16 MB


@dataclass(frozen=True)
class Interval:
    """A figure and its confidence interval.

    Examples
    --------
    >>> Interval(point=0.7, low=0.6, high=0.8, level=0.95).to_json()
    {'point': 0.7, 'low': 0.6, 'high': 0.8, 'level': 0.95}
    """

    point: float
    low: float
    high: float
    level: float

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"point": self.point, "low": self.low, "high": self.high, "level": self.level}

    @staticmethod
    def from_json(data: dict[str, Any]) -> "Interval":
        """Return the interval that ``to_json`` wrote."""
        return Interval(data["point"], data["low"], data["high"], data["level"])


def metric_interval(
    metric: Metric,
    labels: NDArray[np.bool_],
    probabilities: Floats,
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Return a metric with its percentile bootstrap interval.

    Parameters
    ----------
    metric
        What is measured.
    labels, probabilities
        Shape (n_rows,) each.
    level
        Confidence, in (0, 1).
    resamples
        How many times the rows are drawn anew.
    seed
        Of the draws: the same call gives the same interval.

    Returns
    -------
    Interval
        NaN throughout where the metric is not defined, such as an AUC of one class.

    References
    ----------
    Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.

    Examples
    --------
    >>> from tidemill.statistics.metrics import metric
    >>> labels = np.arange(400) % 2 == 0
    >>> interval = metric_interval(metric("brier"), labels, np.where(labels, 0.8, 0.2))
    >>> round(interval.low, 3), round(interval.high, 3)  # every row has the same error
    (0.04, 0.04)
    """
    wide = np.asarray(probabilities, dtype=np.float64)

    def measure(weights: Floats) -> Floats:
        return metric.weighted(labels, wide, weights)

    return _bootstrap(metric(labels, wide), len(labels), measure, level=level, resamples=resamples, seed=seed)


def gain_interval(
    metric: Metric,
    labels: NDArray[np.bool_],
    challenger: Floats,
    champion: Floats,
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Return the challenger's gain over the champion with its paired bootstrap interval.

    Both are measured on the same draws of the same rows, so that what makes rows hard for both
    cancels out: the interval is far narrower than the difference of two intervals.

    Parameters
    ----------
    metric
        What is measured.
    labels, challenger, champion
        Labels and the two models' probabilities, shape (n_rows,) each, in the same row order.
    level, resamples, seed
        As in `metric_interval`.

    Returns
    -------
    Interval
        Positive is better, whichever way the metric goes.

    References
    ----------
    Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 8.

    Examples
    --------
    >>> from tidemill.statistics.metrics import metric
    >>> labels = np.arange(400) % 4 == 0
    >>> good, bad = np.where(labels, 0.9, 0.1), np.full(400, 0.5)
    >>> gain_interval(metric("brier"), labels, good, bad).point > 0
    True
    """
    ours, theirs = np.asarray(challenger, np.float64), np.asarray(champion, np.float64)
    sign = 1.0 if metric.higher_is_better else -1.0

    def gain(weights: Floats) -> Floats:
        return sign * (metric.weighted(labels, ours, weights) - metric.weighted(labels, theirs, weights))

    point = metric.gain(metric(labels, ours), over=metric(labels, theirs))
    return _bootstrap(point, len(labels), gain, level=level, resamples=resamples, seed=seed)


def _bootstrap(
    point: float, rows: int, statistic: Callable[[Floats], Floats], *, level: float, resamples: int, seed: int
) -> Interval:
    if not np.isfinite(point):
        return Interval(float("nan"), float("nan"), float("nan"), level)
    drawn = np.concatenate([statistic(weights) for weights in _draws(rows, resamples, seed)])
    tail = (1 - level) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Interval(point, float(low), float(high), level)


def _draws(rows: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each row is drawn, in blocks of shape (n_sets, rows) that fit in memory."""
    generator = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // rows)
    for start in range(0, resamples, at_once):
        sets = min(at_once, resamples - start)
        picks = generator.integers(0, rows, size=(sets, rows)) + np.arange(sets)[:, None] * rows
        yield np.bincount(picks.ravel(), minlength=sets * rows).reshape(sets, rows).astype(np.float64)
