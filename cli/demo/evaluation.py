"""How good were the predictions: the demo's own judgement, on labels only it holds.

The system judges itself from outcomes that arrive with the uploads; the demo knows the truth from
the start and uses it here, after the fact, and nowhere else.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 1000
INTERVAL = (0.025, 0.975)


class Scored(NamedTuple):
    """One month's rows with a known label, each of shape (n_rows,).

    ``served`` and ``frozen`` are probabilities by the model in service and by the first model.
    """

    label: NDArray[np.bool_]
    served: Floats
    frozen: Floats


def resampled_auc(label: NDArray[np.bool_], score: Floats, weight: Floats) -> Floats:
    """Return the area under the ROC curve once for each weighting of the same rows.

    Parameters
    ----------
    label
        Shape (n_rows,).
    score
        Shape (n_rows,); higher means more likely true.
    weight
        Shape (n_resamples, n_rows): how often each row counts, which makes one row of it a
        bootstrap resample.

    Returns
    -------
    numpy.ndarray
        Shape (n_resamples,), each in 0 to 1; NaN where a resample has one class only.

    Notes
    -----
    The Mann-Whitney form, with ties counted half: over groups g of equal score in rising order,
    sum_g P_g (N_{<g} + N_g / 2) / (P N), P and N being the weights of true and false rows.

    Examples
    --------
    >>> label, score = np.array([False, True, True]), np.array([0.2, 0.2, 0.9])
    >>> resampled_auc(label, score, np.ones((1, 3)))
    array([0.75])
    """
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
    by_rank = weight[:, order]
    true = np.add.reduceat(by_rank * label[order], starts, axis=1)
    false = np.add.reduceat(by_rank, starts, axis=1) - true
    below = np.cumsum(false, axis=1) - false / 2
    pairs = true.sum(axis=1) * false.sum(axis=1)
    wins = (true * below).sum(axis=1)
    area: Floats = np.divide(wins, pairs, out=np.full(len(weight), np.nan), where=pairs > 0)
    return area


def auc(label: NDArray[np.bool_], score: Floats) -> float:
    """Return the area under the ROC curve, NaN when all labels are equal.

    Examples
    --------
    >>> auc(np.array([False, True]), np.array([0.1, 0.4]))
    1.0
    """
    return float(resampled_auc(label, score, np.ones((1, len(score))))[0])


def brier(label: NDArray[np.bool_], probability: Floats) -> float:
    """Return the mean squared distance of probabilities from what happened, 0 at best.

    Examples
    --------
    >>> brier(np.array([True, False]), np.array([1.0, 0.5]))
    0.125
    """
    return float(np.mean((probability - label) ** 2))


def gain(months: Sequence[Scored], seed: int) -> tuple[float, tuple[float, float]]:
    """Return the mean over months of AUC served minus AUC frozen, with its 95 % interval.

    Parameters
    ----------
    months
        At least one month; served and frozen are of the same rows.
    seed
        Of the resampling.

    Returns
    -------
    tuple
        The mean difference, and the interval's ends.

    Notes
    -----
    Percentile bootstrap (Efron 1979): rows are drawn with replacement within each month, the same
    rows for both models, so that what is common to both cancels.
    """
    rng = np.random.default_rng(seed)
    total = np.zeros(RESAMPLES)
    for month in months:
        n_rows = len(month.label)
        drawn = rng.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=RESAMPLES).astype(np.float64)
        served = resampled_auc(month.label, month.served, drawn)
        total += served - resampled_auc(month.label, month.frozen, drawn)
    mean = np.mean([auc(m.label, m.served) - auc(m.label, m.frozen) for m in months])
    low, high = np.nanquantile(total / len(months), INTERVAL)
    return float(mean), (float(low), float(high))
