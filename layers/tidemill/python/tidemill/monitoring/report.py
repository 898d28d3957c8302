"""The monitor report: what one window of a model's predictions looked like, and what follows.

Three forms of one thing: the whole as JSON, a summary kept in the registry and sent as the
MonitorReport event, and a page for people (``html.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidemill.monitoring.drift import ColumnDrift
from tidemill.monitoring.quality import Performance


@dataclass(frozen=True)
class Window:
    """The whole days a report is about: from ``start`` to before ``end``, RFC 3339 in UTC."""

    start: str
    end: str
    days: Sequence[str]


@dataclass(frozen=True)
class MonitorReport:
    """What the monitor found.

    ``drift`` is None where nothing can be said: no champion, or too few rows. ``columns`` compares
    every feature, by effect size; ``prediction`` the predicted probabilities.
    """

    project: str
    model: str
    version: int | None
    window: Window
    at: str
    rows: int
    skipped_rows: int
    new_rows: int
    drift: bool | None
    columns: Sequence[ColumnDrift]
    prediction: ColumnDrift | None
    performance: Performance
    notes: Sequence[str]

    @property
    def key(self) -> str:
        """Where the report lies in the data bucket, without its extension."""
        return f"reports/monitor/{self.model}/{self.window.end}"

    @property
    def drifted_features(self) -> list[str]:
        """The features that drifted, the largest effect first."""
        return [column.name for column in self.columns if column.drifted]

    def summary(self) -> dict[str, Any]:
        """Return the detail of the MonitorReport event, which is also kept in the registry."""
        performance = self.performance
        measured, reference = performance.measured, performance.reference
        quality = {
            "metric": performance.metric,
            "rows": performance.rows,
            "measured": measured.point if measured else None,
            "low": measured.low if measured else None,
            "high": measured.high if measured else None,
            "reference": reference.point if reference else None,
            "estimated": performance.estimated,
        }
        return {
            "project": self.project,
            "model": self.model,
            "version": self.version,
            "window_start": self.window.start,
            "window_end": self.window.end,
            "at": self.at,
            "rows": self.rows,
            "new_rows": self.new_rows,
            "drift": self.drift,
            "drifted_features": self.drifted_features,
            "performance": performance.verdict,
            "quality": quality if performance.metric else None,
            "report_key": f"{self.key}.json",
        }

    def to_json(self) -> dict[str, Any]:
        """Return the whole report as plain data."""
        return {
            **self.summary(),
            "skipped_rows": self.skipped_rows,
            "columns": [column.to_json() for column in self.columns],
            "prediction": self.prediction.to_json() if self.prediction else None,
            "performance_detail": self.performance.to_json(),
            "notes": list(self.notes),
        }


def window_of(at: datetime, window_seconds: int) -> Window:
    """Return the whole days before a moment.

    Parameters
    ----------
    at
        The moment, in UTC.
    window_seconds
        The window's length; a part of a day counts as one.

    Examples
    --------
    >>> from datetime import UTC
    >>> window_of(datetime(2013, 3, 11, 6, tzinfo=UTC), 2 * 86_400)
    Window(start='2013-03-09T00:00:00Z', end='2013-03-11T00:00:00Z', days=['2013-03-09', '2013-03-10'])
    """
    n_days = max(1, -(-window_seconds // 86_400))
    end = at.date().toordinal()
    days = [at.fromordinal(ordinal).date().isoformat() for ordinal in range(end - n_days, end)]
    return Window(f"{days[0]}T00:00:00Z", f"{at.date().isoformat()}T00:00:00Z", days)
