"""`tidemill data log`: what came of the uploads to a source."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType

from cli.commands.versions import describe
from cli.context import App, json_option, pass_app
from cli.render import counted, first_few, shortened, show, table
from tidemill.client.deployment import Deployment
from tidemill.client.known_tables import has_table
from tidemill.project import load_project


@click.command()
@click.argument("source")
@json_option
@pass_app
def log(app: App, source: str, *, as_json: bool) -> None:
    """List the commits of SOURCE and the refused uploads.

    The newest commit comes first, and with each what failed in it. Refused uploads are listed for 90 days.
    """
    from tidemill.datasets.refusals import refused_uploads  # noqa: PLC0415 - Arrow takes a second to import

    commits: list[dict[str, Any]] = []
    with app.deployment() as deployment:
        if has_table(deployment.tables, partial(load_project, deployment.project), source):
            commits = logged(deployment, source)
        refused = refused_uploads(deployment.documents, source)
    said = {"source": source, "commits": commits, "refused": refused}
    show(said, _commits(source, commits), *_failures(commits), *_refusals(refused), as_json=as_json)


def logged(deployment: Deployment, source: str) -> list[dict[str, Any]]:
    """Return the commits of a source with their tags, the newest first."""
    tags: dict[int, list[str]] = {}
    for name, snapshot_id in sorted(deployment.history.tags(source).items()):
        tags.setdefault(snapshot_id, []).append(name)
    return [
        {**describe(deployment, source, commit), "tags": tags.get(commit.snapshot_id, [])}
        for commit in reversed(deployment.tables.commits(source))
    ]


def _commits(source: str, commits: Sequence[Mapping[str, Any]]) -> RenderableType:
    rows = [
        [
            one["at"] or None,
            one["snapshot_id"],
            _file(one),
            one["rows"],
            one["quarantined"],
            one["warnings"],
            one["upload"]["digest"][:12] or None,
            first_few(one["tags"], 1) or None,
        ]
        for one in commits
    ]
    names = ["at", "snapshot", "file", "rows", "put aside", "warnings", "digest", "tags"]
    return table(names, rows, f"{source}: {counted(len(commits), 'commit')}")


def _failures(commits: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """Return the checks that some rows of a commit failed, or that warned of it."""
    rows = [
        row for one in commits if one["failed"] for row in _one_below_the_other(one, _plain(one["failed"]))
    ]
    return ["", table(["at", "committed", "although these failed"], rows)] if rows else []


def _refusals(refused: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """Return what was refused and why: its faults and checks, or the error of a file that is none."""
    rows: list[list[str | None]] = []
    for one in refused:
        rows += _one_below_the_other(one, [*(_plain(one["failed"]) or [one["error"]]), one["report_key"]])
    return ["", table(["at", "refused", "because these failed, and the report"], rows)] if rows else []


def _one_below_the_other(record: Mapping[str, Any], lines: Sequence[str]) -> list[list[str | None]]:
    return [[record["at"], _file(record), lines[0]], *(["", "", line] for line in lines[1:])]


def _file(record: Mapping[str, Any]) -> str | None:
    return shortened(Path(record["upload"]["key"]).name) or None


def _plain(names: Sequence[str]) -> list[str]:
    return [name.replace("`", "") for name in names]
