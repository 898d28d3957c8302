"""`tidemill upload` and `tidemill data`: files in, commits out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cli.commands.checks import infer, unblock
from cli.commands.findings import found_in, found_tables, refusal_reason, save_page
from cli.commands.log import log
from cli.commands.versions import diff, export, rollback, show_version, tag, untag
from cli.context import App, json_option, pass_app
from cli.errors import CommandError
from cli.render import show, steps, table
from tidemill.client.deployment import Deployment, wait_for

UPLOAD_SECONDS = 600.0


@click.command()
@click.argument("source")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@json_option
@pass_app
def upload(app: App, source: str, files: tuple[Path, ...], *, as_json: bool) -> None:
    """Upload FILES to SOURCE and wait for what becomes of them.

    Parquet, CSV and JSON Lines, the latter two also as .gz or .zst. A file becomes one commit of the source,
    or is refused whole and changes nothing.
    """
    outcomes = []
    with app.deployment() as deployment, steps() as progress:
        progress.start(f"uploading to {source}", len(files))
        for file in files:
            outcomes.append(upload_and_wait(deployment, source, file))
            progress.step(file.name)
        pages = [save_page(deployment, one, app.state_dir) for one in outcomes if found_tables(one)]
    names = ["rows", "quarantined", "warnings"]
    rows = [
        [one["file"], outcome_of(one), *(one.get(name) for name in names), one["digest"][:12]]
        for one in outcomes
    ]
    heads = ["file", "outcome", "rows", "put aside", "warnings", "digest"]
    found = [part for one in outcomes for part in found_in(one)]
    saved = ["", *(f"the whole report: {page.as_uri()}" for page in pages)] if pages else []
    show(outcomes, table(heads, rows), *found, *saved, as_json=as_json)
    refused = [one for one in outcomes if one["status"] == "refused"]
    if refused:
        reasons = "; ".join(f"{one['file']}: {refusal_reason(one)}" for one in refused)
        raise CommandError(f"refused {len(refused)} of {len(outcomes)}: {reasons}")


def upload_and_wait(deployment: Deployment, source: str, file: Path) -> dict[str, Any]:
    """Upload one file and return the report of what became of it, with the file's path.

    Raises
    ------
    Unavailable
        If no report came in time.
    """
    uploaded = deployment.put_upload(source, file)
    report = wait_for(
        lambda: deployment.upload_report(uploaded),
        what=f"the outcome of {file.name}",
        seconds=UPLOAD_SECONDS,
    )
    return {"file": str(file), "digest": uploaded.digest, **report}


def outcome_of(report: Mapping[str, Any]) -> str:
    """Return what became of an upload, in a word or two."""
    return "committed before" if report["duplicate"] else str(report["status"])


@click.group()
def data() -> None:
    """Look at the versions of the data, name them, and go back to one."""


for command in (log, show_version, diff, tag, untag, rollback, export, infer, unblock):
    data.add_command(command)
