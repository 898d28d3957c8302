"""Whether a window of predictions still looks like the data the model was made from.

A column has drifted if two things hold: its histogram differs from the reference's by more than
chance, judged over all columns at once so that a hundred features do not mean a hundred chances
of a false alarm; and the difference is large enough to matter. The first keeps small windows from
crying wolf, the second keeps huge ones from it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tidemill.monitoring.daily import DayHistogram
from tidemill.statistics.distances import jensen_shannon, psi
from tidemill.statistics.drift_tests import benjamini_hochberg, psi_test
from tidemill.statistics.histograms import Histogram
from tidemill.statistics.profile import ColumnProfile, ReferenceProfile

FALSE_ALARM_RATE = 0.05  # of a window without drift, over all its columns
PSI_THRESHOLD = 0.2  # by custom 0.1 is a small shift and 0.25 a large one
SHARE_THRESHOLD = 0.05  # five points more missing, or out of range, than the reference had
MIN_ROWS = 50  # fewer leave most bins of ten with less than the five rows the test's approximation needs


@dataclass(frozen=True)
class ColumnDrift:
    """How one column of a window compares with the reference.

    ``p_value`` is adjusted for the number of columns; ``psi`` and ``jensen_shannon`` are effect
    sizes. Chance alone gives a PSI of about (k - 1)(1/n + 1/m) over k bins, which is much where a
    window has few rows for many categories: there it is the p-value that keeps quiet. Shares are
    of the window's rows. ``issues`` names what is wrong with the data itself: ``missing`` or
    ``out_of_range``.
    """

    name: str
    drifted: bool
    p_value: float
    psi: float
    jensen_shannon: float
    missing_share: float
    reference_missing_share: float
    outside_share: float
    issues: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "issues": list(self.issues)}


@dataclass(frozen=True)
class Drift:
    """The verdict on a window: None if it has fewer than ``MIN_ROWS`` rows, which say too little.

    ``columns`` are the features, the largest effect first; ``prediction`` the predicted probabilities.
    """

    verdict: bool | None
    columns: Sequence[ColumnDrift] = ()
    prediction: ColumnDrift | None = None


def judge_drift(reference: ReferenceProfile, window: DayHistogram) -> Drift:
    """Say whether a window drifted, column by column, its predictions included.

    Parameters
    ----------
    reference
        Of the model version that the window is compared with.
    window
        The sum of the window's days on its bins.

    Returns
    -------
    Drift
        With the verdict true if any column drifted.
    """
    if window.rows < MIN_ROWS:
        return Drift(None)
    pairs = [(column, window.columns[column.name]) for column in reference.columns]
    *features, prediction = compare_columns([*pairs, (reference.prediction, window.prediction)])
    return Drift(
        verdict=prediction.drifted or any(column.drifted for column in features),
        columns=sorted(features, key=lambda column: (-column.psi, column.name)),
        prediction=prediction,
    )


def compare_columns(
    pairs: Sequence[tuple[ColumnProfile, Histogram]], *, threshold: float = PSI_THRESHOLD
) -> list[ColumnDrift]:
    """Compare columns of a window with their reference, all under one false alarm rate.

    Parameters
    ----------
    pairs
        A column's profile, and a histogram of the window over the same bins.
    threshold
        The least PSI that matters.

    Returns
    -------
    list of ColumnDrift
        In the order of the pairs.

    Notes
    -----
    The test is ``psi_test`` (PSI times nm / (n + m) against chi-square), its p-values adjusted by
    Benjamini and Hochberg: without drift, the chance that any column alarms is at most
    ``FALSE_ALARM_RATE``, and the effect size lowers it further.

    Examples
    --------
    >>> from tidemill.statistics.profile import profile_column
    >>> distance = profile_column("distance", np.arange(1000.0))
    >>> [column] = compare_columns([(distance, distance.count(np.arange(500.0) + 700))])
    >>> column.drifted, column.issues, round(column.outside_share, 2)
    (True, ('out_of_range',), 0.4)
    """
    raw = [psi_test(profile.histogram.counts, window.counts) for profile, window in pairs]
    missing = [_missing_test(profile.histogram, window) for profile, window in pairs]
    adjusted = benjamini_hochberg(np.array([*raw, *missing]))
    return [
        _compare(
            profile,
            window,
            float(adjusted[position]),
            missing_p=float(adjusted[len(pairs) + position]),
            threshold=threshold,
        )
        for position, (profile, window) in enumerate(pairs)
    ]


def _missing_test(reference: Histogram, window: Histogram) -> float:
    return psi_test(_present_and_missing(reference), _present_and_missing(window))


def _present_and_missing(histogram: Histogram) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([histogram.rows - histogram.missing, histogram.missing], dtype=np.int64)


def _compare(
    profile: ColumnProfile, window: Histogram, p_value: float, *, missing_p: float, threshold: float
) -> ColumnDrift:
    effect = psi(profile.histogram.counts, window.counts) if window.counts.sum() else 0.0
    missing, usual = _share(window.missing, window), _share(profile.histogram.missing, profile.histogram)
    outside = _share(window.outside, window)
    issues = []
    if missing_p <= FALSE_ALARM_RATE and missing - usual > SHARE_THRESHOLD:
        issues.append("missing")
    if outside > SHARE_THRESHOLD:
        issues.append("out_of_range")
    return ColumnDrift(
        name=profile.name,
        drifted=p_value <= FALSE_ALARM_RATE and effect >= threshold,
        p_value=p_value,
        psi=effect,
        jensen_shannon=jensen_shannon(profile.histogram.counts, window.counts) if effect else 0.0,
        missing_share=missing,
        reference_missing_share=usual,
        outside_share=outside,
        issues=tuple(issues),
    )


def _share(part: int, histogram: Histogram) -> float:
    return part / histogram.rows if histogram.rows else 0.0
