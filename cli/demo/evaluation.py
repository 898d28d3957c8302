"""How good were the predictions: the demo's own judgement, on labels only it holds.

The system judges itself from outcomes that arrive with the uploads; the demo knows the truth from
the start and uses it here, after the fact, and nowhere else.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidemill.statistics.metrics import metric

Floats = NDArray[np.float64]
AUC, BRIER = metric("roc_auc"), metric("brier")
RESAMPLES = 1000
INTERVAL = (0.025, 0.975)


class Scored(NamedTuple):
    """One month's rows with a known label, each of shape (n_rows,).

    ``served`` and ``frozen`` are probabilities by the model in service and by the first model.
    """

    label: NDArray[np.bool_]
    served: Floats
    frozen: Floats


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
        served = AUC.weighted(month.label, month.served, drawn)
        total += served - AUC.weighted(month.label, month.frozen, drawn)
    mean = np.mean([AUC(one.label, one.served) - AUC(one.label, one.frozen) for one in months])
    low, high = np.nanquantile(total / len(months), INTERVAL)
    return float(mean), (float(low), float(high))
