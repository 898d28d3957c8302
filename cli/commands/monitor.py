"""`tidemill monitor`: what the monitor saw, and what the retrain policy made of it."""

from typing import Any

import click

from cli.commands.train import check_model, reason_text
from cli.context import App, json_option, pass_app
from cli.errors import CommandError
from cli.render import first_few, show, table
from tidemill.client.deployment import Deployment

REPORTS_LISTED = 14


@click.command()
@click.argument("model")
@click.option("--open", "open_page", is_flag=True, help="Open the latest report's page in the browser.")
@json_option
@pass_app
def monitor(app: App, model: str, *, open_page: bool, as_json: bool) -> None:
    """Show the latest reports and decisions on MODEL.

    What the monitor saw, and what the retrain policy made of it, the newest first.
    """
    with app.deployment() as deployment:
        check_model(deployment, model)
        reports = latest(deployment, model, "REPORT#")
        decisions = latest(deployment, model, "DECISION#")
        if not reports:
            raise CommandError(
                f"model {model} has no monitor reports yet; the monitor looks daily once a version serves"
            )
        if open_page:
            page = app.state_dir / "reports" / f"{model}.html"
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_bytes(report_page(deployment, reports[0]))
            click.launch(page.as_uri())
    columns = ["window end", "version", "rows", "drift", "drifted features", "performance"]
    show(
        {"reports": reports, "decisions": decisions},
        table(columns, [report_row(one) for one in reports], f"reports on {model}"),
        "",
        table(["at", "retrained", "why, or why not"], [decision_row(one) for one in decisions], "decisions"),
        as_json=as_json,
    )


def report_row(report: dict[str, Any]) -> list[Any]:
    """Write a report's summary as a row."""
    features = first_few(report["drifted_features"]) or None
    measures = [report[name] for name in ("window_end", "version", "rows", "drift")]
    return [*measures, features, report["performance"]]


def decision_row(entry: dict[str, Any]) -> list[Any]:
    """Write a ledger entry as a row: when, whether a training was started, and why or why not."""
    decision = entry["decision"]
    reason = reason_text(decision["reason"]) if decision["reason"] else "no reason to"
    held_back = f"{reason}; held back: {decision['guard']}" if decision["guard"] else reason
    return [entry["at"], decision["retrain"], held_back]


def latest(deployment: Deployment, model: str, prefix: str) -> list[dict[str, Any]]:
    """Return a model's newest documents of one kind, the newest first."""
    partition = f"MODEL#{model}"
    found = deployment.documents.query(partition, prefix, descending=True, limit=REPORTS_LISTED)
    return [document for _, document in found]


def report_page(deployment: Deployment, report: dict[str, Any]) -> bytes:
    """Return a report's HTML page."""
    return deployment.data.get(report["report_key"].removesuffix(".json") + ".html")
