"""A monitor report as a page for people: one file, nothing loaded from anywhere."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from tidemill.monitoring.daily import DayHistogram
from tidemill.monitoring.drift import FALSE_ALARM_RATE, PSI_THRESHOLD, ColumnDrift
from tidemill.monitoring.plots import histogram_svg, quality_svg
from tidemill.monitoring.report import MonitorReport
from tidemill.statistics.profile import ReferenceProfile

PLOTTED_FEATURES = 6

_STYLE = """
:root { color-scheme: light; --ink: #1d2733; --soft: #5d6b7a; --line: #e3e8ee; --paper: #fff;
  --before: #cfd9e4; --now: #2f6fab; --good: #1d7a4c; --bad: #b3401f; --unsure: #8a6d1a; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f7f9; color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 36px 0 12px; }
p { margin: 4px 0; } .soft { color: var(--soft); }
.cards { display: grid; gap: 12px; margin-top: 20px;
  grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); }
.card, .plot, table { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; }
.card { padding: 14px 16px; } .card b { display: block; font-size: 22px; font-weight: 600; }
.good { color: var(--good); } .bad { color: var(--bad); } .unsure { color: var(--unsure); }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 12px; }
.plot { padding: 12px 14px; } .plot h3 { margin: 0 0 6px; font-size: 15px; }
svg { width: 100%; height: auto; display: block; } svg text { font-size: 11px; fill: var(--soft); }
.before { fill: var(--before); } .now { fill: var(--now); } .drifted .now { fill: var(--bad); }
.axis { stroke: #9aa7b4; } .grid { stroke: var(--line); }
.band { fill: #2f6fab22; } .measured { fill: none; stroke: var(--now); stroke-width: 2; }
.promised { fill: none; stroke: var(--soft); stroke-dasharray: 5 4; }
.dot { fill: var(--now); } .dot.worse { fill: var(--bad); }
table { width: 100%; border-collapse: separate; border-spacing: 0; overflow: hidden; }
th, td { padding: 7px 12px; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } tr:last-child td { border-bottom: 0; }
th { font-weight: 600; color: var(--soft); font-size: 13px; } td { font-variant-numeric: tabular-nums; }
"""


def report_page(
    report: MonitorReport,
    *,
    reference: ReferenceProfile | None,
    window: DayHistogram | None,
    history: Sequence[Mapping[str, Any]],
) -> str:
    """Render a report.

    Parameters
    ----------
    report
        What was found.
    reference, window
        The histograms that were compared; None where there is no champion.
    history
        Summaries of earlier reports and this one, the oldest first.

    Returns
    -------
    str
        HTML, without scripts and without anything to load.
    """
    title = f"{report.model}: {report.window.start[:10]} to {report.window.end[:10]}"
    body = "".join(
        [
            *_head(report),
            *_cards(report),
            *_features(report, reference, window),
            *_quality(history),
            *_table(report.columns),
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def _head(report: MonitorReport) -> Iterator[str]:
    version = f"version {report.version}" if report.version is not None else "no champion"
    yield f"<h1>{escape(report.model)}</h1>"
    yield (
        f'<p class="soft">{escape(version)} &middot; predictions from {report.window.start[:10]} '
        f"to before {report.window.end[:10]} &middot; looked at {escape(report.at)}</p>"
    )
    for note in report.notes:
        yield f"<p>{escape(note)}</p>"


def _cards(report: MonitorReport) -> Iterator[str]:
    performance = report.performance
    n_drifted = len(report.drifted_features)
    drift = {
        True: ("bad", "drift", f"{n_drifted} of {len(report.columns)} features"),
        False: ("good", "stable", f"{len(report.columns)} features compared"),
        None: ("unsure", "unknown", "too little to compare"),
    }[report.drift]
    kind = {"ok": "good", "worse": "bad"}.get(performance.verdict, "unsure")
    detail = f"{performance.rows:,} predictions with outcomes"
    measured = f"{performance.measured.point:.3f}" if performance.measured else "&ndash;"
    promised = f"{performance.reference.point:.3f} on the test set" if performance.reference else ""
    expected = f"{performance.estimated:.3f}" if performance.estimated is not None else "&ndash;"
    metric = escape(performance.metric or "metric")
    yield '<section class="cards">'
    yield _card("Data", drift[1], drift[2], drift[0])
    yield _card("Performance", performance.verdict, detail, kind)
    yield _card(f"Measured {metric}", measured, promised)
    yield _card(f"Expected {metric}", expected, "if the probabilities are right")
    yield _card("Predictions", f"{report.rows:,}", f"{report.new_rows:,} new rows to learn from")
    yield "</section>"


def _card(name: str, value: str, detail: str, kind: str = "") -> str:
    return (
        f'<div class="card"><span class="soft">{name}</span><b class="{kind}">{value}</b>'
        f'<span class="soft">{detail}</span></div>'
    )


def _features(
    report: MonitorReport, reference: ReferenceProfile | None, window: DayHistogram | None
) -> Iterator[str]:
    if reference is None or window is None or report.prediction is None:
        return
    profiles = {column.name: column for column in reference.columns}
    yield '<h2>What moved most</h2><section class="plots">'
    for column in report.columns[:PLOTTED_FEATURES]:
        yield _plot(column, histogram_svg(profiles[column.name], window.columns[column.name]))
    yield _plot(report.prediction, histogram_svg(reference.prediction, window.prediction))
    yield '</section><p class="soft">Wide bars: training. Narrow bars: this window, red where it drifted.</p>'


def _plot(column: ColumnDrift, svg: str) -> str:
    kind = "plot drifted" if column.drifted else "plot"
    title = f'{escape(column.name)} <span class="soft">PSI {column.psi:.2f}</span>'
    return f'<div class="{kind}"><h3>{title}</h3>{svg}</div>'


def _quality(history: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    measured = [dict(one) for one in history if one["quality"] and one["quality"]["measured"] is not None]
    if not measured:
        return
    yield f"<h2>{escape(measured[-1]['quality']['metric'])} over time</h2>"
    yield f'<div class="plot">{quality_svg(measured)}</div>'
    yield '<p class="soft">Line and band: measured, with its 95 % interval. Dashes: on the test set.</p>'


def _table(columns: Sequence[ColumnDrift]) -> Iterator[str]:
    if not columns:
        return
    yield "<h2>Every feature</h2><table><thead><tr>"
    names = (
        "feature",
        "drift",
        "PSI",
        "Jensen-Shannon",
        "p (adjusted)",
        "missing",
        "in training",
        "out of range",
    )
    yield "".join(f"<th>{name}</th>" for name in names)
    yield "</tr></thead><tbody>"
    for column in columns:
        verdict = '<span class="bad">yes</span>' if column.drifted else "no"
        figures = (
            verdict,
            f"{column.psi:.3f}",
            f"{column.jensen_shannon:.3f}",
            f"{column.p_value:.2g}",
            _flagged(column.missing_share, "missing", column),
            f"{column.reference_missing_share:.1%}",
            _flagged(column.outside_share, "out_of_range", column),
        )
        cells = "".join(f"<td>{figure}</td>" for figure in figures)
        yield f"<tr><td>{escape(column.name)}</td>{cells}</tr>"
    yield (
        f'</tbody></table><p class="soft">A feature drifted if its adjusted p-value is at most '
        f"{FALSE_ALARM_RATE} and its PSI at least {PSI_THRESHOLD}.</p>"
    )


def _flagged(share: float, issue: str, column: ColumnDrift) -> str:
    return f'<span class="bad">{share:.1%}</span>' if issue in column.issues else f"{share:.1%}"
