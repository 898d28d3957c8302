"""How good probabilities are: ROC AUC, Brier score, log loss.

Every metric takes a matrix of row weights, one set of weights a line, so that a bootstrap is one
call on resampled weights rather than a loop over resampled rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidemill.errors import DeclarationError, did_you_mean

Floats = NDArray[np.float64]
_PROBABILITY_FLOOR = 1e-15  # log(0) is infinite: one certain and wrong answer would hide all others


def roc_auc(labels: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    r"""Return the area under the ROC curve, ties counted half.

    Parameters
    ----------
    labels
        True for positive rows, shape (n_rows,).
    scores
        Any increasing function of the probability, shape (n_rows,).
    weights
        How often each row counts, shape (n_sets, n_rows).

    Returns
    -------
    ndarray
        Shape (n_sets,), each in [0, 1]; NaN where only one class has weight.

    Notes
    -----
    .. math:: \mathrm{AUC} = P(s^+ > s^-) + \tfrac{1}{2} P(s^+ = s^-)

    the probability that a random positive row is scored above a random negative one: the
    Mann-Whitney statistic over the product of the class sizes. One sort serves all sets.

    References
    ----------
    Hanley and McNeil, "The meaning and use of the area under a ROC curve", Radiology 143 (1982).

    Examples
    --------
    >>> labels, scores = np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8])
    >>> roc_auc(labels, scores, np.ones((1, 4)))
    array([0.75])
    """
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    first_of_tie = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    by_score = weights[:, order]
    positive = by_score * labels[order]
    positives = np.add.reduceat(positive, first_of_tie, axis=1)
    negatives = np.add.reduceat(by_score - positive, first_of_tie, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives
    won = (positives * (below + 0.5 * negatives)).sum(axis=1)
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    area: Floats = np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    return area


def brier(labels: NDArray[np.bool_], probabilities: Floats, weights: Floats) -> Floats:
    r"""Return the Brier score, the mean squared error of probabilities; lower is better.

    Parameters
    ----------
    labels
        True for positive rows, shape (n_rows,).
    probabilities
        Of the positive class, in [0, 1], shape (n_rows,).
    weights
        How often each row counts, shape (n_sets, n_rows).

    Returns
    -------
    ndarray
        Shape (n_sets,), each in [0, 1].

    Notes
    -----
    .. math:: \frac{1}{n} \sum_i (p_i - y_i)^2

    References
    ----------
    Brier, "Verification of forecasts expressed in terms of probability", MWR 78 (1950).

    Examples
    --------
    >>> brier(np.array([False, True]), np.array([0.5, 1.0]), np.ones((1, 2)))
    array([0.125])
    """
    return _weighted_mean((probabilities - labels) ** 2, weights)


def log_loss(labels: NDArray[np.bool_], probabilities: Floats, weights: Floats) -> Floats:
    r"""Return the mean negative log likelihood in nats; lower is better.

    Parameters
    ----------
    labels
        True for positive rows, shape (n_rows,).
    probabilities
        Of the positive class, shape (n_rows,); cut to [1e-15, 1 - 1e-15].
    weights
        How often each row counts, shape (n_sets, n_rows).

    Returns
    -------
    ndarray
        Shape (n_sets,), each at least 0.

    Notes
    -----
    .. math:: -\frac{1}{n} \sum_i y_i \log p_i + (1 - y_i) \log (1 - p_i)

    References
    ----------
    Good, "Rational decisions", JRSS B 14 (1952).

    Examples
    --------
    >>> log_loss(np.array([True]), np.array([0.5]), np.ones((1, 1))).round(4)
    array([0.6931])
    """
    likely = np.where(labels, probabilities, 1 - probabilities)
    return _weighted_mean(-np.log(np.clip(likely, _PROBABILITY_FLOOR, 1)), weights)


def _weighted_mean(values: Floats, weights: Floats) -> Floats:
    total = weights.sum(axis=1)
    mean: Floats = np.divide(weights @ values, total, out=np.full(len(total), np.nan), where=total > 0)
    return mean


@dataclass(frozen=True)
class Metric:
    """A metric by name, and which way is better.

    Examples
    --------
    >>> auc = metric("roc_auc")
    >>> auc(np.array([False, True]), np.array([0.2, 0.9]))
    1.0
    >>> metric("brier").gain(0.10, over=0.12) > 0  # a lower Brier score is a gain
    True
    """

    name: str
    weighted: Callable[[NDArray[np.bool_], Floats, Floats], Floats]
    higher_is_better: bool

    def __call__(self, labels: NDArray[np.bool_], probabilities: Floats) -> float:
        """Return the metric of rows that each count once; NaN if it is not defined on them."""
        if len(labels) == 0:
            return float("nan")
        wide = np.asarray(probabilities, dtype=np.float64)
        return float(self.weighted(labels, wide, np.ones((1, len(labels))))[0])

    def gain(self, value: float, *, over: float) -> float:
        """Return how much better ``value`` is than ``over``, positive for better."""
        return value - over if self.higher_is_better else over - value


METRICS: Mapping[str, Metric] = {
    "roc_auc": Metric("roc_auc", roc_auc, higher_is_better=True),
    "brier": Metric("brier", brier, higher_is_better=False),
    "log_loss": Metric("log_loss", log_loss, higher_is_better=False),
}


def metric(name: str) -> Metric:
    """Return a metric by its name.

    Raises
    ------
    DeclarationError
        If there is no metric of that name.
    """
    if name not in METRICS:
        raise DeclarationError(f"unknown metric `{name}`{did_you_mean(name, METRICS)}")
    return METRICS[name]
