"""Whether a window of predictions still looks like the data the model was made from.

A column has drifted if two things hold: its histogram differs from the reference's by more than
chance, judged over all columns at once so that a hundred features do not mean a hundred chances
of a false alarm; and the difference is large enough to matter. The first keeps small windows from
crying wolf, the second keeps huge ones from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tidemill.statistics.distances import jensen_shannon, psi
from tidemill.statistics.drift_tests import benjamini_hochberg, psi_test
from tidemill.statistics.histograms import Histogram
from tidemill.statistics.profile import ColumnProfile

FALSE_ALARM_RATE = 0.05  # of a window without drift, over all its columns
PSI_THRESHOLD = 0.2  # by custom 0.1 is a small shift and 0.25 a large one
SHARE_THRESHOLD = 0.05  # five points more missing, or out of range, than the reference had
MIN_ROWS = 50  # fewer leave most bins of ten with less than the five rows the test's approximation needs


@dataclass(frozen=True)
class ColumnDrift:
    """How one column of a window compares with the reference.

    ``p_value`` is adjusted for the number of columns; ``psi`` and ``jensen_shannon`` are effect
    sizes, which do not grow with the number of rows; shares are of the window's rows. ``issues``
    names what is wrong with the data itself: ``missing`` or ``out_of_range``.
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


def compare_columns(
    reference: Sequence[ColumnProfile], window: Mapping[str, Histogram], *, threshold: float = PSI_THRESHOLD
) -> list[ColumnDrift]:
    """Compare every column of a window with its reference.

    Parameters
    ----------
    reference
        Profiles of the columns, the prediction's among them if it is to be judged too.
    window
        A histogram over the same bins for each of them.
    threshold
        The least PSI that matters.

    Returns
    -------
    list of ColumnDrift
        By effect size, the largest first.

    Notes
    -----
    The test is ``psi_test`` (PSI times nm / (n + m) against chi-square), its p-values adjusted by
    Benjamini and Hochberg: without drift, the chance that any column alarms is at most
    ``FALSE_ALARM_RATE``, and the effect size lowers it further.

    Examples
    --------
    >>> from tidemill.statistics.profile import profile_column
    >>> seen, now = np.arange(1000.0), np.arange(500.0) + 700
    >>> [column] = compare_columns([(p := profile_column("dist", seen))], {"dist": p.count(now)})
    >>> column.drifted, column.issues, round(column.outside_share, 2)
    (True, ('out_of_range',), 0.4)
    """
    raw = np.array([psi_test(p.histogram.counts, window[p.name].counts) for p in reference], dtype=np.float64)
    missing = np.array([_missing_test(p.histogram, window[p.name]) for p in reference], dtype=np.float64)
    adjusted = benjamini_hochberg(np.concatenate([raw, missing]))
    columns = [
        _compare(
            profile,
            window[profile.name],
            float(adjusted[i]),
            missing_p=float(adjusted[len(raw) + i]),
            threshold=threshold,
        )
        for i, profile in enumerate(reference)
    ]
    return sorted(columns, key=lambda column: (-column.psi, column.name))


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
