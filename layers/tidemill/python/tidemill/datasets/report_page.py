"""The report on an upload as a page for people: one file, nothing loaded from anywhere."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light; --ink: #1d2733; --soft: #5d6b7a; --line: #e3e8ee; --paper: #fff;
  --good: #1d7a4c; --bad: #b3401f; --unsure: #8a6d1a; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f7f9; color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 36px 0 12px; }
p { margin: 4px 0; } .soft { color: var(--soft); } .good { color: var(--good); }
.bad { color: var(--bad); } .unsure { color: var(--unsure); }
.wide { overflow-x: auto; background: var(--paper); border: 1px solid var(--line); border-radius: 8px; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 7px 12px; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; } td { font-variant-numeric: tabular-nums; }
th { font-weight: 600; color: var(--soft); font-size: 13px; }
"""


def upload_page(report: Mapping[str, Any]) -> str:
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
    name = report["upload"]["key"].rsplit("/", 1)[-1]
    title = f"{name}: {report['status']}"
    checks = report.get("checks", [])
    body = "".join([*_head(report, name), *_table(checks), *_examples(checks)])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def _head(report: Mapping[str, Any], name: str) -> Iterator[str]:
    kind = "good" if report["status"] == "committed" else "bad"
    yield f'<h1>{escape(name)} <span class="{kind}">{escape(report["status"])}</span></h1>'
    upload = report["upload"]
    yield f'<p class="soft">source {escape(report["source"])} &middot; arrived {escape(report["at"])}</p>'
    yield f'<p class="soft">{escape(upload["key"])} &middot; SHA-256 {escape(upload["digest"])}</p>'
    if "error" in report:
        yield f'<p class="bad">{escape(report["error"])}</p>'
    if report.get("rows_read"):
        yield (
            f"<p>{report['rows_read']:,} rows read, {report['rows_quarantined']:,} put aside, "
            f"{report['warnings']} warnings</p>"
        )


def _table(checks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not checks:
        return
    yield "<h2>Checks</h2>" + _row_start(["check", "if it fails", "outcome", "found"])
    for one in sorted(checks, key=lambda each: (each["passed"], not each["rows_failed"])):
        kind, outcome = _outcome(one)
        yield (
            f"<tr><td>{escape(one['check'])}</td><td>{escape(one['severity'])}</td>"
            f'<td class="{kind}">{outcome}</td><td>{escape(one["found"])}</td></tr>'
        )
    yield "</tbody></table></div>"


def _outcome(verdict: Mapping[str, Any]) -> tuple[str, str]:
    if not verdict["passed"]:
        return ("unsure", "warned") if verdict["severity"] == "warn" else ("bad", "refused")
    if verdict["severity"] == "quarantine" and verdict["rows_failed"]:
        return "unsure", "rows put aside"
    return "good", "passed"


def _examples(checks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in checks:
        if one["examples"]:
            names = list(one["examples"][0]["values"])
            yield f"<h2>{escape(one['check'])}</h2>" + _row_start(["row", *names])
            for example in one["examples"]:
                cells = [example["row"], *(example["values"][name] for name in names)]
                yield "<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in cells) + "</tr>"
            yield "</tbody></table></div>"


def _row_start(names: Sequence[str]) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in names)
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>'


def _cell(value: Any) -> str:
    return '<span class="soft">null</span>' if value is None else escape(str(value))
