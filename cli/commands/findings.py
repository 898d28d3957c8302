"""What an upload's checks found, as people read it: the reasons first, then where its whole report lies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import RenderableType

from cli.render import counted, first_few, table
from tidemill.client.deployment import Deployment
from tidemill.datasets.findings import ALL_PUT_ASIDE

SHOWN_ROWS = 3


def found_tables(report: Mapping[str, Any]) -> list[RenderableType]:
    """Return what is amiss with an upload, the worst first; nothing where nothing is.

    Parameters
    ----------
    report
        The report on an upload, or the findings kept with a commit.
    """
    faults = sorted(report.get("faults", ()), key=_gravity)
    amiss = sorted((one for one in report.get("checks", ()) if _outcome(one)), key=_gravity)
    parts: list[RenderableType] = []
    if faults:
        rows = [[_plain(one["check"]), one["rows_failed"], *_found(one)] for one in faults]
        parts += ["", table(["could not be read: expected", "rows", "first", "found"], rows)]
    if amiss:
        amiss = [one for one in amiss if one["check"] != ALL_PUT_ASIDE or not one["passed"]]
        rows = [[_plain(one["check"]), _outcome(one), one["rows_failed"], *_found(one)] for one in amiss]
        parts += ["", table(["check", "outcome", "rows", "first", "found"], rows)]
    return parts


def found_in(outcome: Mapping[str, Any]) -> list[RenderableType]:
    """Return the same under the name of the uploaded file."""
    parts = found_tables(outcome)
    return ["", Path(outcome["file"]).name, *parts[1:]] if parts else []


def _gravity(verdict: Mapping[str, Any]) -> tuple[bool, bool, int]:
    """Return by what verdicts are sorted: those that refuse, those that warn, then by the rows that fail."""
    return verdict["passed"], verdict["severity"] == "warn", -(verdict["rows_failed"] or 0)


def _outcome(verdict: Mapping[str, Any]) -> str | None:
    """Say what became of what failed; None where nothing did."""
    if not verdict["passed"]:
        return "warned" if verdict["severity"] == "warn" else "refused"
    return "put aside" if verdict["severity"] == "quarantine" and verdict["rows_failed"] else None


def _found(verdict: Mapping[str, Any]) -> tuple[str | None, str]:
    """Return the first rows that fail, and what stands in them; else what was found as a sentence."""
    examples = verdict["examples"][:SHOWN_ROWS]
    if not examples:
        # What rows are put aside for most often is told in lines of their own.
        return None, _plain(verdict["found"]).partition("; most often")[0]
    rows = ", ".join(f"{one['row']:,}" for one in examples)
    values = [
        ", ".join(f"{name} {one['values'][name]!r}" for name in verdict["columns"] or one["values"])
        for one in examples
    ]
    more = ", …" if (verdict["rows_failed"] or 0) > len(examples) else ""
    return rows + more, "; ".join(dict.fromkeys(values))


def _plain(text: str) -> str:
    """Write a sentence without the quotes around names: a table sets them off already."""
    return text.replace("`", "")


def refusal_reason(report: Mapping[str, Any]) -> str:
    """Say in a few words why an upload was refused."""
    faults = sorted(report.get("faults", ()), key=_gravity)
    failed = sum(_outcome(one) == "refused" for one in report.get("checks", ()))
    reasons = []
    if faults:
        columns = list(dict.fromkeys(name for one in faults for name in one["columns"]))
        reasons.append(counted(len(faults), "fault") + (f" ({first_few(columns)})" if columns else ""))
    if failed:
        reasons.append(counted(failed, "failed check"))
    said = f"{' and '.join(reasons)}; correct the file and upload it again"
    return said if reasons else str(report["error"])


def save_page(deployment: Deployment, report: Mapping[str, Any], state_dir: Path) -> Path:
    """Save the page of an upload's report where a browser can open it, and return its path."""
    name = Path(report["upload"]["key"]).name
    page = state_dir / "reports" / f"{report['source']}-{name}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_bytes(deployment.data.get(report["report_key"].removesuffix(".json") + ".html"))
    return page
