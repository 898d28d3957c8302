"""How good the served predictions turned out to be, or are expected to be while nobody knows yet.

With outcomes the model's metric is measured with its interval and held against what the test set
promised. Without them, calibrated probabilities themselves say how good they ought to be.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidemill.statistics.intervals import Interval, metric_interval
from tidemill.statistics.metrics import metric
from tidemill.statistics.profile import ReferenceProfile

MIN_ROWS = 100  # the bootstrap of fewer rows says little
MIN_PER_CLASS = 10
MIN_DROP = 0.02  # on the metric's own scale; a smaller loss is not worth a training run
ONE_SIDED_Z = 2.326  # one false alarm in a hundred windows
_RESAMPLES = 300  # the standard error from 300 draws is within 5 %

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Performance:
    """What is known of a model's quality in a window.

    ``verdict`` is ``ok``, ``worse`` or ``unknown``; ``measured`` is the metric on ``rows`` rows with
    outcomes, ``reference`` the metric of the test set, ``estimated`` what the window's probabilities
    promise. What is not known is None.
    """

    verdict: str
    metric: str | None
    rows: int
    measured: Interval | None
    brier: float | None
    reference: Interval | None
    estimated: float | None

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "verdict": self.verdict,
            "metric": self.metric,
            "rows": self.rows,
            "measured": self.measured.to_json() if self.measured else None,
            "brier": self.brier,
            "reference": self.reference.to_json() if self.reference else None,
            "estimated": self.estimated,
        }


UNKNOWN = Performance("unknown", None, 0, None, None, None, None)


def judge_performance(
    reference: ReferenceProfile, labels: NDArray[np.bool_], probabilities: Floats, window: Floats
) -> Performance:
    r"""Judge a model's predictions by their outcomes.

    Parameters
    ----------
    reference
        Of the model version that predicted: its metric and the metric's interval on test rows.
    labels, probabilities
        Outcomes and predictions of the rows whose outcome is known, shape (n_known,) each.
    window
        The probabilities of all rows of the window, shape (n_rows,).

    Returns
    -------
    Performance
        ``worse`` if the loss is both more than chance and at least ``MIN_DROP``.

    Notes
    -----
    Window and test set are different rows, so their errors add: with standard errors
    :math:`s_w, s_r` read off the two 95 % intervals,

    .. math:: z = \frac{g}{\sqrt{s_w^2 + s_r^2}}, \quad s = \frac{high - low}{2 \cdot 1.96}

    where :math:`g` is the gain over the reference, negative for a loss; ``worse`` needs
    :math:`z < -2.326`.
    """
    measure = metric(reference.metric)
    estimated = expected_metric(reference.metric, window)
    positives = int(labels.sum())
    if len(labels) < MIN_ROWS or min(positives, len(labels) - positives) < MIN_PER_CLASS:
        return Performance(
            "unknown", measure.name, len(labels), None, None, reference.quality, _finite(estimated)
        )
    measured = metric_interval(measure, labels, probabilities, resamples=_RESAMPLES)
    gain = measure.gain(measured.point, over=reference.quality.point)
    error = math.hypot(_standard_error(measured), _standard_error(reference.quality))
    worse = gain <= -MIN_DROP and gain < -ONE_SIDED_Z * error
    return Performance(
        verdict="worse" if worse else "ok",
        metric=measure.name,
        rows=len(labels),
        measured=measured,
        brier=metric("brier")(labels, probabilities),
        reference=reference.quality,
        estimated=_finite(estimated),
    )


def _standard_error(interval: Interval) -> float:
    width = interval.high - interval.low
    return width / (2 * 1.96) if math.isfinite(width) else 0.0


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def expected_metric(name: str, probabilities: Floats) -> float:
    r"""Return what a metric would be if the probabilities were right (confidence-based estimation).

    Parameters
    ----------
    name
        Of the metric.
    probabilities
        Calibrated, shape (n_rows,).

    Returns
    -------
    float
        The expected metric; NaN where it is not defined.

    Notes
    -----
    Each row counts as a positive with weight :math:`p` and as a negative with weight
    :math:`1 - p`. The estimate sees a shift of the inputs, not a change of what they mean: where
    that changes, only outcomes tell.

    References
    ----------
    Białek et al., "Estimating model performance under covariate shift without labels" (2024),
    arXiv:2401.08348.

    Examples
    --------
    >>> expected_metric("roc_auc", np.array([0.0, 0.0, 1.0]))
    1.0
    >>> expected_metric("brier", np.array([0.5, 0.5]))
    0.25
    """
    if len(probabilities) == 0:
        return float("nan")
    labels = np.repeat([True, False], len(probabilities))
    scores = np.concatenate([probabilities, probabilities])
    weights = np.concatenate([probabilities, 1 - probabilities])
    return float(metric(name).weighted(labels, scores, weights[None, :])[0])
