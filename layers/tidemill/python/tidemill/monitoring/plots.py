"""The two plots of a report page, as SVG text: shares by bin, and a metric over time."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from tidemill.statistics.histograms import Histogram
from tidemill.statistics.profile import ColumnProfile

WIDTH, HEIGHT = 340, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 8, 10, 26
_LABEL_CHARACTERS = 14


def histogram_svg(profile: ColumnProfile, window: Histogram) -> str:
    """Draw the share of rows in each bin, the reference behind and the window in front.

    Parameters
    ----------
    profile
        The column's reference.
    window
        The window over the same bins.

    Returns
    -------
    str
        An ``svg`` element; each bar tells its bin and shares when pointed at.
    """
    before, now = _shares(profile.histogram), _shares(window)
    tallest = max([*before, *now, 1e-9])
    step = (WIDTH - _LEFT - _RIGHT) / len(before)
    bars = []
    for position, (old, new) in enumerate(zip(before, now, strict=True)):
        x = _LEFT + position * step
        label = f"{_bin_name(profile, position)}: {old:.1%} in training, {new:.1%} now"
        bars.append(
            f"<g><title>{escape(label)}</title>"
            f"{_bar(x + step * 0.06, step * 0.88, old / tallest, 'before')}"
            f"{_bar(x + step * 0.28, step * 0.44, new / tallest, 'now')}</g>"
        )
    names = [_bin_name(profile, 0), _bin_name(profile, len(before) - 1)]
    return _svg("".join(bars) + _axis(names), f"{profile.name}: training and now")


def _shares(histogram: Histogram) -> list[float]:
    total = max(int(histogram.counts.sum()), 1)
    return [float(count) / total for count in histogram.counts]


def _bin_name(profile: ColumnProfile, position: int) -> str:
    if profile.categories:
        return profile.categories[position]
    edges = profile.edges.tolist()
    if not edges:
        return "all"
    if position == 0:
        return f"< {edges[0]:.4g}"
    if position == len(edges):
        return f"≥ {edges[-1]:.4g}"
    return f"{edges[position - 1]:.4g} to {edges[position]:.4g}"


def _bar(x: float, width: float, share: float, kind: str) -> str:
    full = HEIGHT - _TOP - _BOTTOM
    tall = max(share * full, 0.5)
    top = _TOP + full - tall
    return f'<rect class="{kind}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{tall:.1f}"/>'


def _axis(names: Sequence[str]) -> str:
    base = HEIGHT - _BOTTOM
    left, right = (escape(name[:_LABEL_CHARACTERS]) for name in names)
    return (
        f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{base}" y2="{base}"/>'
        f'<text x="{_LEFT}" y="{base + 16}">{left}</text>'
        f'<text x="{WIDTH - _RIGHT}" y="{base + 16}" text-anchor="end">{right}</text>'
    )


def _svg(content: str, label: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    named = escape(label, quote=True)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{named}">{content}</svg>'


def quality_svg(history: Sequence[dict[str, Any]]) -> str:
    """Draw a metric over time with its intervals, beside what the test set promised.

    Parameters
    ----------
    history
        Summaries of reports whose quality was measured, the oldest first; at least one.

    Returns
    -------
    str
        An ``svg`` element.
    """
    width, height = 720, 220
    inner = (height - _TOP - _BOTTOM, width - 52 - _RIGHT)
    values = [value for one in history for value in _levels(one["quality"])]
    low, high = min(values), max(values)
    margin = (high - low) * 0.1 or 0.01
    low, high = low - margin, high + margin
    points = len(history)

    def x_of(position: int) -> float:
        return 52 + inner[1] * (position / (points - 1) if points > 1 else 0.5)

    def y_of(value: float) -> float:
        return _TOP + inner[0] * (1 - (value - low) / (high - low))

    def path(name: str) -> str:
        known = [(x_of(i), y_of(one["quality"][name])) for i, one in enumerate(history)]
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in known)

    first, last = history[0]["window_end"][:10], history[-1]["window_end"][:10]
    upper, lower = path("high"), " ".join(reversed(path("low").split()))
    content = (
        "".join(_grid(low, high, y_of, width))
        + f'<polygon class="band" points="{upper} {lower}"/>'
        + f'<polyline class="promised" points="{path("reference")}"/>'
        + f'<polyline class="measured" points="{path("measured")}"/>'
        + "".join(_dots(history, x_of, y_of))
        + f'<text x="52" y="{height - 8}">{first}</text>'
        + f'<text x="{width - _RIGHT}" y="{height - 8}" text-anchor="end">{last}</text>'
    )
    return _svg(content, "measured quality over time", width, height)


def _levels(quality: dict[str, Any]) -> Iterator[float]:
    for name in ("low", "high", "reference", "measured"):
        if math.isfinite(quality[name]):
            yield quality[name]


def _grid(low: float, high: float, y_of: Any, width: int) -> Iterator[str]:
    for part in range(5):
        value = low + (high - low) * part / 4
        y = y_of(value)
        yield f'<line class="grid" x1="52" x2="{width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="46" y="{y + 4:.1f}" text-anchor="end">{value:.3f}</text>'


def _dots(history: Sequence[dict[str, Any]], x_of: Any, y_of: Any) -> Iterator[str]:
    for position, one in enumerate(history):
        quality = one["quality"]
        text = (
            f"{one['window_end'][:10]}, version {one['version']}: {quality['measured']:.3f} "
            f"({quality['low']:.3f} to {quality['high']:.3f}), {quality['reference']:.3f} on the test set"
        )
        kind = "dot worse" if one["performance"] == "worse" else "dot"
        place = f'cx="{x_of(position):.1f}" cy="{y_of(quality["measured"]):.1f}"'
        yield f'<circle class="{kind}" {place} r="3.5"><title>{escape(text)}</title></circle>'
