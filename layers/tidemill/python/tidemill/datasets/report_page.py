"""The report on an upload as a page for people: one file, nothing loaded from anywhere.

It says first what became of the file and what to do next, then what was wrong, the worst first, with
the first rows of each kind; then every column in numbers, and at last what the file was.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from tidemill.datasets.report_style import STYLE

_Report = Mapping[str, Any]
_QUOTED = re.compile(r"`([^`]*)`")


def upload_page(report: _Report) -> str:
    """Render the report on an upload.

    Parameters
    ----------
    report
        As it stands beside the page in JSON.

    Returns
    -------
    str
        HTML, without scripts and without anything to load; what stands in files is escaped.
    """
    name = _name(report)
    body = "".join(
        [
            *_head(report),
            *_tiles(report),
            *_faults(report),
            *_checks(report),
            *_columns(report),
            *_facts(report),
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)}: {escape(report['status'])}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _name(report: _Report) -> str:
    return str(report["upload"]["key"].rsplit("/", 1)[-1])


def _head(report: _Report) -> Iterator[str]:
    kind = _kind(report)
    yield (
        f'<p class="soft">{escape(report["project"])} / {escape(report["source"])} &middot; '
        f"arrived {escape(report['at'])}</p>"
        f'<h1>{escape(_name(report))} <span class="pill {kind}">{escape(report["status"])}</span></h1>'
        f'<section class="verdict {kind}"><p class="headline">{_headline(report)}</p>'
    )
    unread = report["status"] == "refused" and not (_failed(report) or report.get("faults"))
    if unread:  # the message says all there is to say, and what to do
        yield f"<p>{_text(report['error'])}</p>"
    steps = [] if unread else list(_next_steps(report))
    if steps:
        yield (
            '<p class="next">What to do next</p><ol>' + "".join(f"<li>{one}</li>" for one in steps) + "</ol>"
        )
    yield "</section>"


def _kind(report: _Report) -> str:
    if report["status"] == "refused":
        return "bad"
    return "unsure" if report.get("rows_quarantined") or report.get("warnings") else "good"


def _headline(report: _Report) -> str:
    source = escape(report["source"])
    if report["status"] == "committed":
        aside = report.get("rows_quarantined", 0)
        rest = f"; {_number(aside, 'row')} put aside." if aside else "."
        return f"{_number(report['rows'], 'row')} added to {source}{rest}"
    faults, failed = len(report.get("faults", ())), len(_failed(report))
    reasons = [_number(faults, "fault of the file")] * bool(faults) + [
        _number(failed, "check against it")
    ] * bool(failed)
    said = f": {' and '.join(reasons)}" if reasons else ""
    return f"Refused whole{said}. Nothing was added{f' to {source}' if source else ''}."


def _next_steps(report: _Report) -> Iterator[str]:
    source, name = report["source"], _name(report)
    again = _command(f"tidemill upload {source} {name}")
    if report["status"] == "refused":
        place = _command(f"projects/{report['project']}")
        yield f"Correct the file; or, where it is right, what {place} declares of <b>{escape(source)}</b>."
        yield f"Upload it again: {again}"
        if _failed(report) and not report.get("faults"):
            unblock = _command(f"tidemill data unblock {source}")
            yield (
                f"Until a file is committed, no model that needs <b>{escape(source)}</b> is trained; "
                f"{unblock} lifts that."
            )
        return
    if report.get("rows_quarantined"):
        parts = ", ".join(_command(key) for key in report.get("quarantine", ()))
        yield (
            f"Look at the rows put aside, each with its reasons: {parts}. Corrected, they can come as a file "
            "of their own; the others are there already."
        )
    if report.get("warnings"):
        yield "See below what the checks warn of; the rows are there all the same."


def _failed(report: _Report) -> list[_Report]:
    """Return the checks that refuse the upload."""
    return [one for one in report.get("checks", ()) if not one["passed"] and one["severity"] != "warn"]


def _tiles(report: _Report) -> Iterator[str]:
    if not report.get("rows_read"):
        return
    aside = "rows put aside" if report["status"] == "committed" else "rows to put aside"
    figures = {
        "rows in the file": report["rows_read"],
        "rows added": report.get("rows", 0),
        aside: report["rows_quarantined"],
        "rows not readable": report.get("rows_unread", 0),
        "warnings": report["warnings"],
    }
    tiles = "".join(f"<div><dt>{name}</dt><dd>{value:,}</dd></div>" for name, value in figures.items())
    yield f'<dl class="tiles">{tiles}</dl>'


def _faults(report: _Report) -> Iterator[str]:
    faults = report.get("faults", ())
    if not faults:
        return
    others = report["rows_read"] - report["rows_unread"]
    judged = f"The other {_number(others, 'row')} of the file could, and the checks judged them."
    said = judged if others else "No row could be read whole, so no check judged any."
    yield f'<h2>What could not be read</h2><p class="soft">{said}</p>'
    faults = sorted(faults, key=lambda each: -(each["rows_failed"] or 0))
    yield _table("checks", ["expected", "rows", "found"])
    for one in faults:
        rows = _share(one["rows_failed"], report["rows_read"], "bad") if one["rows_failed"] else "the file"
        yield _row(_text(one["check"]), rows, _text(one["found"]))
    yield _END
    yield from _examples(report, faults)


def _checks(report: _Report) -> Iterator[str]:
    checks = sorted(report.get("checks", ()), key=_gravity)
    if not checks:
        return
    judged = report["rows_read"] - report.get("rows_unread", 0)
    yield "<h2>Checks</h2>" + _table("checks", ["check", "outcome", "if it fails", "rows", "found"])
    for one in checks:
        kind, outcome = _outcome(one)
        rows = _share(one["rows_failed"], judged, kind) if one["rows_failed"] else ""
        pill = f'<span class="pill {kind}">{outcome}</span>'
        severity = f'<span class="means">{escape(one["severity"])}</span>'
        yield _row(_text(one["check"]), pill, severity, rows, _text(one["found"]))
    yield _END
    yield from _examples(report, checks)


def _gravity(verdict: _Report) -> tuple[bool, bool, int]:
    """Return by what checks are sorted: those that refuse, those that warn, then by the rows that fail."""
    return verdict["passed"], verdict["severity"] == "warn", -(verdict["rows_failed"] or 0)


def _outcome(verdict: _Report) -> tuple[str, str]:
    if not verdict["passed"]:
        return ("unsure", "warned") if verdict["severity"] == "warn" else ("bad", "refused")
    if verdict["severity"] == "quarantine" and verdict["rows_failed"]:
        return "unsure", "put aside"
    return "good", "passed"


def _examples(report: _Report, verdicts: Iterable[_Report]) -> Iterator[str]:
    order = {each["name"]: place for place, each in enumerate(report.get("columns", ()))}
    for one in verdicts:
        if not one["examples"]:
            continue
        marked = one.get("columns", ())
        there = one["examples"][0]["values"]
        names = sorted(there, key=lambda name: (name not in marked, order.get(name, len(order))))
        shown, rows = len(one["examples"]), one["rows_failed"] or 0
        first = f"the first {shown} of {rows:,} rows" if rows > shown else _number(rows, "row")
        yield f'<h3>{_text(one["check"])} <span class="soft">&middot; {first}</span></h3>'
        heads = "".join(f"<th{_mark(name, marked)}>{escape(name)}</th>" for name in names)
        yield f'<div class="wide"><table class="rows"><thead><tr><th>row</th>{heads}</tr></thead><tbody>'
        for example in one["examples"]:
            cells = "".join(
                f"<td{_mark(name, marked)}>{_cell(example['values'].get(name))}</td>" for name in names
            )
            yield f"<tr><td>{example['row']:,}</td>{cells}</tr>"
        yield _END


def _mark(name: str, marked: Sequence[str]) -> str:
    return ' class="mark"' if name in marked else ""


def _columns(report: _Report) -> Iterator[str]:
    columns = report.get("columns", ())
    read = report.get("rows_read", 0)
    if not any(one["nulls"] or one["put_aside"] or one["unread"] for one in columns):
        return
    kept = read - report["rows_unread"] - report["rows_quarantined"]
    yield "<h2>Columns</h2>"
    yield (
        '<p class="soft">Nulls as a share of the rows that passed; rows put aside for a check that looks '
        "at the column, and rows with a value of another type, as shares of the file.</p>"
    )
    yield _table("columns", ["column", "type", "null", "put aside", "not readable"])
    for one in columns:
        yield _row(
            _command(one["name"]),
            escape(one["type"]),
            _share(one["nulls"], kept, "plain"),
            _share(one["put_aside"], read, "unsure"),
            _share(one["unread"], read, "bad"),
        )
    yield _END


def _facts(report: _Report) -> Iterator[str]:
    upload = report["upload"]
    facts = {
        "key": upload["key"],
        "bucket": upload["bucket"],
        "S3 version": upload["version"],
        "SHA-256": upload["digest"],
        "snapshot": report.get("snapshot_id"),
        "read by code": report.get("code"),
    }
    yield '<h2>This upload</h2><dl class="facts">'
    for name, value in facts.items():
        if value:
            yield f'<dt>{name}</dt><dd class="mono">{escape(str(value))}</dd>'
    json = f'<a href="{escape(upload["digest"])}.json">this report as JSON</a>'
    yield f"<dt>for programs</dt><dd>{json}</dd></dl>"


def _share(rows: int, of_all: int, kind: str) -> str:
    """Draw a share of rows, wide enough to be seen if there is any."""
    if not rows:
        return '<span class="soft">&ndash;</span>'
    share = rows / max(1, of_all)
    width = max(4.0, 100 * share)
    percent = f"{share:.1%}" if share >= 0.001 else "&lt; 0.1%"
    bar = f'<span class="bar {kind}"><i style="width:{width:.0f}%"></i></span>'
    return f'<span class="share">{bar}{rows:,} ({percent})</span>'


_END = "</tbody></table></div>"


def _table(kind: str, names: Sequence[str]) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in names)
    return f'<div class="wide"><table class="{kind}"><thead><tr>{heads}</tr></thead><tbody>'


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _text(text: str) -> str:
    """Write a sentence, with names in backquotes as code."""
    return _QUOTED.sub(r"<code>\1</code>", escape(text))


def _command(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _number(count: int, what: str) -> str:
    """Count things; only the first word has a plural."""
    first, _, rest = what.partition(" ")
    words = first if count == 1 else f"{first}s"
    return f"{count:,} {words} {rest}".rstrip()


def _cell(value: Any) -> str:
    return '<span class="soft">null</span>' if value is None else escape(str(value))
